"""Rows that something else than callrec has changed: each is named, and the others are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from callrec.catalogue import (
    alerts,
    calls,
    changes,
    custody,
    custody_report,
    destructions,
    erasures,
    facilities,
    finding,
    grants,
    holds,
    notes,
    pbxs,
    requests,
    rules,
    statements,
    tables,
)
from callrec.catalogue.columns import Id
from callrec.catalogue.database import Database
from callrec.errors import CatalogueDamaged, NotFound, Sentence, WrongUsage
from callrec.model.access import EVERYWHERE, Role
from callrec.model.alerts import Delivery
from callrec.model.found import SearchQuery
from callrec.model.office import Extension, Facility
from callrec.model.requests import RequestKind
from callrec.model.rules import Mode, Rule, Scope
from tests import filled_catalogue
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, START, alert, call

LATER = START + timedelta(days=9999)
WHO: dict[str, Any] = {"who": "test", "at": START}
VALUES = (
    7,
    -1.5,
    b"\xff",
    "",
    "{broken",
    "{}",
    "[]",
    "[[[1]]]",
    "gestern",
    "2026-13-45",
    "[" * 5000,
    "9" * 5000,
)
READERS: dict[str, tuple[Callable[[sa.Connection], Any], ...]] = {
    "facilities": (facilities.all_facilities, lambda c: facilities.facility(c, "shiba")),
    "extensions": (facilities.all_extensions, lambda c: facilities.extension(c, "2101")),
    "rules": (
        rules.in_force,
        lambda c: rules.in_force_at(c, START + timedelta(days=1)),
        lambda c: rules.history(c, 1),
        lambda c: rules.versions(c, [(1, 1)]),
    ),
    "revision": (changes.number,),
    "calls": (
        lambda c: finding.search(c, SearchQuery(all_calls=True), reach=EVERYWHERE),
        lambda c: finding.call(c, CALL_ID, reach=EVERYWHERE),
        lambda c: erasures.due(c, LATER, 9, {}),
    ),
    "recordings": (
        lambda c: finding.search(c, SearchQuery(), reach=EVERYWHERE),
        lambda c: calls.find_recording(c, "r"),
        lambda c: destructions.due(c, LATER),
        lambda c: destructions.left_over(c, LATER, EVERYWHERE),
    ),
    "destructions": (
        lambda c: destructions.problems(c, EVERYWHERE),
        lambda c: destructions.due(c, LATER),
    ),
    "custody": (
        lambda c: custody.of(c, "r"),
        custody.broken_at,
        lambda c: custody_report.accesses(c, START, START + filled_catalogue.DAY, EVERYWHERE),
    ),
    "alerts": (lambda c: alerts.of_call(c, CALL_ID),),
    "pbxs": (lambda c: pbxs.find(c, "pbx"),),
    "grants": (grants.all_grants, lambda c: grants.of(c, ["handler"])),
    "requests": (requests.all_requests,),
    "request_recordings": (requests.listed,),
    "copies": (requests.copies_of,),
    "statements": (statements.waiting,),
    "notes": (lambda c: notes.of_call(c, CALL_ID),),
    "holds": (
        lambda c: holds.everywhere(c, EVERYWHERE),
        lambda c: holds.in_force(c, str(c.scalar(sa.select(tables.holds.c.recording_id)))),
    ),
}
"""What reads each table as objects."""


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Path:
    """A database with something in each table, made once."""
    path = tmp_path_factory.mktemp("filled") / "catalogue.db"
    shutil.copy(empty_catalogue, path)
    database = Database(f"sqlite:///{path}")
    _fill(database)
    database.close()
    return path


@pytest.fixture
def filled(filled_file: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(filled_file, tmp_path / "catalogue.db")
    made = Database(f"sqlite:///{tmp_path}/catalogue.db")
    yield made
    made.close()


def _fill(database: Database) -> None:
    with database.begin() as connection:
        facilities.add_facility(connection, Facility("shiba", "芝"), **WHO)
        facilities.add_extension(connection, Extension("2101", "shiba", aliases=("2101-ws",)), **WHO)
        rules.add(connection, Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "test"), **WHO)
        calls.save_call(connection, call())
        custody.append(connection, "r", "heard", **WHO)
        grants.grant(connection, "handler", Role.HANDLER, ["shiba"], by="test", at=START)
        alerts.save(connection, alert(), Delivery("mail", "help@city.example"))
        notes.add(connection, CALL_ID, "怒鳴られた", **WHO)
        pbxs.save(connection, pbxs.KnownPbx("pbx", "mark", START, 1, "owner", "host"))
    filled_catalogue.fill(database, START)
    with database.begin() as connection:
        connection.execute(tables.recordings.update().values(retain_until=START))
        begun, *_ = destructions.due(connection, LATER)
        destructions.begin(connection, begun, **WHO)
        destructions.tell(connection, begun.id, Sentence("{key} is locked", key="a"))
        holds.add(connection, begun.id, "訴訟", None, **WHO)
        statements.enter(connection, begun.id, "held", reason="訴訟", **WHO)
        _request(connection, begun.id)


def _request(connection: sa.Connection, recording_id: str) -> None:
    """Opens a request for a recording, of which a copy was handed over."""
    kind, by = RequestKind.POLICE, cast(Any, {"by": "test", "at": START})
    made = requests.open_(
        connection, kind, for_whom="x", ground="", due=None, reach=EVERYWHERE, year=2026, **by
    )
    requests.add(connection, made.number, recording_id, **by)
    requests.add_copy(connection, made.number, [], to_whom="x", medium="CD-R", **by)


class _Undo(Exception):
    """Takes back what was done in a transaction."""


def _read_all(connection: sa.Connection, table: str) -> None:
    for read in READERS[table]:
        try:
            read(connection)
        except CatalogueDamaged as error:
            assert error.values["table"] == table and error.exit_code == 5
        except (NotFound, WrongUsage):  # the key itself was changed
            pass


@pytest.mark.parametrize("table", READERS)
def test_a_value_that_a_column_cannot_hold_is_told_as_damage(filled: Database, table: str) -> None:
    for column in tables.metadata.tables[table].columns:
        for value in VALUES:
            with suppress(_Undo, sa.exc.IntegrityError), filled.begin() as connection:
                connection.exec_driver_sql(f"UPDATE {table} SET {column.name} = ?", (value,))  # noqa: S608
                _read_all(connection, table)
                raise _Undo


def test_every_table_that_is_read_is_tried() -> None:
    derived = {"hits", "hit_extensions", "hit_facilities", "note_grams"}
    written_only = {"participants", "changes", "call_facilities", "rebuilding", *derived}
    assert set(READERS) | written_only == set(tables.metadata.tables)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE recordings SET silences = '{broken' WHERE id = ?",
        "UPDATE calls SET details = '{}' WHERE id = (SELECT call_id FROM recordings WHERE id = ?)",
        "UPDATE calls SET started_at = 'gestern' WHERE id = (SELECT call_id FROM recordings WHERE id = ?)",
        "UPDATE calls SET erased_at = 'gestern' WHERE id = (SELECT call_id FROM recordings WHERE id = ?)",
        "UPDATE calls SET discarded_at = 'morgen' WHERE id = (SELECT call_id FROM recordings WHERE id = ?)",
        "UPDATE recordings SET retain_until = 'gestern' WHERE id = ?",
        "UPDATE recordings SET started_at = 'gestern' WHERE id = ?",
        "UPDATE recordings SET kept_because = 'x' WHERE id = ?",
    ],
)
def test_a_search_names_a_damaged_row_and_shows_the_rest(
    shiba: Callable[..., Done], tmp_path: Path, damage: str
) -> None:
    database = Database(f"sqlite:///{tmp_path}/c.db")
    filled_catalogue.fill(database, START)
    there = json.loads(shiba("search", "--json").out)
    with database.begin() as connection:
        connection.exec_driver_sql(damage, (Id.to_bytes(there[0]["id"]),))
    database.close()
    done = shiba("search", "--json")
    assert [each["id"] for each in json.loads(done.out)] == [each["id"] for each in there[1:]]
    assert done.code == 5 and "is damaged" in done.complaint
    assert there[0]["id"] in done.complaint or there[0]["call_id"] in done.complaint
