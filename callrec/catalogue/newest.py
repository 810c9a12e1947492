"""Finds the newest recordings and calls whose ids begin so, for who types one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue.tables import calls, recordings
from callrec.catalogue.within import within
from callrec.ids import ID, pasted
from callrec.model.access import Reach
from callrec.model.captures import Custody

LOOKED_AT = 5000
"""So many of the newest that begin so are looked at, however few of them are within reach: whoever waits for
it has pressed Tab."""
FIRST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Newest:
    """An id, and by what people know it."""

    id: str
    started_at: datetime
    extension: str | None


def beginning(
    connection: sa.Connection, begin: str, most: int, *, reach: Reach, every_call: bool
) -> Iterator[Newest]:
    """Yields recordings that are in the archive, the newest first. With `every_call` also those that were
    destroyed, and then calls that have none."""
    begin = pasted(begin)
    first, last = (begin + fill[len(begin) :] for fill in (FIRST_ID, FIRST_ID.replace("0", "f")))
    if not ID.fullmatch(first):
        return
    of = recordings.c
    kept = sa.true() if every_call else of.state == Custody.ARCHIVED
    some = _some(sa.select(of.id, of.call_id, of.started_at).where(kept, of.id.between(first, last)), of.id)
    yield from _read(connection, some, most, reach)
    if every_call:
        bare = ~sa.exists().where(of.call_id == calls.c.id)
        alone = sa.select(calls.c.id, calls.c.id.label("call_id"), calls.c.started_at)
        some = _some(alone.where(calls.c.id.between(first, last), bare), calls.c.id)
        yield from _read(connection, some, most, reach)


def _some(query: sa.Select[tuple[str, str, datetime]], id_: sa.ColumnElement[str]) -> sa.Subquery:
    return query.order_by(id_.desc()).limit(LOOKED_AT).subquery()


def _read(connection: sa.Connection, some: sa.Subquery, most: int, reach: Reach) -> Iterator[Newest]:
    query = (
        sa.select(some.c.id, some.c.started_at, calls.c.extension)
        .join(calls, calls.c.id == some.c.call_id)
        .where(*within(some.c.call_id, reach))
        .order_by(some.c.id.desc())
        .limit(most)
    )
    for row in connection.execute(query):
        yield Newest(row.id, row.started_at, row.extension)
