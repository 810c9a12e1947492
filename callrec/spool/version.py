"""Marks a spool with the version of what lies in it, so that nothing is read under names it does not have,
and an empty folder is not taken for a spool.

What one version has left is finished by that version: it knows where its files lie and what is in them.
"""

from __future__ import annotations

from pathlib import Path

from callrec import ids
from callrec.errors import WrongConfiguration
from callrec.files import make_folder, write_whole

MARK = "version-2"
"""A file beside the folders, with an id of the spool; empty, where an older callrec has made it. A folder
with files but without it is a spool of version 1."""


def make(directory: Path) -> None:
    """Makes the directory and its mark, where they are not there. Raises what `check` raises."""
    make_folder(directory)
    _refuse_others(directory)
    if not (directory / MARK).exists():
        write_whole(directory / MARK, ids.new().encode())


def found(directory: Path) -> list[str]:
    """Returns the marks of a directory, of whichever version; none where there is no spool."""
    marks = sorted(each.name for each in directory.glob("version-*"))
    return marks or (["version-1"] if _holds_files(directory) else [])


def check(directory: Path) -> None:
    """Raises WrongConfiguration where there is no spool, or another version has left work in it.

    Without the mark it is the empty folder on which a disk should be mounted: nothing is written there.
    """
    if directory.is_dir():
        _refuse_others(directory)
    if not (directory / MARK).exists():
        raise WrongConfiguration(
            "there is no spool in {path}: mount its disk; callrec init makes a new one", path=directory
        )


def _refuse_others(directory: Path) -> None:
    if set(found(directory)) - {MARK}:
        raise WrongConfiguration(
            "the spool {path} holds what another version of callrec has not finished: start that version "
            "until nothing waits, and move away what then is left",
            path=directory,
        )


def _holds_files(directory: Path) -> bool:
    return any(each.is_file() for each in directory.glob("*/**/*"))
