"""Compares unit files with those that a machine has, puts them there and takes them away.

A file that a person has changed is only replaced when that is asked for, and kept beside the new one then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import unified_diff
from enum import Enum, auto
from pathlib import Path

from callrec.errors import CallrecError, CheckFailed, Refused
from callrec.failures import why
from callrec.files import draft, move, publish
from callrec.service.units import is_untouched

KEPT = ".before-callrec"
"""How the name of a file ends that was replaced although somebody had changed it: systemd passes over it."""
MODE = 0o644


class State(Enum):
    """How a unit file that is there compares with the one that is wanted."""

    MISSING = auto()
    SAME = auto()
    OLDER = auto()
    """Ours, of another version or with other settings, as we wrote it."""
    CHANGED = auto()
    """By a person, or none of ours."""


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A unit file that is wanted, and what stands there in its place."""

    path: Path
    wanted: str
    there: str | None

    @property
    def state(self) -> State:
        if self.there is None:
            return State.MISSING
        if self.there == self.wanted:
            return State.SAME
        return State.OLDER if is_untouched(self.there) else State.CHANGED

    def difference(self) -> Iterator[str]:
        """Yields the lines that tell what would change."""
        there, wanted = (self.there or "").splitlines(), self.wanted.splitlines()
        return unified_diff(there, wanted, str(self.path), "callrec", lineterm="")


def compare(folder: Path, units: dict[str, str]) -> list[UnitFile]:
    """Returns the wanted files of a folder, each with what is there. Raises Refused for a link, which may be
    how a unit was masked, CheckFailed for what cannot be read."""
    return [UnitFile(folder / name, text, read(folder / name)) for name, text in units.items()]


def read(path: Path) -> str | None:
    """Returns the text of a unit file; None where there is none."""
    if path.is_symlink():
        raise Refused("{path} is a link, perhaps of systemctl mask: remove it first", path=path)
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None
    except OSError as error:
        raise CheckFailed("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def write(files: Sequence[UnitFile]) -> None:
    """Writes all of them, or none. What somebody had changed stays beside it under another name."""
    try:
        with ExitStack() as stack:
            drafts = [stack.enter_context(draft(each.path, mode=MODE)) for each in files]
            for made, each in zip(drafts, files, strict=True):
                made.write(each.wanted.encode())
            for each in files:
                if each.state is State.CHANGED:
                    move(each.path, each.path.parent, each.path.name + KEPT)
            publish(*drafts)
    except OSError as error:
        raise _unwritable(files[0].path, error) from error


def remove(path: Path) -> bool:
    """Removes a unit file that is ours and that nobody has changed; returns whether it was."""
    if path.is_symlink() or not path.exists() or not is_untouched(read(path) or ""):
        return False
    try:
        path.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def _unwritable(path: Path, error: OSError) -> CallrecError:
    return CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error))
