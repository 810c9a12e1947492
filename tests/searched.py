"""A catalogue of calls at random, and what a search of it must find, by reading all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from callrec import ids
from callrec.catalogue import calls, finding, hits, holds, lines, notes, searching, streams, tables
from callrec.catalogue.database import Database
from callrec.desk.operations.searching import found_call
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.calls import CallRecord, Participant
from callrec.model.captures import KeptBecause
from callrec.model.found import SORTS, SearchQuery
from callrec.model.rules import Direction, Mode
from callrec.numbers import Number
from callrec.texts import folded
from tests.filled_catalogue import recording_row
from tests.old_database import migrated
from tests.unit.samples import DECISION, START, call

FACILITIES = {"shiba": ("2101", "2102"), "azabu": ("2201",), "mita": ("2301", "2302")}
EXTENSIONS = {number: code for code, numbers in FACILITIES.items() for number in numbers}
NUMBERS = ("+81312345678", "+81312345679", "00312345678")
NOTES = ("大声で怒鳴られた", "大声", "声が大きい", "Claim 100%", "a_b", "怒")
PARTS = ("大声", "声", "怒鳴", "鳴怒", "claim100", "_", "大声で怒", "い", "無")
LENGTHS = (0.0, 3.5, 30.0, 30.0, 61.0, 600.0)
SPAN_S = 1000
COUNT = 150


def fill(database: Database, seed: int = 1) -> None:
    """Writes calls as callrec does, with what is done to them afterwards."""
    dice = random.Random(seed)  # noqa: S311
    with database.begin() as connection:
        for number in range(COUNT):
            made = _call(dice, number)
            calls.save_call(connection, made, _facilities(made))
            for _ in range(dice.choice((0, 0, 1, 1, 1, 2))):
                _record(connection, made, dice)
            if dice.random() < 0.4:
                notes.add(connection, made.id, dice.choice(NOTES), who="tanaka", at=START)
                notes.add(connection, made.id, dice.choice(NOTES), who="tanaka", at=START)


def _call(dice: random.Random, number: int) -> CallRecord:
    mode = dice.choice((None, *Mode))
    reason = "test-call" if dice.random() < 0.1 else "facility"
    extension = dice.choice((None, *EXTENSIONS))
    began = START + timedelta(seconds=dice.randrange(SPAN_S), microseconds=dice.choice((0, 1, 999_999)))
    others = dice.sample(list(EXTENSIONS), dice.choice((0, 0, 1, 2)))
    return call(
        id=ids.derived(began, str(number)),
        direction=dice.choice((None, *Direction)),
        facility=EXTENSIONS.get(extension or ""),
        extension=extension,
        number=dice.choice((None, *NUMBERS)),
        started_at=began,
        incident=dice.random() < 0.2,
        decision=replace(DECISION, mode=mode, reason=reason) if mode else None,
        participants=tuple(Participant("1.1", each, each, began, began) for each in others),
    )


def _facilities(made: CallRecord) -> list[str]:
    return sorted({EXTENSIONS[each] for each in calls.extensions_of(made) if each in EXTENSIONS})


def _record(connection: sa.Connection, made: CallRecord, dice: random.Random) -> None:
    because = dice.choice(list(KeptBecause))
    row = recording_row(made.id, made.started_at, seconds=dice.choice(LENGTHS), because=because)
    connection.execute(tables.recordings.insert().values(row))
    hits.rewrite(connection, made.id)
    if dice.random() < 0.2:
        holds.add(connection, row["id"], "law", None, who="kanri", at=START)


queries = st.builds(
    SearchQuery,
    begin=st.none() | st.integers(0, SPAN_S).map(lambda s: START + timedelta(seconds=s)),
    end=st.none() | st.integers(0, SPAN_S).map(lambda s: START + timedelta(seconds=s)),
    extension=st.none() | st.sampled_from((*EXTENSIONS, "2999")),
    facility=st.none() | st.sampled_from((*FACILITIES, "nowhere")),
    number=st.none() | st.sampled_from(NUMBERS).map(Number),
    dialled=st.none() | st.sampled_from(NUMBERS).map(Number),
    direction=st.none() | st.sampled_from(Direction).map(str),
    mode=st.none() | st.sampled_from(Mode).map(str),
    incident=st.sampled_from((False, False, True)),
    held=st.sampled_from((False, False, True)),
    note=st.none() | st.sampled_from(PARTS),
    min_duration_s=st.none() | st.sampled_from(LENGTHS),
    all_calls=st.booleans(),
    test_calls=st.booleans(),
    limit=st.sampled_from((1, 3, 1000)),
    sort=st.sampled_from(SORTS),
)
reaches = st.just(EVERYWHERE) | st.sets(st.sampled_from((*FACILITIES, "nowhere"))).map(
    lambda codes: Reach(frozenset(codes))
)


def expected(connection: sa.Connection, wanted: SearchQuery, reach: Reach) -> list[str]:
    """Returns the ids of all lines that a search must find, in their order, whatever its limit."""
    fits = [row for row in _lines(connection) if _fits(connection, row, wanted, reach)]
    fits.sort(key=lambda row: row.place, reverse=wanted.sort != "oldest")
    if wanted.sort == "longest":
        fits.sort(key=_length, reverse=True)
    return [row.recording_id or row.id for row in fits]


def _lines(connection: sa.Connection) -> list[Any]:
    """Returns calls with their recordings; of hits only what tells apart those of one moment."""
    rec = tables.recordings.c
    place = sa.select(tables.hits.c.place).where(
        tables.hits.c.call_id == tables.calls.c.id, tables.hits.c.recording_id.is_not_distinct_from(rec.id)
    )
    columns = rec.id.label("recording_id"), rec.duration_s, rec.hold, place.scalar_subquery().label("place")
    joined = tables.calls.join(tables.recordings, rec.call_id == tables.calls.c.id, isouter=True)
    return list(connection.execute(sa.select(tables.calls, *columns).select_from(joined)).all())


def _fits(connection: sa.Connection, row: Any, wanted: SearchQuery, reach: Reach) -> bool:
    assert row.place is not None, "each has its place"
    return (
        (wanted.all_calls or row.recording_id is not None)
        and (wanted.test_calls or not row.test)
        and (wanted.begin is None or row.started_at >= wanted.begin)
        and (wanted.end is None or row.started_at < wanted.end)
        and (wanted.facility is None or row.facility == wanted.facility)
        and (
            wanted.number is None
            or (row.number in (wanted.number, wanted.dialled) and row.number is not None)
        )
        and (wanted.direction is None or row.direction == wanted.direction)
        and (wanted.mode is None or row.mode == wanted.mode)
        and (not wanted.incident or row.incident)
        and (not wanted.held or bool(row.hold))
        and (wanted.min_duration_s is None or _length(row) >= wanted.min_duration_s)
        and (wanted.extension is None or wanted.extension in _some(connection, tables.participants, row.id))
        and (
            reach.facilities is None
            or bool(reach.facilities & _some(connection, tables.call_facilities, row.id))
        )
        and (wanted.note is None or any(folded(wanted.note) in each for each in _noted(connection, row.id)))
    )


def _length(row: Any) -> float:
    return -1.0 if row.duration_s is None else row.duration_s


def _some(connection: sa.Connection, table: sa.Table, call_id: str) -> frozenset[str]:
    query = sa.select(table.c[1]).where(table.c.call_id == call_id)
    return frozenset(connection.execute(query).scalars())


def _reached(connection: sa.Connection, call_id: str) -> frozenset[str]:
    return _some(connection, tables.call_facilities, call_id)


def _noted(connection: sa.Connection, call_id: str) -> list[str]:
    query = sa.select(tables.notes.c.folded).where(tables.notes.c.call_id == call_id)
    return list(connection.execute(query).scalars())


@contextmanager
def as_among_many() -> Iterator[None]:
    """Has searches done as where more than can be collected is in a range, and more facilities are in reach
    than are read; nothing that was made before serves, or stays."""
    made = (streams.streams, searching._arms, searching._sql)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "AT_HAND", 3)
        patch.setattr(streams, "MOST_FACILITIES", 1)
        for each in made:
            each.cache_clear()
        try:
            yield
        finally:
            for each in made:
                each.cache_clear()


def check(connection: sa.Connection, wanted: SearchQuery, reach: Reach) -> None:
    """A search finds what it must, page by page."""
    there = expected(connection, wanted, reach)
    found: list[str] = []
    while True:
        after = found[-1] if found else None
        page = finding.search(connection, replace(wanted, after=after), reach=reach)
        shown = lines.search(connection, replace(wanted, after=after), reach=reach)
        assert shown == [found_call(each) for each in page]
        found += [each.recording.id if each.recording else each.call.id for each in page]
        if len(page) < wanted.limit:
            break
        assert len(found) <= len(there), "the pages do not end"
    assert found == there


def check_migration(database: Database) -> None:
    """What searches go by is, made of the rows of the version before, as it is written with each change."""
    fill(database)
    written = _searched(database)
    migrated(database, "0014")
    migrated(database, "head")
    assert all(written.values()) and _searched(database) == written


def _searched(database: Database) -> dict[str, list[str]]:
    """Returns what searches go by."""
    found: dict[str, list[str]] = {}
    with database.read() as connection:
        for table in (tables.hits, tables.hit_extensions, tables.hit_facilities, tables.note_grams):
            rows = connection.execute(sa.select(table)).mappings()
            found[table.name] = sorted(str(dict(row)) for row in rows)
    return found
