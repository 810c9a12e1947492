"""What a person has to see to after calls: `callrec status` tells it, and is not well while there is any."""

from __future__ import annotations

from datetime import datetime, timedelta

from callrec.catalogue import destructions, statements
from callrec.catalogue.database import Connection
from callrec.errors import Sentence
from callrec.lifecycle.requests import overdue
from callrec.model.access import Reach

PURGED_WITHIN = timedelta(hours=36)
"""The longest that what is past its time waits for a daily purge."""
STATED_WITHIN = timedelta(minutes=1)
"""The longest that it takes to tell the bucket what was done, while it can be told."""


def concerns(connection: Connection, now: datetime, reach: Reach) -> list[Sentence]:
    """Returns what is overdue or could not be done, as far as the facilities in reach are concerned.

    `now` is in the zone of the office, whose day it is.
    """
    return [
        *_not_returned(connection, now, reach),
        *_not_destroyed(connection, reach),
        *_left_over(connection, now, reach),
        *_not_stated(connection, now),
    ]


def _not_stated(connection: Connection, now: datetime) -> list[Sentence]:
    """Returns what the bucket has not been told: it is away, refuses, or there is no key to sign with."""
    count, first = statements.how_many(connection)
    if first is None or first > now - STATED_WITHIN:
        return []
    return [
        Sentence(
            "{count} statements of what was done wait for the bucket, the first since {moment}",
            count=count,
            moment=f"{first.astimezone(now.tzinfo):%Y-%m-%d %H:%M}",
        )
    ]


def _not_returned(connection: Connection, now: datetime, reach: Reach) -> list[Sentence]:
    return [
        Sentence(
            "copies of request {number} should have come back by {day}: callrec request show {number}",
            number=each.number,
            day=each.due,
        )
        for each in overdue(connection, now.date(), reach)
    ]


def _not_destroyed(connection: Connection, reach: Reach) -> list[Sentence]:
    found = destructions.problems(connection, reach)
    if not found:
        return []
    id_, problem = found[0]
    return [
        Sentence(
            "{count} recordings could not be destroyed, the first is {id}: {problem}",
            count=len(found),
            id=id_,
            problem=problem,
        )
    ]


def _left_over(connection: Connection, now: datetime, reach: Reach) -> list[Sentence]:
    """Returns what no purge has even begun: none has run, or it refused, by the clock or by how many."""
    found = destructions.left_over(connection, now - PURGED_WITHIN, reach)
    if found is None:
        return []
    count, first = found
    return [
        Sentence(
            "{count} recordings are past their time and still there, the first since {day}: see what callrec "
            "purge says",
            count=count,
            day=first.astimezone(now.tzinfo).date(),
        )
    ]
