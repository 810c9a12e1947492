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
from callrec.errors import Unreachable

_ANCHORS = 0x616E6368
"""The number of the lock of PostgreSQL that whoever makes an anchor holds."""
PAUSE_SECONDS = 0.1


@contextmanager
def one_anchorer(database: Database, seconds: float) -> Iterator[None]:
    """Waits until nobody else makes an anchor of this custody log, and keeps everybody else out.

    No writer of the log waits for it. Raises Unreachable where it takes longer than so many seconds.
    """
    until = time.monotonic() + seconds
    if database.file is not None:
        with _file(database.file.with_name(f"{database.file.name}-anchor"), until):
            yield
        return
    with database.read() as connection:
        _wait(lambda: _is_free(connection), until)
        yield


@contextmanager
def _file(path: Path, until: float) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _wait(lambda: _has_locked(descriptor), until)
        yield
    finally:
        os.close(descriptor)


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(connection: Connection) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_ANCHORS))).scalar_one())


def _wait(is_free: Callable[[], bool], until: float) -> None:
    while not is_free():
        if time.monotonic() > until:
            raise Unreachable("another process is making an anchor, and does not end: try again")
        time.sleep(PAUSE_SECONDS)
