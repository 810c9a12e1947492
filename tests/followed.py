"""What searches go by, after a test has written rows past those who write them."""

from __future__ import annotations

import sqlalchemy as sa

from callrec.catalogue import grams, hits, tables


def follow(connection: sa.Connection) -> None:
    """Writes hits and signs of all calls as their rows are now."""
    for call_id in connection.execute(sa.select(tables.calls.c.id)).scalars().all():
        grams.write(connection, call_id)
        hits.rewrite(connection, call_id)
