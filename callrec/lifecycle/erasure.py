"""Takes numbers and names out of the rows of calls whose time is over; what is left says that there was a
call, when, and of which extension.

A call goes no earlier than all of its recordings: with one that is kept, the whole row is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from callrec.catalogue import erasures, statements
from callrec.catalogue.database import Database
from callrec.errors import CatalogueDamaged
from callrec.model.access import Through
from callrec.model.calls import CallRecord, Note, Participant
from callrec.model.rules import Direction

AT_ONCE = 500
"""Rows in one transaction: nobody else can write meanwhile."""
_OUR_OWN = (Direction.INBOUND, Direction.INTERNAL)
"""What was dialled in such a call is a number of the office."""
_ID_OR_NUMBER = re.compile(r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|\+?[0-9][0-9 ()-]{4,}[0-9]")
_GONE = "—"


def without_numbers(call: CallRecord) -> CallRecord:
    """Returns a call without the numbers of those outside."""
    return replace(
        call,
        number=None,
        dialled=call.dialled if call.direction in _OUR_OWN else None,
        participants=tuple(_nameless(each) for each in call.participants),
        notes=tuple(_silent(each) for each in call.notes),
    )


def _nameless(each: Participant) -> Participant:
    return each if each.extension is not None else replace(each, number="")


def _silent(note: Note) -> Note:
    """Returns a note in which nothing is left that can be a number outside: six digits, or more."""
    values = {name: _without_digits(value) for name, value in note.values.items()}
    return Note(_without_digits(note.text), note.template, values)


def _without_digits(text: str) -> str:
    return _ID_OR_NUMBER.sub(lambda found: found["id"] or _GONE, text)


def until(now: datetime, days: int) -> datetime:
    """Returns the moment before which calls must have ended for their numbers to go."""
    return now - timedelta(days=days)


def count(database: Database, before: datetime) -> int:
    """Returns of how many calls numbers and names are to go."""
    with database.read() as connection:
        return erasures.count(connection, before)


def erase(
    database: Database,
    before: datetime,
    passed_over: Callable[[CatalogueDamaged], None],
    *,
    who: str,
    at: datetime,
) -> int:
    """Takes numbers, names and notes out of calls that ended before a moment; returns of how many.

    What was erased so far is written down with each part of it. Ended anywhere, the next run goes on.
    Damaged rows are told to `passed_over`, and stay as they are.
    """
    erased, damaged, known = 0, dict[str, CatalogueDamaged](), 0
    while (found := _some(database, before, who, at, damaged)) or len(damaged) > known:
        erased, known = erased + found, len(damaged)
    for each in damaged.values():
        passed_over(each)
    return erased


def _some(
    database: Database, before: datetime, who: str, at: datetime, damaged: dict[str, CatalogueDamaged]
) -> int:
    marks: dict[str, Any] = {"role": "", "through": Through.DIRECT.value, "until": before.isoformat()}
    with database.begin() as connection:
        found = erasures.due(connection, before, AT_ONCE, damaged)
        for call_id, call in found:
            erasures.erase(connection, call_id, without_numbers(call), at)
        if found:
            statements.enter(connection, "", "erased", who=who, at=at, count=len(found), **marks)
    return len(found)
