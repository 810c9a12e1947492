"""Compares the rows of one recording with what the bucket says of it, and writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from callrec.catalogue import calls, custody, rebuilding, retention, statements, traces
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.catalogue.logged import TAKEN_OVER
from callrec.catalogue.rebuilding import Difference
from callrec.catalogue.statements import ABOUT_RECORDING, TOMBSTONES
from callrec.errors import EvidenceBroken, Sentence
from callrec.evidence import rule_versions
from callrec.evidence.bucket import FoundRecording, numbered
from callrec.evidence.statements import statement
from callrec.evidence.wanted import WantedRecording, wanted


class KnownRecording:
    """What bucket, outbox and custody log say of a recording together."""

    def __init__(self, connection: Connection, found: FoundRecording) -> None:
        self.found = found
        entries = custody.of(connection, found.id)
        waiting = [statement(each) for each in statements.waiting(connection, found.id)]
        self.said = sorted([*found.said, *waiting], key=lambda each: each.id)
        self.problems: list[Sentence] = []
        self.wanted: WantedRecording | None = None
        try:
            self.wanted = wanted(found, self.said)
        except EvidenceBroken as error:
            self.problems.append(Sentence(error.template, **error.values))
        logged = _stated(entries, TOMBSTONES if self.wanted and not self.wanted.is_whole else ABOUT_RECORDING)
        self.lacking = logged - numbered(self.said)
        """The ids of statements that the custody log tells of, and the bucket does not have."""
        missing = numbered(self.said) - _stated(entries, ABOUT_RECORDING)
        taken = any(each.action in TAKEN_OVER for each in entries)
        self.is_logged = taken and not missing
        """Whether the custody log tells of all that the bucket says."""


def is_to_write(each: Difference, only_lost: bool) -> bool:
    """Returns whether the rows are to be written for a difference; `only_lost`: for rows that are missing."""
    return each.catalogue is None and not each.column if only_lost else each.bucket is not None


def _stated(entries: Iterable[Entry], actions: Iterable[str]) -> set[str]:
    """Returns the ids of the statements that entries of the custody log tell of."""
    found: set[str] = set()
    for each in entries:
        if each.action == "rebuilt":
            found |= set(each.details.get("statements", ()))
        elif each.action in actions and "statement" in each.details:
            found.add(str(each.details["statement"]))
    return found


def differing(connection: Connection, made: WantedRecording) -> Iterator[Difference]:
    """Yields where the catalogue's rows are not those that are wanted."""
    id_, call_id = made.row["id"], made.call.id
    shared = len(traces.recordings_of(connection, call_id)) > 1
    for table, rows in made.rows.items():
        subject = call_id if table == "notes" else id_
        for each in rebuilding.compared(connection, table, subject, rows):
            if not (table == "notes" and shared and each.bucket is None):  # it may lie beside another
                yield each
    yield from _call(connection, made)
    yield from rule_versions.differing(connection, made.rules)


def _call(connection: Connection, made: WantedRecording) -> Iterator[Difference]:
    """Yields where the rows of the call differ. With several recordings, the newest says what is right."""
    found, id_ = traces.call_of(connection, made.call.id), made.call.id
    if found.call is None:
        yield Difference("calls", id_, "", {"id": id_}, None)
        return
    if not made.is_whole or made.row["id"] < max(traces.recordings_of(connection, id_), default=""):
        return
    incident = made.now.incident or retention.has_incident(connection, id_)
    for name, value in calls.call_row(replace(made.call, incident=incident)).items():
        if found.call[name] != value:
            yield Difference("calls", id_, name, value, found.call[name])
    pairs = [("participants", "extension", calls.extensions_of(made.call), found.participants)]
    if made.facilities:
        pairs.append(("call_facilities", "facility", set(made.facilities), found.facilities))
    for table, name, expected, rows in pairs:
        there = {each[name] for each in rows}
        if there != expected:
            yield Difference(table, id_, name, sorted(expected), sorted(there))


def save(connection: Connection, made: WantedRecording) -> None:
    """Writes the rows of a recording and its call."""
    if made.is_whole:
        calls.save_call(connection, made.call, made.facilities or None)
    elif not calls.is_known(connection, made.call.id):
        going = made.now.destruction
        calls.save_call(connection, made.call, made.facilities)
        calls.numbers_gone(
            connection, made.call.id, made.now.destroyed_at or (going.begun_at if going else None)
        )
    rebuilding.write(connection, made.rows)
    if made.is_whole:
        retention.mark_call(connection, made.call.id)
