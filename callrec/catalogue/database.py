"""Connects to the database, SQLite or PostgreSQL, and has Alembic upgrade it.

What is in the database is said by callrec.catalogue.tables and, step by step, by migrations/.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from callrec import failures
from callrec.addresses import without_secrets
from callrec.catalogue import remedies, trial
from callrec.catalogue.database_problems import (
    SQLITE_KINDS,
    NoFile,
    fault,
    is_unusable,
    lacks_tables,
    why,
)
from callrec.errors import (
    CatalogueNewer,
    CatalogueOutdated,
    CatalogueUnreachable,
    Fault,
    Refused,
    Sentence,
    Unreachable,
    WrongConfiguration,
)
from callrec.files import make_folder
from callrec.resources import shipped

if TYPE_CHECKING:
    from alembic.config import Config

Connection = sa.Connection
"""What is one transaction, for those outside who do not know SQLAlchemy."""
CONNECT_SECONDS = 5
BUSY_SECONDS = 15
STATEMENT_SECONDS = 60
LOOKS_EACH_SECONDS = 10.0
"""After so long it is looked again whether a newer callrec has upgraded the database."""
_DEAD_HOST = {
    "tcp_user_timeout": "10000",
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
}
"""Options of libpq, which else waits for ever (TCP itself: 15 minutes) for a host that has gone without a
word: with these it is noticed within some 15 s. The first is in milliseconds, the others in seconds."""
_OF_LIBPQ = f"{os.devnull}/none"
"""A path at which nothing is: libpq takes such files from the home folder where the URL names none."""
_NOT_FROM_HOME = {
    **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"), _OF_LIBPQ),
    "gssencmode": "disable",
}
_OURS = {"facilities", "extensions", "rules", "calls", "recordings", "custody"}
_VERSIONS = sa.table("alembic_version", sa.column("version_num"))


class Database:
    """One database. Every transaction raises CatalogueUnreachable when it cannot be had, and
    CatalogueOutdated when tables are not there.

    Raises WrongConfiguration when the URL is none. Any thread may use it.
    """

    def __init__(self, url: str) -> None:
        self._url, self.shown = _parsed(url), without_secrets(url)
        try:
            self.engine = sa.create_engine(self._url, **_options(self._url))
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise _no_url() from error
        if self._url.get_backend_name() == "sqlite":
            _prepare_sqlite(self.engine)
        self._look_again = 0.0
        self._reader = self.engine.execution_options(callrec_reads=True)
        self._still = self._reader
        if self._url.get_backend_name() != "sqlite":  # which reads as of one moment anyway
            self._still = self._reader.execution_options(isolation_level="REPEATABLE READ")

    @property
    def file(self) -> Path | None:
        """Where a SQLite database is on disk; None of any other, and of one in memory."""
        return _file(self._url)

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Begins a transaction that writes: committed at the end, rolled back on an error."""
        return self._transaction(self.engine)

    def read(self) -> AbstractContextManager[sa.Connection]:
        """Begins a transaction that only reads, and keeps no writer waiting."""
        return self._transaction(self._reader)

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Begins a transaction that reads all as it was at one moment, however long that takes, and keeps no
        writer waiting."""
        with self._transaction(self._still) as connection:
            _take_time(connection)
            yield connection

    def says(self, ask: Callable[[sa.Connection], bool]) -> bool:
        """Returns what the database answers to a question; False while it cannot be reached."""
        with suppress(CatalogueUnreachable), self.read() as connection:
            return ask(connection)
        return False

    @contextmanager
    def _transaction(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            with engine.begin() as connection:
                self._refuse_newer(connection)
                yield connection
        except DBAPIError as error:
            if is_unusable(error) or lacks_tables(error):
                raise self._unreachable(error).blamed(fault(error)) from error
            raise
        except UnicodeDecodeError as error:  # what SQLite says of a damaged file repeats bytes of it
            if not error.object.startswith(b"malformed database"):
                raise
            raise self._away(Sentence(SQLITE_KINDS["SQLITE_CORRUPT"])).blamed(Fault.OURS) from error

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()

    def upgrade(self) -> None:
        """Creates the tables, or brings them to this version of callrec."""
        from alembic import command

        self._make_file()
        with self.begin() as connection:
            self._refuse_others(connection)
            _take_time(connection)
            command.upgrade(_alembic(connection), "head")

    @contextmanager
    def filled(self, version: str, fill: Callable[[sa.Connection], None]) -> Iterator[sa.Connection]:
        """Has the empty tables of a version filled, brings them to that of this callrec, and gives the
        transaction in which all of that is: committed at the end of the block, or nothing was.

        `fill` is what refuses tables that are not empty. Raises CatalogueNewer for a version of a newer
        callrec, and Refused where the database has tables of another program.
        """
        self._refuse_unknown(version)
        made = self._make_file()
        try:
            with self.begin() as connection:
                self._refuse_others(connection)
                _take_time(connection)
                _bring_to(connection, version)
                fill(connection)
                _bring_to(connection, max(_known_versions()))
                yield connection
        except BaseException:
            if made:
                self._remove_file()
            raise

    def check_makeable(self) -> None:
        """Raises CatalogueUnreachable where tables could not be made, and Refused where what is there is not
        ours. Makes nothing: no folder, no file, no table."""
        if (path := _file(self._url)) and not path.exists():
            folder = next(each for each in path.parents if each.exists())
            if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
                raise self._away(Sentence("no right to it"))
            return
        with self.begin() as connection:
            self._refuse_others(connection)
            new = connection.dialect.name == "postgresql" and _version(connection) is None
            if new and not trial.may_make_tables(connection):
                raise self._away(Sentence("no right to it"), remedies.to_make_tables(self._url))

    def versions(self) -> tuple[str | None, str]:
        """Returns the version the database has, None before the first, and the one this callrec needs."""
        with self.begin() as connection:
            return _version(connection), max(_known_versions())

    def look(self) -> tuple[str | None, str, bool]:
        """Returns the version the database has, None where there is none yet, the one that this callrec
        needs, and whether that of the database is newer. Changes nothing, and makes no file."""
        if self.file and not self.file.exists():
            return None, max(_known_versions()), False
        try:
            found, needed = self.versions()
        except CatalogueNewer as error:
            return str(error.values["found"]), max(_known_versions()), True
        return found, needed, False

    def require_current(self) -> None:
        """Raises CatalogueOutdated unless the tables are those of this version."""
        found, needed = self.versions()
        if found != needed:
            raise CatalogueOutdated(
                "the database {url} has version {found}, this callrec needs {needed}: run callrec init",
                url=self.shown,
                found=found or "none",
                needed=needed,
            )

    def check_ours(self) -> None:
        """Raises CatalogueNewer or Refused where what is there must not be touched. A database that cannot
        be reached, or is not there yet, is none of these."""
        with suppress(CatalogueUnreachable), self.read() as connection:
            self._refuse_others(connection)

    def _refuse_newer(self, connection: sa.Connection) -> None:
        """Looks now and then whether a newer callrec has changed the tables, also while this one works: what
        it writes would be wrong."""
        if time.monotonic() < self._look_again:
            return
        found = _version(connection)
        if found is not None and found not in _known_versions():
            self._refuse_others(connection)
            raise CatalogueNewer(
                "the database {url} has version {found} of a newer callrec: upgrade callrec",
                url=self.shown,
                found=found,
            )
        self._look_again = time.monotonic() + LOOKS_EACH_SECONDS

    @staticmethod
    def _refuse_unknown(version: str) -> None:
        if version not in _known_versions():
            raise CatalogueNewer(
                "the rows have version {found} of a newer callrec, this one knows {needed} at most: upgrade "
                "callrec",
                found=version,
                needed=max(_known_versions()),
            )

    def _refuse_others(self, connection: sa.Connection) -> None:
        """Raises Refused where there are tables, and not those that every version of ours has."""
        there = set(sa.inspect(connection).get_table_names()) - {_VERSIONS.name}
        if there and not there >= _OURS:
            raise Refused(
                "the database {url} has tables of another program: give callrec one of its own",
                url=self.shown,
            )

    def _make_file(self) -> bool:
        """Makes the file of a SQLite database; returns whether there was none."""
        path = _file(self._url)
        if path is None:
            return False
        was_there = path.exists()
        try:
            make_folder(path.parent)
            # Who telephoned whom is for the owner only; SQLite gives its -wal and -shm the same mode.
            os.close(os.open(path, os.O_CREAT, 0o600))
        except OSError as error:
            raise self._away(failures.why(error)) from error
        return not was_there

    def _remove_file(self) -> None:
        self.close()
        if path := self.file:
            for each in ("", "-wal", "-shm"):
                path.with_name(path.name + each).unlink(missing_ok=True)

    def _unreachable(self, error: DBAPIError) -> Unreachable:
        if isinstance(error.orig, NoFile):
            return CatalogueUnreachable(
                "there is no database {url}: check catalogue.url; callrec init makes a new one",
                url=self.shown,
            )
        if lacks_tables(error):
            return CatalogueOutdated(
                "the database {url} is not set up for this version of callrec: run callrec init",
                url=self.shown,
            )
        return self._away(why(error), remedies.of(self._url, error))

    def _away(self, problem: Sentence, remedy: str = "") -> CatalogueUnreachable:
        if remedy:
            return CatalogueUnreachable(
                "the database {url} does not answer ({problem}): check catalogue.url, or run on its machine: "
                "{command}",
                url=self.shown,
                problem=problem,
                command=remedy,
            )
        return CatalogueUnreachable(
            "the database {url} does not answer ({problem}): check catalogue.url",
            url=self.shown,
            problem=problem,
        )


def _take_time(connection: sa.Connection) -> None:
    """Lets statements of this transaction take as long as large tables need."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _bring_to(connection: sa.Connection, version: str) -> None:
    """Takes the tables to a version, up or down; of a database without any, makes them."""
    from alembic import command

    step = command.upgrade if version >= (_version(connection) or "") else command.downgrade
    step(_alembic(connection), version)


def _parsed(url: str) -> sa.URL:
    """Returns the URL. Raises WrongConfiguration without any word of it: it may hold a password."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise _no_url() from None
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _no_url() -> WrongConfiguration:
    return WrongConfiguration(
        "catalogue.url is no database URL: write sqlite:////path/catalogue.db or "
        "postgresql://user:password@host/name, and @ : / of a password as %40 %3A %2F"
    )


def _version(connection: sa.Connection) -> str | None:
    """Returns the version of the tables; None where there are none."""
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return None
    return connection.execute(sa.select(_VERSIONS.c.version_num)).scalars().first()


@cache
def _known_versions() -> frozenset[str]:
    """Returns the versions that this callrec can upgrade from, and its own: its migrations are named so."""
    return frozenset(path.name.partition("_")[0] for path in shipped("migrations/versions").glob("[0-9]*.py"))


def _file(url: sa.URL) -> Path | None:
    """Returns where a SQLite database is on disk; None of any other, and of one in memory."""
    name = url.database if url.get_backend_name() == "sqlite" else None
    return Path(name) if name and name != ":memory:" and not name.startswith("file:") else None


def _options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    # The URL has the last word: of two settings with one name PostgreSQL takes the later one.
    own = f"-c statement_timeout={STATEMENT_SECONDS}s"
    options = {"options": " ".join([own, *_texts(url.query.get("options", ()))])}
    limits = {"connect_timeout": str(CONNECT_SECONDS), **_DEAD_HOST, **_NOT_FROM_HOME}
    limits = {name: value for name, value in limits.items() if name not in url.query}
    return {"connect_args": {**limits, **options}, "pool_pre_ping": True}


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Lets writers wait for one another instead of failing, and what is committed be on disk."""

    @sa.event.listens_for(engine, "do_connect")
    def connecting(*_: object) -> None:
        # SQLite would make an empty one: with its disk not mounted, the catalogue would seem to be new.
        try:
            if (path := _file(engine.url)) and path.stat() and path.is_dir():
                raise IsADirectoryError
        except (FileNotFoundError, NotADirectoryError):
            raise NoFile from None
        except OSError as error:
            raise sqlite3.OperationalError from error

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later could not be serialised otherwise (decision 7).
        reads = connection.get_execution_options().get("callrec_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _alembic(connection: sa.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
