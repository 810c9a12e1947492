"""Connects to the database, SQLite or PostgreSQL, and has Alembic upgrade it.

What is in the database is said by callrec.catalogue.tables and, step by step, by migrations/.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError

from callrec.errors import CatalogueOutdated, CatalogueUnreachable, Unreachable, WrongConfiguration
from callrec.files import make_folder
from callrec.resources import shipped

if TYPE_CHECKING:
    from alembic.config import Config

CONNECT_SECONDS = 5
BUSY_SECONDS = 15
STATEMENT_SECONDS = 60
_DEAD_HOST = {
    "tcp_user_timeout": "10000",
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
}
"""Options of libpq, which else waits for ever (TCP itself: 15 minutes) for a host that has gone without a
word: with these it is noticed within some 15 s. The first is in milliseconds, the others in seconds."""

_UNDEFINED = ("42P01", "42703")
"""SQLSTATE: undefined_table, undefined_column."""
_REFUSED = ("42501", "25006")
"""SQLSTATE: insufficient_privilege, read_only_sql_transaction (a standby server)."""
_UNDEFINED_IN_SQLITE = ("no such table", "no such column", "has no column named")


class _NoFile(sqlite3.OperationalError):
    """A SQLite database has no file; SQLite itself would have made an empty one."""


class Database:
    """One database. Every transaction raises CatalogueUnreachable when it cannot be had, and
    CatalogueOutdated when tables are not there.

    Raises WrongConfiguration when the URL is none. Any thread may use it.
    """

    def __init__(self, url: str) -> None:
        self._url = _parsed(url)
        try:
            self.engine = sa.create_engine(self._url, **_options(self._url))
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise WrongConfiguration(
                "catalogue.url is no database URL ({problem}): write sqlite:////path/catalogue.db "
                "or postgresql://user:password@host/name",
                problem=str(error).splitlines()[0],
            ) from error
        if self._url.get_backend_name() == "sqlite":
            _prepare_sqlite(self.engine)
        self._reader = self.engine.execution_options(callrec_reads=True)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Begins a transaction that writes: committed at the end, rolled back on an error."""
        return self._transaction(self.engine)

    def read(self) -> AbstractContextManager[sa.Connection]:
        """Begins a transaction that only reads, and keeps no writer waiting."""
        return self._transaction(self._reader)

    def says(self, ask: Callable[[sa.Connection], bool]) -> bool:
        """Returns what the database answers to a question; False while it cannot be reached."""
        with suppress(CatalogueUnreachable), self.read() as connection:
            return ask(connection)
        return False

    @contextmanager
    def _transaction(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if _is_unusable(error) or _lacks_tables(error):
                raise self._unreachable(error) from error
            raise

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()

    def upgrade(self) -> None:
        """Creates the tables, or brings them to this version of callrec."""
        from alembic import command

        self._make_file()
        with self.begin() as connection:
            if connection.dialect.name == "postgresql":  # a large table may take its time
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            command.upgrade(_alembic(connection), "head")

    def versions(self) -> tuple[str | None, str | None]:
        """Returns the version the database has, None before the first, and the one this callrec needs."""
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        with self.begin() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            needed = ScriptDirectory.from_config(_alembic(connection)).get_current_head()
        return found, needed

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

    def _make_file(self) -> None:
        path = _file(self._url)
        if path is None:
            return
        try:
            make_folder(path.parent)
            # Who telephoned whom is for the owner only; SQLite gives its -wal and -shm the same mode.
            os.close(os.open(path, os.O_CREAT, 0o600))
        except OSError as error:
            raise self._away(error.strerror or "no answer") from error

    def _unreachable(self, error: DBAPIError) -> Unreachable:
        if isinstance(error.orig, _NoFile):
            return CatalogueUnreachable(
                "there is no database {url}: check catalogue.url; callrec init makes a new one",
                url=self.shown,
            )
        problem = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        if _lacks_tables(error):
            return CatalogueOutdated(
                "the database {url} is not set up ({problem}): run callrec init",
                url=self.shown,
                problem=problem,
            )
        return self._away(problem)

    def _away(self, problem: str) -> CatalogueUnreachable:
        return CatalogueUnreachable(
            "the database {url} does not answer ({problem}): check catalogue.url",
            url=self.shown,
            problem=problem,
        )


def _is_unusable(error: DBAPIError) -> bool:
    """Returns whether the trouble is the database's, or the right to use it, and not what it was asked for.

    SQLite says by DatabaseError itself, not by one of its kinds, that a file is damaged or no database.
    """
    refused = getattr(error.orig, "sqlstate", None) in _REFUSED
    return isinstance(error, OperationalError) or type(error) is DatabaseError or refused


def _lacks_tables(error: DBAPIError) -> bool:
    """Returns whether a table or a column is not there. PostgreSQL says so by a code, and in the language of
    its server; SQLite in words alone."""
    if getattr(error.orig, "sqlstate", None) in _UNDEFINED:
        return True
    said = str(error.orig) if isinstance(error.orig, sqlite3.Error) else ""
    return any(words in said for words in _UNDEFINED_IN_SQLITE)


def _parsed(url: str) -> sa.URL:
    """Returns the URL. Raises WrongConfiguration without any word of it: it may hold a password."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise WrongConfiguration(
            "catalogue.url is no database URL: write sqlite:////path/catalogue.db or "
            "postgresql://user:password@host/name, and @ : / of a password as %40 %3A %2F"
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


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
    limits = {"connect_timeout": str(CONNECT_SECONDS), **_DEAD_HOST}
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
            if path := _file(engine.url):
                path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise _NoFile from None
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror or "no answer") from error

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
    config.set_main_option("script_location", str(shipped("migrations")))
    config.attributes["connection"] = connection
    return config
