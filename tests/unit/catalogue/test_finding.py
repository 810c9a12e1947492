"""What is out of reach is as if it were not there: ids, beginnings of ids, searches and lists."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import calls, finding, tables
from callrec.catalogue.database import Database
from callrec.catalogue.within import within
from callrec.errors import NotFound, OutOfSight, WrongUsage
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.found import SearchQuery
from callrec.texts import folded
from tests import filled_catalogue
from tests.followed import follow
from tests.unit.samples import CALL_ID, START, call

SHIBA, AZABU, NOBODY = Reach(frozenset({"shiba"})), Reach(frozenset({"azabu"})), Reach(frozenset())
OWN, BOTH, OTHER = (CALL_ID[:-1] + last for last in "abc")
"""A call of shiba, one in which both took part, one of azabu."""


@pytest.fixture
def offices(database: Database) -> Database:
    with database.begin() as connection:
        calls.save_call(connection, call(id=OWN))
        calls.save_call(connection, call(id=BOTH))
        connection.execute(tables.call_facilities.insert().values(call_id=BOTH, facility="azabu"))
        follow(connection)
        calls.save_call(connection, call(id=OTHER, facility="azabu"))
    return database


@pytest.mark.parametrize(
    ("reach", "there"),
    [(SHIBA, {OWN, BOTH}), (AZABU, {BOTH, OTHER}), (EVERYWHERE, {OWN, BOTH, OTHER}), (NOBODY, set())],
)
def test_a_call_is_found_by_all_whose_facility_took_part(
    offices: Database, reach: Reach, there: set[str]
) -> None:
    with offices.read() as connection:
        wanted = SearchQuery(all_calls=True)
        assert {each.call.id for each in finding.search(connection, wanted, reach=reach)} == there
        for id_ in (OWN, BOTH, OTHER):
            if id_ in there:
                assert finding.look_up(connection, id_, reach=reach).call.id == id_
                continue
            with pytest.raises(OutOfSight) as hidden:
                finding.look_up(connection, id_, reach=reach)
            assert hidden.value.recording_id == id_


def test_what_is_hidden_has_the_words_of_what_is_not_there(offices: Database) -> None:
    with offices.read() as connection:
        with pytest.raises(OutOfSight) as hidden:
            finding.look_up(connection, OTHER, reach=SHIBA)
        with pytest.raises(NotFound) as missing:
            finding.look_up(connection, "ffffffff", reach=SHIBA)
    assert not isinstance(missing.value, OutOfSight)
    assert str(hidden.value).replace(OTHER, "ffffffff") == str(missing.value)
    assert set(hidden.value.values) == set(missing.value.values)


def test_a_beginning_that_fits_one_within_reach_is_clear(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call(id=OWN))
        calls.save_call(connection, call(id=OTHER, facility="azabu"))
        assert finding.look_up(connection, OWN[:10], reach=SHIBA).call.id == OWN
        assert finding.look_up(connection, OWN[:10], reach=AZABU).call.id == OTHER
        with pytest.raises(WrongUsage, match="fits several"):
            finding.look_up(connection, OWN[:10], reach=EVERYWHERE)


def test_recordings_are_counted_within_reach(database: Database) -> None:
    filled_catalogue.fill(database, START)
    with database.read() as connection:
        found = [len(finding.recording_ids(connection, reach=each)) for each in (SHIBA, AZABU, EVERYWHERE)]
    assert found == [2, 0, 3]


NOTES = {
    "窓口で怒鳴られた、録音を消せと要求。": ("怒鳴", "要求", "録音", "窓口で", "録音を 消せ"),
    "ﾓﾝｽﾀｰ Claim １００%": ("モンスター", "claim", "100%", "CLAIM 100"),
    "a_b\\c": ("a_b", "b\\c"),
}


@pytest.mark.parametrize("text", NOTES)
def test_a_note_is_found_by_a_part_of_it_however_it_is_spelt(database: Database, text: str) -> None:
    row = {"id": ids.new(), "at": START, "who": "tanaka", "text": text, "folded": folded(text)}
    with database.begin() as connection:
        calls.save_call(connection, call())
        connection.execute(tables.notes.insert().values(call_id=CALL_ID, **row))
        follow(connection)

        def found(part: str) -> int:
            return len(finding.search(connection, SearchQuery(note=part, all_calls=True), reach=SHIBA))

        assert [part for part in NOTES[text] if not found(part)] == []
        assert [part for part in ("返金", "a%c", "axb", "_____________") if found(part)] == []


def test_what_is_held_is_found(database: Database) -> None:
    filled_catalogue.fill(database, START)
    with database.begin() as connection:
        assert finding.search(connection, SearchQuery(held=True, all_calls=True), reach=SHIBA) == []
        connection.execute(tables.recordings.update().values(hold=True))
        follow(connection)
        assert len(finding.search(connection, SearchQuery(held=True), reach=SHIBA)) == 2


def test_a_search_within_reach_goes_by_the_index_of_its_dates(database: Database) -> None:
    query = (
        sa.select(tables.calls.c.id)
        .where(tables.calls.c.started_at >= START, *within(tables.calls.c.id, SHIBA))
        .order_by(tables.calls.c.started_at.desc())
    )
    with database.read() as connection:
        sql: Any = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
    assert (
        "ix_calls_started_at" in plan and "call_facilities USING PRIMARY KEY" in plan and "SCAN" not in plan
    )
