"""Who is refused again and again does not fill the custody log, and nothing that matters is missing in it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callrec.app import App
from callrec.catalogue import custody, custody_report, tables
from callrec.catalogue.custody import Entry
from callrec.desk.operation import perform
from callrec.desk.operations import giving, keeping
from callrec.desk.operations import requests as operations
from callrec.errors import NotAllowed, NotFound
from callrec.model.access import EVERYWHERE, Caller, Reach, Role, Through
from tests.filled_catalogue import place
from tests.unit.desk.raw import ME, give_roles
from tests.unit.kept_recording import request
from tests.unit.samples import START

CALLER = Caller(ME, frozenset(), Through.DESK)


def _refused(app: App, recording_id: str = "") -> list[Entry]:
    with app.database.read() as connection:
        return [each for each in custody.of(connection, recording_id) if each.action == "refused"]


def _reported(app: App) -> int:
    now = datetime.now(UTC)
    with app.database.read() as connection:
        return custody_report.refusals(connection, now - timedelta(hours=1), now, EVERYWHERE)


def test_a_loop_is_counted_and_each_person_and_command_is_there(app: App) -> None:
    for _ in range(250):
        with pytest.raises(NotAllowed, match="it needs the role manager"):
            perform(keeping.list_holds, app, CALLER)
    assert [each.details.get("times", 1) for each in _refused(app)] == [1] * 50 + [50, 100]
    assert _reported(app) == 200
    for who in (CALLER, Caller("suzuki", frozenset(), Through.DESK)):
        with pytest.raises(NotAllowed):
            perform(keeping.add_note, app, who, "01a20000-0000", "x")
    assert [(each.who, each.details["command"]) for each in _refused(app)[-2:]] == [
        (ME, "note"),
        ("suzuki", "note"),
    ]


def test_numbers_that_are_none_do_not_fill_it_and_those_that_are_stand_in_it(app: App) -> None:
    give_roles(app, Role.HANDLER)
    place(app.database, "shiba", START, seconds=30.0, because="automatic")
    made = [request(app.database, app.now) for _ in range(12)]
    with app.database.read() as connection:
        id_ = str(connection.execute(sa.select(tables.recordings.c.id)).scalar_one())
    for number in (*made, *(f"2025-{each:04}" for each in range(110))):
        with pytest.raises(NotAllowed):
            perform(giving.play, app, CALLER, id_, request=number)
    numbers = [each.details["request"] for each in _refused(app, id_)]
    assert numbers[:12] == made and len(numbers) == 12 + 50 + 1


def test_what_is_out_of_sight_is_written_for_each_request(app: App) -> None:
    give_roles(app, Role.HANDLER)
    with app.database.begin() as connection:
        connection.exec_driver_sql("UPDATE grants SET facility = 'shiba'")
    made = [request(app.database, app.now, Reach(frozenset(["azabu"]))) for _ in range(55)]
    for number in made:
        with suppress(NotFound):
            perform(operations.show_request, app, CALLER, number)
    assert [each.details["request"] for each in _refused(app)] == made
