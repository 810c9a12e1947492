"""Puts a recording into words, as its manifest tells it: who, when, why, what was announced."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from callrec.call_words import DIRECTIONS, KEPT_BECAUSE, OUTCOMES
from callrec.catalogue.custody import Entry
from callrec.durations import clock
from callrec.evidence.page.events import heard
from callrec.evidence.page.moments import day_and_time, time_only
from callrec.language import translated as _
from callrec.manifest import ClockState, Manifest
from callrec.model.calls import IN_CALL, Announcement
from callrec.rulebook import explanation
from callrec.wording import ACTIONS, ROLES, note

Rows = Iterator[tuple[str, str]]


def who(manifest: Manifest) -> Rows:
    """Yields whose call it was."""
    call = manifest.call
    yield _("facility"), f"{manifest.facility_name} ({call.facility})" if call.facility else "—"
    yield _("extension"), call.extension or "—"
    yield _("number of the other party"), call.number or "—"
    yield _("number dialled"), call.dialled or "—"
    yield _("direction"), _(DIRECTIONS[call.direction]) if call.direction else "—"


def when(manifest: Manifest, zone: ZoneInfo) -> Rows:
    """Yields when it was, in a zone."""
    call = manifest.call
    yield _("call began"), day_and_time(call.started_at, zone)
    if call.answered_at:
        yield _("answered"), day_and_time(call.answered_at, zone)
    if call.ended_at:
        yield _("call ended"), day_and_time(call.ended_at, zone)
    yield _("recording begins"), day_and_time(manifest.capture.began_at, zone)
    yield _("length of the recording"), clock(manifest.audio.duration_s)
    yield _("outcome"), _(OUTCOMES[call.outcome]) if call.outcome else "—"
    yield _("time zone"), str(zone)


def participants(manifest: Manifest, zone: ZoneInfo) -> Iterator[tuple[str, str, str, str]]:
    """Yields who took part: side, number, from when, to when."""
    for each in manifest.call.participants:
        side = _("staff") if each.extension else _("other party")
        left = time_only(each.left_at, zone) if each.left_at else _("to the end")
        yield side, each.number or "—", time_only(each.joined_at, zone), left


def why(manifest: Manifest, zone: ZoneInfo) -> Rows:
    """Yields why it was recorded and kept."""
    decision, capture = manifest.call.decision, manifest.capture
    if decision is None:
        yield _("decision"), _("none: the call ended before anybody answered")
    else:
        for number, line in enumerate(explanation.verdict(decision)):
            yield _("decision") if not number else "", line
    if capture.kept_because:
        yield _("kept because"), _(KEPT_BECAUSE[capture.kept_because])
    yield _("incident"), _("yes") if manifest.incident else _("no")
    yield _("to be kept until"), day_and_time(manifest.retain_until, zone)


def rules(manifest: Manifest, zone: ZoneInfo) -> Iterator[tuple[str, list[str]]]:
    """Yields the rules that decided: a heading, and the lines of the text."""
    for each in manifest.rules:
        changed = day_and_time(each.changed_at, zone)
        heading = _("Rule {rule}, version {version}, of {moment}, by {who}").format(
            rule=each.rule, version=each.version, moment=changed, who=each.changed_by
        )
        yield heading, [line for line in each.text.splitlines() if line.strip()]


def announcements(manifest: Manifest, zone: ZoneInfo) -> Iterator[tuple[str, list[str]]]:
    """Yields each announcement: when it was played, to whom, to its end or not; and its words."""
    words = {(each.prompt, each.language, each.text_sha256): each.text for each in manifest.announced}
    for each in manifest.call.announcements:
        text = words.get((each.prompt, each.language, each.text_sha256), "")
        yield _played(each, zone), text.splitlines() or [_("Its words are not known any more.")]


def _played(each: Announcement, zone: ZoneInfo) -> str:
    to_whom = (
        _("to both, during the call") if each.leg == IN_CALL else _("to the caller, before the connection")
    )
    ended = time_only(each.finished_at, zone) if each.finished_at else _("its end was not reported")
    return _("{began} – {ended}, {to_whom}: {heard}").format(
        began=day_and_time(each.started_at, zone), ended=ended, to_whom=to_whom, heard=heard(each)
    )


def notes(manifest: Manifest) -> list[str]:
    """Returns what went otherwise than decided."""
    return [note(each) for each in manifest.call.notes]


def clocks(state: ClockState | None, zone: ZoneInfo) -> Rows:
    """Yields how far the clocks were apart by which the times are."""
    if state is None:
        yield _("clocks"), _("were not compared: the manifest is of an older version")
        return
    synchronised = {True: _("yes"), False: _("no"), None: _("not known")}
    yield _("compared"), day_and_time(state.measured_at, zone)
    yield _("set by a time server"), synchronised[state.synchronised]
    yield _("estimated error"), _seconds(state.estimated_error_s)
    yield _("ahead of the PBX's clock by"), _seconds(state.pbx_offset_s)
    yield _("ahead of the archive's clock by"), _seconds(state.store_offset_s)


def _seconds(value: float | None) -> str:
    return _("not known") if value is None else _("{seconds} s").format(seconds=f"{value:.3f}")


def custody(entries: list[Entry], zone: ZoneInfo) -> Iterator[tuple[str, str, str, str]]:
    """Yields what was done with the recording: when, by whom, what, and under which request."""
    for each in entries:
        role = str(each.details.get("role") or "")
        by = f"{each.who} ({_(ROLES[role])})" if role in ROLES else each.who
        done = _(ACTIONS.get(each.action, each.action))
        yield day_and_time(each.at, zone), by, done, str(each.details.get("request") or "")


def proofs(manifest: Manifest, manifest_sha256: str) -> Rows:
    """Yields the hashes and the key by which sound and manifest are recognised."""
    yield _("SHA-256 of the whole sound file (FLAC)"), manifest.audio.sha256
    yield _("SHA-256 of its samples"), manifest.audio.pcm_sha256
    yield _("SHA-256 of the manifest"), manifest_sha256
    yield _("signed by key"), manifest.key_id or _("not signed: of an older version")
    yield (
        _("made with"),
        f"callrec {manifest.software.callrec}, Asterisk {manifest.software.pbx}, "
        f"libsndfile {manifest.software.libsndfile}",
    )
