"""Writes and moves files so that each is there whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

PARTIAL = ".partial"


def partial_of(path: Path) -> Path:
    """Returns the path under which a file is written before it takes its name."""
    return path.with_name(path.name + PARTIAL)


def write_whole(path: Path, data: bytes, written: Callable[[], None] = lambda: None) -> None:
    """Replaces a file so that, whatever happens, the old or the new one is there, and whole.

    `written` is called before the file is synced: a kill of this process then leaves the new one under its
    partial name.
    """
    partial = partial_of(path)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        written()
        os.fsync(file.fileno())
    partial.replace(path)
    sync(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Makes a file that is not there yet, whole or not at all, for its owner only.

    Raises FileExistsError where there is one already, which stays as it is.
    """
    partial = partial_of(path)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)  # unlike a rename, it refuses a name that is taken
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def write_unsynced(path: Path, data: bytes) -> None:
    """Replaces a file so that a kill leaves the old or the new one; a power failure may leave neither."""
    partial = partial_of(path)
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Makes what is in a file, or the names in a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(path: Path, folder: Path) -> None:
    """Moves a file or folder into `folder`; with a number after its name where that name is taken."""
    names = (f"{path.name}.{number}" if number else path.name for number in itertools.count())
    path.rename(next(folder / name for name in names if not (folder / name).exists()))
    sync(folder)
    sync(path.parent)
