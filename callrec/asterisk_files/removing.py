"""Prepares the removal of callrec's includes: every line that an installation made goes, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from callrec.asterisk_files import texts
from callrec.asterisk_files.changes import Change
from callrec.asterisk_files.gate_lines import gate_lines
from callrec.asterisk_files.installing import ANSWERS, is_one, reading, require_asterisk, within
from callrec.asterisk_files.product import CUSTOM
from callrec.asterisk_files.reading import FOLDER, Line, decoded, encoded, sections
from callrec.files import Rights


@dataclass(frozen=True)
class Removal:
    """What a removal is to change. Nothing is changed yet."""

    etc: Path
    changes: tuple[Change, ...]
    stays: tuple[str, ...]
    """What is in callrec's folder and not of an installation: copies, and what somebody put there."""
    calls: tuple[Line, ...]
    """Where the dialplan calls what would be gone."""
    ami_password: str
    """The one that is installed: by it the PBX is known to be that of a callrec.toml."""


def prepared(etc: Path) -> Removal:
    """Returns what is to be changed. Raises WrongUsage, Refused, and CheckFailed for a file that cannot be
    read."""
    with reading(etc):
        require_asterisk(etc)
        own = [f"{FOLDER}/{name}" for name in (*texts.names(), ANSWERS) if (etc / FOLDER / name).is_file()]
        changes = [_without_line(etc, name, of) for of in texts.names() for name in _homes(etc, of)]
        changes += [_gone(within(etc, each)) for each in own]
        password = sections(etc / FOLDER / "manager.conf", etc).get("callrec", {}).get("secret", "")
        calls = tuple(gate_lines(etc))
    return Removal(etc, tuple(filter(is_one, changes)), _stays(etc, own), calls, password)


def tidy(etc: Path) -> None:
    """Removes callrec's folder where nothing is in it any more."""
    folder = etc / FOLDER
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _homes(etc: Path, name: str) -> list[str]:
    """Returns the files in which the line may stand: the product may have been another one then."""
    return [each for each in dict.fromkeys((name, CUSTOM.get(name, name))) if _has_line(etc / each, name)]


def _has_line(path: Path, name: str) -> bool:
    if not path.is_file():
        return False
    text = decoded(path.read_bytes())
    return texts.without_include(text, name) != text


def _without_line(etc: Path, target: str, name: str) -> Change:
    path = within(etc, target)
    before = path.read_bytes()
    after = texts.without_include(decoded(before), name)
    return Change(path, before, None if after is None else encoded(after), Rights.of(path))


def _gone(path: Path) -> Change:
    return Change(path, path.read_bytes(), None, Rights.of(path))


def _stays(etc: Path, own: list[str]) -> tuple[str, ...]:
    folder = etc / FOLDER
    found = (f"{FOLDER}/{each.name}" for each in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted(set(found) - set(own)))
