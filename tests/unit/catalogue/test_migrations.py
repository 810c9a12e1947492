"""The database goes up to this version and back: what was there stays, and what would be lost is refused."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from callrec.catalogue import tables
from callrec.catalogue.database import Database
from tests.old_database import check_migration


def test_the_tables_are_those_of_the_migrations(database: Database) -> None:
    with database.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_migration_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()
    database = Database(f"sqlite:///{tmp_path}/old.db")
    check_migration(database)
    database.close()
