"""The connection to a database: what it is told, and what is said of one that cannot be used."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callrec.catalogue import calls, changes
from callrec.catalogue import database as database_module
from callrec.catalogue.database import Database, _known_versions
from callrec.errors import (
    CatalogueNewer,
    CatalogueOutdated,
    CatalogueUnreachable,
    Refused,
    WrongConfiguration,
)
from callrec.resources import shipped
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
    with pytest.raises(CatalogueUnreachable, match=r"does not answer \(the disk fails\)"):
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
        database = Database(f"sqlite:///{tmp_path}/new/c.db")
        database.upgrade()
        with database.begin() as connection:
            calls.save_call(connection, call())
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
        database.close()
    finally:
        os.umask(before)
    assert modes == {**dict.fromkeys(("c.db", "c.db-wal", "c.db-shm"), 0o600), "new": 0o700}


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://nobody:secret@127.0.0.1:1/x"])
def test_an_unreachable_database_is_said_in_one_line_without_its_password(url: str) -> None:
    database = Database(url)
    with pytest.raises(CatalogueUnreachable) as caught, database.read() as connection:
        changes.number(connection)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_a_damaged_file_of_which_sqlite_says_no_text(tmp_path: Path, empty_catalogue: Path) -> None:
    """What it says repeats the damaged bytes, which Python cannot read."""
    damaged = empty_catalogue.read_bytes().replace(b"ON changes (sub", b"ON chan\xffges (sub")
    (tmp_path / "c.db").write_bytes(damaged)
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with pytest.raises(CatalogueUnreachable, match="its file is damaged"), database.read() as connection:
        changes.number(connection)
    database.close()


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_text("a letter, of which SQLite can make nothing" * 9)
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with pytest.raises(CatalogueUnreachable, match="file is not a database"), database.read() as connection:
        changes.number(connection)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (psycopg.errors.InsufficientPrivilege, "no right to it"),
        (psycopg.errors.ReadOnlySqlTransaction, "it can only be read"),
    ],
)
def test_a_right_that_is_missing_is_said_in_one_line(
    database: Database, kind: type[psycopg.Error], problem: str
) -> None:
    said = sa.exc.DBAPIError.instance("", {}, kind("not allowed"), psycopg.Error)
    assert isinstance(said, sa.exc.DBAPIError)
    with pytest.raises(CatalogueUnreachable, match=problem), database.read():
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


def _altered(database: Database, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def test_one_that_is_upgraded_meanwhile_is_not_touched_any_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a newer callrec on another machine, while a controller of this version goes on."""
    monkeypatch.setattr(database_module, "LOOKS_EACH_SECONDS", 0.0)
    database.require_current()
    _altered(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogueNewer, match="9999 of a newer callrec"), database.begin() as connection:
        changes.number(connection)


def test_a_database_of_a_newer_callrec_is_not_touched(database: Database, tmp_path: Path) -> None:
    _altered(database, "UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "catalogue.db").read_bytes()
    newer = Database(f"sqlite:///{tmp_path}/catalogue.db")
    for step in (newer.upgrade, newer.require_current, newer.check_ours, lambda: newer.says(lambda _: True)):
        with pytest.raises(CatalogueNewer, match="has version 9999 of a newer callrec: upgrade callrec"):
            step()
    newer.close()
    assert (tmp_path / "catalogue.db").read_bytes() == before


def test_the_versions_that_are_known_are_those_of_the_migrations() -> None:
    files = list(shipped("migrations/versions").glob("[0-9]*.py"))
    assert all(f'revision = "{path.name[:4]}"' in path.read_text() for path in files)
    assert _known_versions() == {path.name[:4] for path in files}


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE letters (id INTEGER)"],
        ["CREATE TABLE letters (id INTEGER)", "CREATE TABLE calls (id INTEGER)"],
        ["CREATE TABLE letters (id INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)"],
        [
            "CREATE TABLE letters (id INTEGER)",
            "CREATE TABLE alembic_version (version_num TEXT)",
            "INSERT INTO alembic_version VALUES ('ab12')",
        ],
    ],
)
def test_a_database_of_another_program_is_left_alone(tmp_path: Path, statements: list[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db")) as theirs:
        for statement in statements:
            theirs.execute(statement)
        theirs.commit()
    database = Database(f"sqlite:///{tmp_path}/c.db")
    for step in (database.upgrade, database.check_ours):
        with pytest.raises(Refused, match="has tables of another program"):
            step()
    with closing(sqlite3.connect(tmp_path / "c.db")) as theirs:
        found = {name for (name,) in theirs.execute("SELECT name FROM sqlite_master")}
    assert found <= {"letters", "calls", "alembic_version"}
    database.close()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}")
    for step in (database.upgrade, database.require_current):
        with pytest.raises(CatalogueUnreachable, match="it is a folder"):
            step()


def test_paths_with_signs_of_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic would take a % in the path of the installation for a name to fill in."""
    folder = tmp_path / "100% %(here)s #1"
    shutil.copytree(shipped("migrations"), folder / "migrations")
    monkeypatch.setattr(database_module, "shipped", lambda name: folder / name)
    database = Database(f"sqlite:///{folder}/c.db")
    database.upgrade()
    database.require_current()
    database.close()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('connection to server at "h", port 1 failed: Connection refused', "connection refused"),
        ("failed to resolve host 'h': Name or service not known", "no machine of that name"),
        ('FATAL: password authentication failed for user "u"', "does not accept the user or the password"),
        ('FATAL: database "x" does not exist', "has no database of that name"),
        ("server does not support SSL, but SSL was required", "no encrypted connection"),
        ("etwas ganz anderes", r"\(OperationalError\)"),
    ],
)
def test_no_word_of_a_server_is_repeated(database: Database, words: str, problem: str) -> None:
    with pytest.raises(CatalogueUnreachable, match=problem) as caught, database.read():
        raise sa.exc.OperationalError("", {}, psycopg.OperationalError(words))
    assert words not in str(caught.value)


def test_files_of_the_home_folder_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the passwords nor the certificates that a person keeps there for psql."""
    told = _connected_with("postgresql://callrec@host/callrec", monkeypatch)
    assert {told["passfile"], told["sslcert"], told["sslkey"], told["sslrootcert"]} == {"/dev/null/none"}
    told = _connected_with("postgresql://callrec@host/callrec?passfile=/etc/callrec/pgpass", monkeypatch)
    assert told["passfile"] == "/etc/callrec/pgpass"
