"""Numbers and names go from the rows of calls, and nothing that could be one is left anywhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import absences, calls, custody, finding, tables
from callrec.catalogue.absences import AbsenceScope
from callrec.catalogue.columns import Id
from callrec.catalogue.database import Database
from callrec.errors import CatalogueDamaged
from callrec.evidence.absence import concerns
from callrec.lifecycle import erasure
from callrec.model.access import EVERYWHERE
from callrec.model.calls import CallRecord, Participant, remark
from callrec.model.rules import Direction
from callrec.numbers import normalise, of_extension
from tests.unit.lifecycle.bucket import NOW, Bucket, archived, run
from tests.unit.samples import CALL_ID, END, START, call

OUTSIDE = "+81312345678"
NUMBER = re.compile("(?:81|0)?3[ -]?1234[ -]?5678")
OTHER = "01a20000-0000-7000-8000-00000000000b"


def _noted(**changes: object) -> CallRecord:
    """A call in which its number stands everywhere that it can."""
    notes = (
        remark("the gate was asked with a direction it does not know: {said}", said="to 03-1234-5678"),
        remark("the call went on in call {id}", id=OTHER),
        remark("the support phone could not be called: {problem}", problem="PJSIP/0312345678@trunk"),
    )
    third = Participant("1.2", "+819012345678", None, START, END)
    made = call(notes=notes, dialled="0312345678", direction=Direction.OUTBOUND)
    return replace(made, participants=(*made.participants, third), **changes)  # type: ignore[arg-type]


def _save(database: Database, made: CallRecord) -> None:
    with database.begin() as connection:
        calls.save_call(connection, made)
        note = {"at": END, "who": "kanri", "text": "090-1234-5678 佐藤様", "folded": "09012345678 佐藤様"}
        connection.execute(tables.notes.insert().values(id=ids.new(), call_id=made.id, **note))


def _everything(database: Database) -> str:
    """All that is in the rows of calls, as one text."""
    with database.read() as connection:
        found = [
            [list(map(str, row)) for row in connection.execute(sa.select(table))]
            for table in (tables.calls, tables.participants, tables.notes, tables.call_facilities)
        ]
    return json.dumps(found, ensure_ascii=False)


def _erase(database: Database, before: datetime = NOW, damaged: list[CatalogueDamaged] | None = None) -> int:
    passed_over: list[CatalogueDamaged] = [] if damaged is None else damaged
    return erasure.erase(database, before, passed_over.append, who="purger", at=NOW)


@pytest.mark.parametrize("direction", [None, *Direction])
def test_no_number_is_left_anywhere_in_the_rows(database: Database, direction: Direction | None) -> None:
    own = direction in (Direction.INBOUND, Direction.INTERNAL)
    number = "2102" if direction is Direction.INTERNAL else normalise(OUTSIDE)  # who called, in the house
    _save(database, _noted(direction=direction, number=number, **({"dialled": "2101"} if own else {})))
    assert NUMBER.search(_everything(database))
    assert erasure.count(database, NOW) == _erase(database) == 1
    left = _everything(database)
    assert not NUMBER.search(left) and "9012345678" not in left and "佐藤" not in left
    with database.read() as connection:
        found, row = (
            finding.call(connection, CALL_ID, reach=EVERYWHERE),
            connection.execute(sa.select(tables.calls)).one(),
        )
    assert (row.number, row.erased_at, row.extension, row.started_at) == (None, NOW, "2101", START)
    assert [each.extension for each in found.participants] == [None, "2101", None]
    assert [each.number for each in found.participants] == ["", "2101", ""]
    assert found.dialled == ("2101" if own else None)
    assert found.notes[1].values == {"id": OTHER} and OTHER in found.notes[1].text
    assert found.notes[0].text.endswith("to —")


@pytest.mark.parametrize(
    ("direction", "dialled"), [(Direction.INBOUND, OUTSIDE), (Direction.INTERNAL, "2102")]
)
def test_it_is_still_found_by_what_was_dialled_in_the_house(
    database: Database, direction: Direction, dialled: str
) -> None:
    _save(database, call(direction=direction, number=of_extension("2103"), dialled=dialled))
    assert _erase(database) == 1
    scope = AbsenceScope(START - timedelta(days=1), NOW, number=normalise(dialled))
    with database.read() as connection:
        (known,) = absences.calls_of(connection, scope, EVERYWHERE, 9)
        (row,) = connection.execute(sa.select(tables.calls))
    assert known.erased_at and concerns(known.call, scope)
    assert (row.number, row.more_numbers) == (None, dialled)


def test_it_goes_once_and_the_log_says_how_many_and_until_when(database: Database) -> None:
    for number in range(3):
        _save(database, _noted(id=f"{CALL_ID[:-1]}{number}"))
    assert _erase(database) == 3 and _erase(database) == 0
    with database.read() as connection:
        (told,) = custody.of(connection, "")
    assert told.action == "erased" and told.who == "purger"
    assert told.details == {"count": 3, "until": NOW.isoformat(), "role": "", "through": "direct"}


def test_a_call_counts_from_its_end(database: Database) -> None:
    _save(database, _noted())
    assert _erase(database, END) == 0 and _erase(database, END + timedelta(microseconds=1)) == 1


def test_of_a_call_whose_end_is_not_known_its_begin_counts(database: Database) -> None:
    _save(database, _noted(ended_at=None))
    assert _erase(database, START) == 0 and _erase(database, START + timedelta(microseconds=1)) == 1


def test_never_while_a_recording_of_it_is_there(database: Database) -> None:
    bucket = Bucket()
    archived(database, bucket, call={"number": normalise(OUTSIDE)})
    assert erasure.count(database, NOW) == _erase(database) == 0
    assert NUMBER.search(_everything(database))
    run(database, bucket)
    assert _erase(database) == 1 and not NUMBER.search(_everything(database))


def test_what_is_written_anew_is_erased_anew(database: Database) -> None:
    _save(database, _noted())
    assert _erase(database) == 1
    with database.begin() as connection:
        calls.save_call(connection, _noted())
    assert _erase(database) == 1 and not NUMBER.search(_everything(database))


def test_more_than_fit_into_one_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "AT_ONCE", 2)
    for number in range(5):
        _save(database, _noted(id=f"{CALL_ID[:-1]}{number}"))
    assert _erase(database) == 5 and not NUMBER.search(_everything(database))


def test_a_damaged_row_keeps_no_other_from_being_erased(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "AT_ONCE", 2)
    for number in range(5):
        _save(database, _noted(id=f"{CALL_ID[:-1]}{number}"))
    with database.begin() as connection:  # the first two, which are looked at first
        connection.exec_driver_sql(
            "UPDATE calls SET details = '{}' WHERE id < ?", (Id.to_bytes(f"{CALL_ID[:-1]}2"),)
        )
    damaged: list[CatalogueDamaged] = []
    assert _erase(database, damaged=damaged) == 3
    assert [each.values["key"] for each in damaged] == [f"{CALL_ID[:-1]}{number}" for number in range(2)]
