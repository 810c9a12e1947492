"""Indexes of hits have all that a search looks at: the facility beside an extension or a number, and the flag
by which an index has some rows only, which SQLite reads again in each row else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

NUMBER, EXTENSION, FILED = "ix_hits_number", "ix_hits_extension_time", "ix_hit_facilities_filed"
FLAGS = ("incident", "held")
TABLES = (("hits", ""), ("hits", "facility"), ("hit_extensions", "extension"), ("hit_facilities", "facility"))


def upgrade() -> None:
    _replace(NUMBER, ["number", "place", "kind", "length_ms", "facility"], "number IS NOT NULL")
    _replace(EXTENSION, ["extension", "kind", "place", "length_ms", "facility"])
    _replace(FILED, ["facility", "filed", "place", "kind", "length_ms"])
    for flag in FLAGS:
        columns = ["extension", "kind", "place", "length_ms", "facility", flag]
        _replace(f"ix_hits_extension_{flag}_time", columns, flag=flag)
        for name, columns, known in _flagged(flag):
            _replace(name, [*columns, flag], known, flag)


def downgrade() -> None:
    _replace(NUMBER, ["number", "place"], "number IS NOT NULL")
    _replace(EXTENSION, ["extension", "kind", "place", "length_ms"])
    _replace(FILED, ["facility", "filed", "place"])
    for flag in FLAGS:
        _replace(f"ix_hits_extension_{flag}_time", ["extension", "kind", "place", "length_ms"], flag=flag)
        for name, columns, known in _flagged(flag):
            _replace(name, columns, known, flag)


def _flagged(flag: str) -> Iterator[tuple[str, list[str], str]]:
    """Yields the other indexes that have rows with a flag only: name, columns, and what else is said."""
    for table, by in TABLES:
        first, name = ([by, "kind"], f"{by}_{flag}") if by else (["kind"], flag)
        yield f"ix_{table}_{name}_time", [*first, "place", "length_ms"], ""
        if by != "extension":
            yield f"ix_{table}_{name}_length", [*first, "length_ms", "place"], "length_ms IS NOT NULL"


def _replace(name: str, columns: list[str], known: str = "", flag: str = "") -> None:
    table = next(
        each for each in ("hits", "hit_extensions", "hit_facilities") if name.startswith(f"ix_{each}_")
    )
    op.drop_index(name, table)
    sqlite, postgresql = (
        " AND ".join(filter(None, (said, known))) for said in (flag and f"{flag} = 1", flag)
    )
    where: dict[str, Any] = {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}
    op.create_index(name, table, columns, **(where if sqlite else {}))
