"""Marks a spool with the version of what lies in it, so that nothing is read under names it does not have.

What one version has left is finished by that version: it knows where its files lie and what is in them.
"""

from __future__ import annotations

from pathlib import Path

from callrec.errors import WrongConfiguration
from callrec.files import make_folder, write_whole

MARK = "version-2"
"""An empty file beside the folders. A spool without one is of version 1."""


def check(directory: Path) -> None:
    """Makes the directory and its mark, or raises WrongConfiguration where another version has left work."""
    make_folder(directory)
    marks = {each.name for each in directory.glob("version-*")}
    if marks - {MARK} or (not marks and _holds_files(directory)):
        raise WrongConfiguration(
            "the spool {path} holds what another version of callrec has not finished: start that version "
            "until nothing waits, and move away what then is left",
            path=directory,
        )
    if not marks:
        write_whole(directory / MARK, b"")


def _holds_files(directory: Path) -> bool:
    return any(each.is_file() for each in directory.glob("*/**/*"))
