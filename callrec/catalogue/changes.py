"""Writes down who changed what in facilities, extensions and rules, and counts the changes.

Running controllers look at the number, and take up the rules anew when it has grown. What is done to
recordings is in the custody log, not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import changes, revision

_READ = RowReader(int, "revision", "id")


def note(
    connection: sa.Connection,
    subject: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    who: str,
    at: datetime,
) -> None:
    """Writes a change of a `subject`, such as `rule 12`, down, and tells running controllers."""
    connection.execute(changes.insert().values(at=at, who=who, subject=subject, before=before, after=after))
    connection.execute(revision.update().values(number=revision.c.number + 1))


def lock(connection: sa.Connection) -> None:
    """Lets one change at a time look at the office and alter it, until the transaction ends."""
    connection.execute(sa.select(revision).with_for_update())


def number(connection: sa.Connection) -> int:
    """Returns the revision, a number that grows with every change."""
    row = connection.execute(sa.select(revision)).first()
    return _READ(row, lambda row: row.number)
