"""Tells, for callrec show, what people wrote about a call and did so that its recording is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.catalogue.holds import Hold
from callrec.commands.common import plain_row
from callrec.dates import spoken
from callrec.desk.operations.finding import After
from callrec.language import translated as _
from callrec.model.office import Conventions
from callrec.wording import ACTIONS, RETAINED_BECAUSE

LENGTHENED = ("retained", "marked-incident", "cleared-incident")
"""Steps of the custody log that have to do with how long a recording is kept."""
REDACTED = "redacted"


def written(after: After, office: Conventions) -> Iterator[tuple[str, str]]:
    """Yields a line for each note, the oldest first."""
    for each in after.notes:
        yield "note", f"{spoken(each.at, office.zone)}  {each.text}  ({each.who})"


def kept(
    recording: ArchivedRecording, after: After, entries: list[Entry], office: Conventions
) -> Iterator[tuple[str, str]]:
    """Yields until when a recording is kept, what decided that, who and why; and what it is held for."""
    until = spoken(recording.retain_until, office.zone) if recording.retain_until else "—"
    yield "kept until", f"{until}  {_(RETAINED_BECAUSE[recording.retained_because])}"
    for each in entries:
        if each.action in LENGTHENED:
            what = _(ACTIONS[each.action])
            yield "", f"{_by(each.at, each.details.get('reason'), office, each.who)}  {what}"
    for each in entries:
        if each.action == REDACTED:
            made = _by(each.at, each.details.get("ground"), office, each.who)
            yield "redaction", f"{each.details.get('number')}  {made}"
    for hold in after.holds:
        yield "legal hold", _hold(hold, office)
    if after.requests:
        yield "requests", ", ".join(after.requests)


def as_json(after: After) -> dict[str, Any]:
    """Returns what people did as JSON has it."""
    return {
        "notes": [plain_row(asdict(each)) for each in after.notes],
        "holds": [plain_row(asdict(each)) for each in after.holds],
        "requests": after.requests,
    }


def redactions(entries: list[Entry]) -> list[dict[str, Any]]:
    """Returns the redactions of a recording as JSON has them."""
    names = ("number", "ground", "request", "sha256", "key")
    return [
        plain_row({"at": each.at, "who": each.who, **{name: each.details.get(name) for name in names}})
        for each in entries
        if each.action == REDACTED
    ]


def _hold(hold: Hold, office: Conventions) -> str:
    begun = _by(hold.at, hold.reason, office, hold.who, hold.request)
    if hold.released_at is None:
        return begun
    ended = _by(hold.released_at, hold.release_reason, office, hold.released_by)
    return _("{begun}; released {ended}").format(begun=begun, ended=ended)


def _by(at: datetime, reason: str | None, office: Conventions, *by: str | None) -> str:
    return f"{spoken(at, office.zone)}  {reason or '—'}  ({', '.join(filter(None, by))})"
