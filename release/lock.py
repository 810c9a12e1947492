"""Which of the locked packages callrec runs with, and the voice by which an office makes announcements: those
of the demo and the tests are in the same lock files, and stay at home."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ENTRY = re.compile(r"(?m)^(?P<name>[\w.-]+)==.*\n(?:    .*\n?)*")
_CONDITION = re.compile(r" ;[^\\\n]*(?= \\)")
_VIA = re.compile(r"#\s+(?:via )?([\w.-]+)(?:\s|$)")
_NAME = re.compile(r"[\w.-]+")


def locked(version: str) -> dict[str, str]:
    """Returns the entries of a version's lock by name, each with its hashes and who needs it."""
    text = (ROOT / "requirements" / f"{version}.txt").read_text("ascii")
    return {each["name"]: each[0] for each in _ENTRY.finditer(text)}


def runtime(version: str) -> str:
    """Returns the requirements, with hashes, of the program itself under Python `version`, e.g. ``3.11``.

    They have no conditions any more: the lock is of that version, and pip would ask the Python that runs it.
    """
    entries = locked(version)
    wanted = _direct() & entries.keys()
    while more := {name for name, entry in entries.items() if _needed_by(entry) & wanted} - wanted:
        wanted |= more
    return "".join(_CONDITION.sub("", entries[name]) for name in sorted(wanted))


def _direct() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {_normal(each) for each in [*project["dependencies"], *extras["prompts"]]}


def _needed_by(entry: str) -> set[str]:
    return {_normal(each) for each in _VIA.findall(entry)} - {"callrec", "via"}


def _normal(requirement: str) -> str:
    found = _NAME.match(requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
