"""Compares the custody log of a recording with what is stated beside it in the bucket: pure.

No key is needed to write at the end of the custody log: whoever may write to the database can say there that
a recording was destroyed, or let go. In the bucket nothing is stated without the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callrec.catalogue.custody import Entry
from callrec.catalogue.logged import TAKEN_OVER
from callrec.catalogue.statements import ABOUT_RECORDING, TOMBSTONES
from callrec.errors import EvidenceBroken, Sentence
from callrec.evidence.afterwards import Afterwards, plain
from callrec.evidence.bucket import FoundRecording
from callrec.evidence.differences import IN_BUCKET, Differences, difference, documents, same
from callrec.evidence.request_rows import lacks
from callrec.evidence.statement import Statement
from callrec.evidence.wanted import wanted

REBUILT, BEGUN, DESTROYED = "rebuilt", "destruction-begun", "destroyed"
_SILENT = "row {row} of the custody log says {action}, and nothing signed in the bucket does"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is stated of a recording: what lies in the bucket, and what waits to be put there."""

    found: FoundRecording
    waiting: Sequence[Statement]

    def signed(self) -> dict[str, Statement]:
        """Returns what lies in the bucket, by id."""
        return {each.id: each for each in self.found.said}


def to_be_stated(entries: Sequence[Entry], now: Afterwards) -> list[Entry]:
    """Returns the entries that have a statement, or stand for several: since the recording is in the bucket;
    of one that is destroyed, or about to be, how that came."""
    actions = TOMBSTONES if now.destruction else ABOUT_RECORDING
    begin = next((each.seq for each in entries if each.action in TAKEN_OVER), 0)
    return [each for each in entries if each.seq >= begin and each.action in actions | {REBUILT}]


def of_statements(
    entries: Sequence[Entry], now: Afterwards, beside: Beside, is_older: Callable[[Entry], bool]
) -> Differences:
    """Returns what these entries say otherwise than what is signed. `is_older` tells of an entry whether it
    is from before there were keys: then nothing was stated."""
    found: Differences = []
    for each in entries:
        if each.action == REBUILT:
            found += _of_rebuilt(each, now, beside)
        elif not (is_older(each) and "statement" not in each.details):
            found += _of_entry(each, now, beside)
    return [*found, *beside.found.unproved] if found else found


def _of_entry(entry: Entry, now: Afterwards, beside: Beside) -> Differences:
    id_, signed = str(entry.details.get("statement", "")), beside.signed()
    if id_ in signed:
        return list(_apart(entry, signed[id_]))
    # Nothing is deleted before the bucket says why: that of the beginning waits no more.
    may_wait = not (now.destroyed_at and entry.action == BEGUN)
    return [] if may_wait and _waits(entry, id_, beside) else [_silent(entry)]


def _waits(entry: Entry, id_: str, beside: Beside) -> bool:
    return any(each.id == id_ and not list(_apart(entry, each)) for each in beside.waiting)


def _silent(entry: Entry) -> Sentence:
    return Sentence(_SILENT, row=entry.seq, action=entry.action)


def _apart(entry: Entry, said: Statement) -> Iterator[Sentence]:
    pairs = [("action", said.action, entry.action), ("at", said.at, entry.at), ("who", said.who, entry.who)]
    pairs += [(name, said.details.get(name), value) for name, value in entry.details.items()]
    for name, there, logged in pairs:
        if not same(there, logged):
            yield difference(IN_BUCKET, f"{entry.action}, {name}", there, logged)


def _of_rebuilt(entry: Entry, now: Afterwards, beside: Beside) -> Differences:
    """Returns where an entry that says all at once says otherwise than the statements that it names."""
    stands: Mapping[str, Any] = entry.details.get("stands") or {}
    if now.destruction:  # what it was made of may be gone since, but for how that came
        ends = _ends(stands.get("destruction") or {})
        return [_silent(entry)] if ends - _ends_of(beside) else []
    ids = set(entry.details.get("statements") or ())
    said = [each for each in (*beside.found.said, *beside.waiting) if each.id in ids]
    try:
        made = wanted(beside.found, sorted(said, key=lambda each: each.id))
    except EvidenceBroken as error:
        return [Sentence(error.template, **error.values)]
    if made is None:
        return [_silent(entry)]
    lacking = [lacks(each) for each in sorted(ids - {each.id for each in said})]
    return [*lacking, *documents(IN_BUCKET, REBUILT, plain(made.now), dict(stands))]


def _ends(going: Mapping[str, Any]) -> set[tuple[str, datetime]]:
    """Returns what a destruction consists of, each with its time, as an entry tells of it."""
    told = ((BEGUN, going.get("begun_at")), (DESTROYED, going.get("finished_at")))
    return {(action, datetime.fromisoformat(at)) for action, at in told if at}


def _ends_of(beside: Beside) -> set[tuple[str, datetime]]:
    """Returns the same as it is stated; the end may still wait to be put."""
    waiting = (each for each in beside.waiting if each.action == DESTROYED)
    return {(each.action, each.at) for each in (*beside.found.said, *waiting)}
