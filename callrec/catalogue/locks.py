"""Keeps two processes of one catalogue, on whichever machines, from doing the same work at once.

A lock is a file beside a SQLite database, and an advisory lock of PostgreSQL; it ends with its process.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from callrec.catalogue.database import Connection, Database
from callrec.errors import Refused, Unreachable

PAUSE_SECONDS = 0.1


@contextmanager
def one_purge(database: Database) -> Iterator[None]:
    """Keeps every other purge of this catalogue out. Raises Refused where another one is at work."""
    with _alone(database, "purge", 0x63616C6C) as is_free:
        if not is_free():
            raise Refused("another callrec purge is at work: wait until it has ended")
        yield


@contextmanager
def one_anchorer(database: Database, seconds: float) -> Iterator[None]:
    """Waits until nobody else makes an anchor of this custody log, and keeps everybody else out.

    No writer of the log waits for it. Raises Unreachable where it takes longer than so many seconds.
    """
    until = time.monotonic() + seconds
    with _alone(database, "anchor", 0x616E6368) as is_free:
        while not is_free():
            if time.monotonic() > until:
                raise Unreachable("another process is making an anchor, and does not end: try again")
            time.sleep(PAUSE_SECONDS)
        yield


@contextmanager
def _alone(database: Database, name: str, number: int) -> Iterator[Callable[[], bool]]:
    """Gives what tries to take the lock of a name, or of a number in PostgreSQL, and says whether it has it.
    It is held until the block ends."""
    if database.file is not None:
        with _file(database.file.with_name(f"{database.file.name}-{name}")) as descriptor:
            yield lambda: _has_locked(descriptor)
        return
    with database.read() as connection:
        yield lambda: _is_free(connection, number)


@contextmanager
def _file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(connection: Connection, number: int) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(number))).scalar_one())
