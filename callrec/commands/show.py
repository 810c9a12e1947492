"""callrec show: tells of one recording or call who, when, why it was recorded or not, and its custody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from callrec.call_words import DIRECTIONS, KEPT_BECAUSE, OUTCOMES, facility_in_words, number_in_words
from callrec.catalogue import calls, custody
from callrec.catalogue.alerts import DeliveryRow
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchHit
from callrec.commands import show_after
from callrec.commands.common import desk, names_in_reach, plain_row, print_json, say, tell, working
from callrec.commands.search import row
from callrec.commands.show_course import course, silences
from callrec.dates import spoken
from callrec.desk.operations import finding as operations
from callrec.desk.operations.finding import ShownCall
from callrec.desk.operations.searching import conventions, found_call
from callrec.durations import clock
from callrec.errors import WrongUsage
from callrec.language import translated as _
from callrec.model.calls import Announcement, CallRecord
from callrec.model.office import Conventions
from callrec.rulebook import explanation
from callrec.rulebook.explanation import Known, Names
from callrec.wording import (
    ACTIONS,
    ALERT_STATES,
    note,
)

if TYPE_CHECKING:
    from callrec.desk.direct import Desk

PICTURES = (".png", ".svg")
"""What a picture can be, by the ends of its name."""
Lines = Iterator[tuple[str, str]]


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--picture",
    metavar="FILE.png|FILE.svg",
    type=click.Path(path_type=Path),
    help="Draw the sound, too: both sides, with the times, and marks for what happened.",
)
@click.option("--request", metavar="NUMBER", help="The request it is drawn for; it is written down.")
@click.pass_context
def command(ctx: click.Context, id_: str, as_json: bool, picture: Path | None, request: str | None) -> None:
    """Show one recording or call: who, when, why it was recorded or not, and what was done with it.

    A picture is drawn of a recording that was verified first, and who had it drawn is written down.
    """
    here = desk(ctx)
    if picture:
        _draw(here, id_, picture, request)
    elif request is not None:
        raise WrongUsage("--request is for --picture: what is shown else needs no request")
    _show(ctx, id_, as_json)
    if picture and not as_json:
        say("the picture is in {path}", path=picture)


def _draw(here: Desk, id_: str, path: Path, request: str | None) -> None:
    """Draws a recording. Raises WrongUsage for a name of no kind of picture, before anything is asked."""
    if path.suffix.lower() not in PICTURES:
        raise WrongUsage("{path} is no name of a picture: write FILE.png or FILE.svg", path=path)
    from callrec.commands.show_picture import draw
    from callrec.desk.operations import drawing

    with working(id_):
        found = here.do(drawing.shape, id_, request)
        draw(path, found, here.do(conventions).zone)


def _show(ctx: click.Context, id_: str, as_json: bool) -> None:
    here = desk(ctx)
    shown = here.do(operations.show, id_, manifest=as_json)
    office = here.do(conventions)
    if as_json:
        print_json(_whole(shown, office))
        if shown.without_manifest:
            say("the manifest could not be had: {problem}", err=True, problem=shown.without_manifest)
        return
    for name, text in _lines(shown, office, names_in_reach(ctx)):
        tell(f"{_(name)}: {text}" if name else f"  {text}")


def _whole(shown: ShownCall, office: Conventions) -> dict[str, Any]:
    found = shown.found
    return {
        **plain_row(row(found_call(found), office, {})),
        "call": calls.as_json(found.call),
        "other_recordings": shown.others,
        "manifest": shown.manifest,
        "silences": [plain_row(asdict(each)) for each in silences(found.recording)],
        "retained_because": found.recording.retained_because if found.recording else None,
        **show_after.as_json(shown.after),
        "redactions": show_after.redactions(shown.entries),
        "alerts": [plain_row(asdict(each)) for each in shown.told],
        "custody": [
            plain_row(
                {
                    "seq": each.seq,
                    "at": each.at,
                    "who": each.who,
                    "action": each.action,
                    "details": each.details,
                    "hash": each.hash,
                }
            )
            for each in shown.entries
        ],
    }


def _lines(shown: ShownCall, office: Conventions, names: Mapping[str, str]) -> Lines:
    found = shown.found
    yield from _call(found, office, names)
    yield from _decision(found, {(each.id, each.version): each for each in shown.considered}, office, names)
    yield from _notes(found.call)
    yield from show_after.written(shown.after, office)
    yield from _announcements(found.call, office)
    yield from _people(found, office)
    yield from course(found, office.zone)
    if found.recording:
        yield from _recording(found.recording, shown, office)
    yield from _alerts(shown.told, office)
    yield from _custody(shown.entries, office)


def _alerts(told: list[DeliveryRow], office: Conventions) -> Lines:
    for each in told:
        state = _(ALERT_STATES[each.state]).format(
            sent=spoken(each.sent_at, office.zone) if each.sent_at else "", tries=each.tries
        )
        to = " ".join(filter(None, (each.way, each.recipient)))
        yield "help alert", ", ".join(filter(None, (f"{to}  {state}", each.problem)))


def _custody(entries: list[custody.Entry], office: Conventions) -> Lines:
    if entries:
        yield "what was done with it", ""
    for each in entries:
        by = ", ".join(str(said) for said in (each.who, each.details.get("request")) if said)
        yield "", f"{spoken(each.at, office.zone)}  {_(ACTIONS.get(each.action, each.action))}  ({by})"


def _call(found: SearchHit, office: Conventions, names: Mapping[str, str]) -> Lines:
    call = found.call
    yield "call", call.id
    yield "when", spoken(call.started_at, office.zone)
    if call.answered_at and call.ended_at:
        length = (call.ended_at - call.answered_at).total_seconds()
        yield "length of the talk", clock(length) if length >= 0 else "—"  # the clock was set back meanwhile
    yield "outcome", _(OUTCOMES[call.outcome]) if call.outcome else _("under way")
    yield "direction", _(DIRECTIONS[call.direction]) if call.direction else "—"
    yield "facility", facility_in_words(call.facility, names) if call.facility else "—"
    yield "extension", call.extension or "—"
    number = number_in_words(call.number) if call.number and not found.erased_at else "—"
    yield "number", number
    if call.incident:
        yield "incident", _("yes")


def _decision(found: SearchHit, known: Known, office: Conventions, names: Names) -> Lines:
    decision = found.call.decision
    if decision is None:
        yield "decision", _("none: the call ended before anybody answered")
        return
    for number, line in enumerate(explanation.verdict(decision)):
        yield "" if number else "decision", line
    for line in explanation.candidates(decision, known, office.zone, names):
        yield "", line
    if not found.recording:
        yield "recording", _unrecorded(found.call, office)


def _unrecorded(call: CallRecord, office: Conventions) -> str:
    discarded = spoken(call.discarded_at, office.zone) if call.discarded_at else ""
    if call.unannounced_at:
        why = _("none: the announcement could not be played, and the rule wants nothing recorded then")
        return ", ".join([why, *([_("discarded at {moment}").format(moment=discarded)] if discarded else [])])
    return _("standby, discarded at {moment}").format(moment=discarded) if discarded else _("none")


def _notes(call: CallRecord) -> Lines:
    for each in call.notes:
        yield "note", note(each)


def _announcements(call: CallRecord, office: Conventions) -> Lines:
    for each in call.announcements:
        yield (
            "announcement",
            f"{spoken(each.started_at, office.zone)}  {each.prompt} ({each.language}), {_heard(each)}",
        )
    if not call.announcements:
        yield "announcement", _("none")


def _heard(each: Announcement) -> str:
    if each.in_recording is False:
        return _("played, not found in the recording")
    return _("heard to its end") if each.complete else _("not heard to its end")


def _people(found: SearchHit, office: Conventions) -> Lines:
    unknown = "—" if found.erased_at else "?"
    for each in found.call.participants:
        left = spoken(each.left_at, office.zone)[11:] if each.left_at else "…"
        number = number_in_words(each.number) if each.number else unknown
        yield "took part", f"{number}  {spoken(each.joined_at, office.zone)} – {left}"


def _recording(kept: ArchivedRecording, shown: ShownCall, office: Conventions) -> Lines:
    yield "recording", kept.id
    yield "length", clock(kept.duration_s)
    yield "kept because", _(KEPT_BECAUSE[kept.kept_because])
    yield from show_after.kept(kept, shown.after, shown.entries, office)
    yield "state", _state(kept, office)
    yield "object", kept.key
    yield "SHA-256", kept.sha256
    if shown.others:
        yield "other recordings", ", ".join(shown.others)


def _state(kept: ArchivedRecording, office: Conventions) -> str:
    if kept.destroyed_at is None:
        return _(ACTIONS[kept.state])
    return _("destroyed at {moment}").format(moment=spoken(kept.destroyed_at, office.zone))
