"""Indexes of hits have all that a search looks at: the facility beside an extension or a number, and the flag
by which an index has some rows only, which SQLite reads again in each row else."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

FLAGS = ("incident", "held")
ORDERED = (
    ("hits", ""),
    ("hits", "facility"),
    ("hit_extensions", "extension"),
    ("hit_facilities", "facility"),
)


def upgrade() -> None:
    _replace_all(covering=True)


def downgrade() -> None:
    _replace_all(covering=False)


def _replace_all(*, covering: bool) -> None:
    def columns(*found_by: str, looked_at: tuple[str, ...]) -> list[str]:
        return [*found_by, *(looked_at if covering else ())]

    of_number = columns("number", "place", looked_at=("kind", "length_ms", "facility"))
    _replace("hits", "number", of_number, "number IS NOT NULL")
    of_filed = columns("facility", "filed", "place", looked_at=("kind", "length_ms"))
    _replace("hit_facilities", "filed", of_filed)
    of_extension = "extension", "kind", "place", "length_ms"
    _replace("hits", "extension_time", columns(*of_extension, looked_at=("facility",)))
    for flag in FLAGS:
        looked_at = columns(*of_extension, looked_at=("facility", flag))
        _replace("hits", f"extension_{flag}_time", looked_at, flag=flag)
        for table, by in ORDERED:
            first, name = ((by, "kind"), f"{by}_{flag}") if by else (("kind",), flag)
            _replace(
                table, f"{name}_time", columns(*first, "place", "length_ms", looked_at=(flag,)), flag=flag
            )
            if by != "extension":
                by_length = columns(*first, "length_ms", "place", looked_at=(flag,))
                _replace(table, f"{name}_length", by_length, "length_ms IS NOT NULL", flag)


def _replace(table: str, name: str, columns: list[str], known: str = "", flag: str = "") -> None:
    """Makes an index of a table anew, of the rows with a flag and of which something is known."""
    whole = f"ix_{table}_{name}"
    op.drop_index(whole, table)
    sqlite, postgresql = (
        " AND ".join(filter(None, (said, known))) for said in (flag and f"{flag} = 1", flag)
    )
    where: dict[str, Any] = {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}
    op.create_index(whole, table, columns, **(where if sqlite else {}))
