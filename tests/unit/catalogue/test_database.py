"""The connection to a database: what it is told, and what is said of one that cannot be used."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callrec.catalogue import calls, changes
from callrec.catalogue.database import Database
from callrec.errors import CatalogueOutdated, CatalogueUnreachable, WrongConfiguration
from tests.unit.samples import call


def test_a_database_that_is_not_set_up_says_so(database: Database, tmp_path: Any) -> None:
    (tmp_path / "empty.db").touch()
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(CatalogueOutdated, match="run callrec init"):
        empty.require_current()
    with pytest.raises(CatalogueOutdated, match="is not set up"), empty.read() as connection:
        changes.number(connection)
    empty.close()


def test_a_database_whose_file_is_missing_is_not_made_anew(tmp_path: Path) -> None:
    """Its disk may not be mounted: what is there would seem to be all there ever was."""
    lost = Database(f"sqlite:///{tmp_path}/lost.db")
    with pytest.raises(CatalogueUnreachable, match="there is no database"):
        lost.require_current()
    assert not list(tmp_path.iterdir())
    lost.upgrade()
    lost.require_current()
    lost.close()


def test_a_disk_that_fails_is_a_database_that_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told to make a new one."""

    def broken(path: Path, **_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    database.close()
    monkeypatch.setattr(Path, "stat", broken)
    with pytest.raises(CatalogueUnreachable, match=r"does not answer \(Input/output error\)"):
        database.require_current()


@pytest.mark.parametrize("url", ["", "nonsense", "oracle://x/y", "mysql+nothing://x"])
def test_a_url_that_is_none_is_said_in_one_line(url: str) -> None:
    with pytest.raises(WrongConfiguration, match=r"catalogue\.url is no database URL"):
        Database(url)


@pytest.mark.parametrize("url", ["postgresql://u:x@host:hunter2/x", "postgresql://u:p@ss:w@rd@h:1x/"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    """A password that was not escaped falls apart into host and port, and must not be shown."""
    with pytest.raises(WrongConfiguration, match="is no database URL") as caught:
        Database(url)
    assert not any(segment in str(caught.value) for segment in ("hunter2", "w@rd", "1x"))


def test_the_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path}/c.db")
        database.upgrade()
        with database.begin() as connection:
            calls.save_call(connection, call())
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("c.db", "c.db-wal", "c.db-shm"), 0o600)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://nobody:secret@127.0.0.1:1/x"])
def test_an_unreachable_database_is_said_in_one_line_without_its_password(url: str) -> None:
    database = Database(url)
    with pytest.raises(CatalogueUnreachable) as caught, database.read() as connection:
        changes.number(connection)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_text("a letter, of which SQLite can make nothing" * 9)
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with pytest.raises(CatalogueUnreachable, match="file is not a database"), database.read() as connection:
        changes.number(connection)


@pytest.mark.parametrize(
    "kind", [psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction]
)
def test_a_right_that_is_missing_is_said_in_one_line(database: Database, kind: type[psycopg.Error]) -> None:
    said = sa.exc.DBAPIError.instance("", {}, kind("not allowed"), psycopg.Error)
    assert isinstance(said, sa.exc.DBAPIError)
    with pytest.raises(CatalogueUnreachable, match="not allowed"), database.read():
        raise said


def _connected_with(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the driver is told of a connection to this URL."""
    told: dict[str, Any] = {}

    def connect(*_: object, **given: Any) -> None:
        told.update(given)
        raise psycopg.OperationalError("no answer")

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(psycopg.Connection, "connect", connect)
    database = Database(url)
    with pytest.raises(CatalogueUnreachable), database.read():
        pass
    return told


def test_a_host_that_goes_dead_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _connected_with("postgresql://callrec@host/callrec", monkeypatch)
    limits = {name: told.get(name) for name in ("connect_timeout", "tcp_user_timeout", "keepalives_idle")}
    assert limits == {"connect_timeout": "5", "tcp_user_timeout": "10000", "keepalives_idle": "5"}
    assert told["options"] == "-c statement_timeout=60s"


def test_limits_that_the_url_sets_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own = "connect_timeout=9&tcp_user_timeout=1&options=-c%20search_path%3Dx"
    told = _connected_with(f"postgresql://callrec@host/callrec?{own}", monkeypatch)
    assert (told["connect_timeout"], told["tcp_user_timeout"]) == ("9", "1")
    assert told["options"] == "-c statement_timeout=60s -c search_path=x"


@pytest.mark.parametrize("kind", [psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn])
def test_what_a_server_lacks_is_understood_in_any_language(
    database: Database, kind: type[psycopg.Error]
) -> None:
    said = sa.exc.ProgrammingError("SELECT", {}, kind('リレーション"rules"は存在しません'))
    with pytest.raises(CatalogueOutdated, match="run callrec init"), database.read():
        raise said


def test_what_is_only_worded_alike_is_not_taken_for_it(database: Database) -> None:
    words = 'connection failed: FATAL: role "callrec" does not exist'
    with pytest.raises(CatalogueUnreachable, match=r"check catalogue\.url"), database.read():
        raise sa.exc.OperationalError("", {}, psycopg.OperationalError(words))
    with pytest.raises(sa.exc.ProgrammingError), database.read():
        raise sa.exc.ProgrammingError("", {}, psycopg.errors.UndefinedFunction("f() does not exist"))


@pytest.mark.parametrize("statement", ["SELECT lost FROM calls", "INSERT INTO calls (lost) VALUES (1)"])
def test_a_column_that_is_missing_is_no_database_that_is_away(database: Database, statement: str) -> None:
    with pytest.raises(CatalogueOutdated, match="is not set up"), database.begin() as connection:
        connection.exec_driver_sql(statement)
