"""Requests on both databases, and at several desks at once on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.app import App
from callrec.catalogue import custody, finding, requests
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import requests as operations
from callrec.errors import CallrecError, NotAllowed, Refused
from callrec.model.access import EVERYWHERE, Caller, Through
from callrec.model.requests import Request, RequestKind, RequestState
from callrec.settings import CatalogueSettings, Settings
from tests.filled_catalogue import place
from tests.integration.system import eventually

P = ParamSpec("P")
T = TypeVar("T")
DESKS = 5
EACH = 10


def desk(url: str) -> App:
    return App(Settings(catalogue=CatalogueSettings(url=url)))


def ask(here: App, who: str, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return perform(wanted, here, Caller(who, frozenset(), Through.DIRECT), *args, **kwargs)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, empty_catalogue: Path) -> str:
    """A database of its own, with its tables."""
    if request.param == "sqlite":
        shutil.copy(empty_catalogue, tmp_path / "c.db")
        return f"sqlite:///{tmp_path}/c.db"
    server = sa.make_url(request.getfixturevalue("postgresql"))
    name = f"requests_{ids.new().replace('-', '')}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    made = server.set(database=name).render_as_string(hide_password=False)
    here = desk(made)
    here.database.upgrade()
    here.make_spool()
    here.close()
    return made


@pytest.fixture
def desks(url: str) -> Iterator[list[App]]:
    made = [desk(url) for _ in range(DESKS)]
    yield made
    for each in made:
        each.close()


def test_the_usual_way_and_what_is_refused(desks: list[App]) -> None:
    here, there, *_ = desks
    now = datetime.now(UTC)
    place(here.database, "shiba", now, seconds=3.0, because="key")
    with here.database.read() as connection:
        (id_,) = finding.recording_ids(connection, reach=EVERYWHERE)
    number = ask(here, "sato", operations.open_request, RequestKind.COURT, "東京地方裁判所").number
    assert ask(here, "sato", operations.add_to_request, number, [id_]) == [id_]
    with pytest.raises(NotAllowed):
        ask(there, "sato", operations.approve_request, number)
    approved = ask(there, "tanaka", operations.approve_request, number)
    assert (approved.state, approved.approved_for) == (RequestState.APPROVED, EVERYWHERE)
    copy = ask(here, "sato", operations.hand_over, number, "書記官室", "USB")
    with pytest.raises(Refused):
        ask(there, "tanaka", operations.close_request, number)
    ask(here, "sato", operations.return_copies, number, copy.id[:13])
    ask(there, "tanaka", operations.close_request, number)
    shown = ask(there, "mori", operations.show_request, number)
    assert shown == ask(here, "mori", operations.list_requests)[0]
    assert shown.request.state is RequestState.CLOSED and [each.id for each in shown.recordings] == [id_]
    assert [each.files for each in shown.copies] == [copy.files]
    for wrong in ("2026-9999", "\0", "%", "x" * 999):
        with pytest.raises(CallrecError, match="there is no request"):
            ask(here, "mori", operations.show_request, wrong)
    with here.database.read() as connection:
        assert custody.broken_at(connection) is None


def test_several_desks_at_once_give_each_request_a_number_of_its_own(desks: list[App]) -> None:
    def open_some(here: App) -> list[Request]:
        return [
            ask(here, "sato", operations.open_request, RequestKind.AUDIT, f"監査 {count}")
            for count in range(EACH)
        ]

    with ThreadPoolExecutor(DESKS) as threads:
        made = [each for some in threads.map(open_some, desks) for each in some]
    year = made[0].number[:4]
    assert sorted(each.number for each in made) == [f"{year}-{n:04}" for n in range(1, DESKS * EACH + 1)]
    with desks[0].database.read() as connection:
        assert custody.broken_at(connection) is None
        opened = [each.details["request"] for each in custody.of(connection, "")]
    assert sorted(opened) == sorted(each.number for each in made)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # of SQLite, one writes at a time anyway
def test_who_decides_second_sees_what_the_first_decided(desks: list[App]) -> None:
    first, second, *_ = desks
    number = ask(first, "sato", operations.open_request, RequestKind.AUDIT, "監査").number
    with ThreadPoolExecutor() as threads:
        with first.database.begin() as connection:
            requests.taken(connection, number)
            requests.change(connection, number, RequestState.REFUSED, decided_by="tanaka", refusal="理由")
            later = threads.submit(ask, second, "abe", operations.approve_request, number)
            eventually(lambda: someone_waits(first))
        with pytest.raises(Refused, match="not approved"):
            later.result()
    assert ask(first, "mori", operations.show_request, number).request.decided_by == "tanaka"


def someone_waits(here: App) -> bool:
    """Whether a session of the database waits for a lock that another has."""
    query = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with here.database.read() as connection:
        return connection.exec_driver_sql(query).first() is not None


def test_of_several_who_decide_at_once_one_does(desks: list[App]) -> None:
    number = ask(desks[0], "sato", operations.open_request, RequestKind.AUDIT, "監査").number

    def decide(count: int) -> str:
        who = f"manager{count}"
        try:
            if count % 2:
                return ask(desks[count], who, operations.approve_request, number).state
            return ask(desks[count], who, operations.refuse_request, number, "理由").state
        except Refused:
            return ""

    with ThreadPoolExecutor(DESKS) as threads:
        done = [each for each in threads.map(decide, range(DESKS)) if each]
    assert done == [ask(desks[0], "mori", operations.show_request, number).request.state]
    with desks[0].database.read() as connection:
        assert len(custody.of(connection, "")) == 2
