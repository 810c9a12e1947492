"""Reads Asterisk's configuration as Asterisk does: comments, sections, and includes in their places.

Bytes that are no UTF-8 come back as they were (surrogateescape). Raises OSError where a file cannot be read.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "callrec"
"""The folder of callrec's own files, in that of the PBX."""
USUAL = "/etc/asterisk/"
DEPTH = 10
"""How deep includes may lie in each other: Asterisk's own limit."""
COMMENT = re.compile(r"(?<!\\);(?:--(?!-).*?(?:--;|\Z)|[^\n]*)", re.DOTALL)
INCLUDE = re.compile(r"""#(?:try)?include\s+["<]?([^">\s\0]+)""")
HEADER = re.compile(r"^\[([^\]]+)\](\(\+\))?", re.MULTILINE)
Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, without comments and spaces around it."""

    path: Path
    number: int
    text: str


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def text_of(path: Path) -> str:
    """Returns the text of a file, byte for byte; empty when there is none."""
    return decoded(path.read_bytes()) if path.is_file() else ""


def without_comments(text: str) -> str:
    """Returns a text in which comments are gone, and every line is where it was."""
    return COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)


def headers(text: str) -> list[tuple[str, bool]]:
    """Returns the sections that a text begins: their names, and whether they add to one that is there."""
    return [(name.strip().lower(), bool(added)) for name, added in HEADER.findall(without_comments(text))]


def sections(path: Path, etc: Path) -> Sections:
    """Returns the settings of a file and of its includes, but for callrec's own; names in lower case."""
    found: Sections = {}
    current: dict[str, str] = {}
    for line in lines(path, etc):
        header = HEADER.match(line.text)
        if header:
            current = found.setdefault(header[1].strip().lower(), {})
        elif "=" in line.text:
            key, _, value = line.text.partition("=")
            current[key.strip().lower()] = value.removeprefix(">").strip()
    return found


def lines(path: Path, etc: Path, within: tuple[Path, ...] = ()) -> Iterator[Line]:
    """Yields the lines of a file, those of its includes in their place, but for callrec's own."""
    for number, text in enumerate(without_comments(text_of(path)).split("\n"), 1):
        target = INCLUDE.match(text.strip())
        if not target:
            yield Line(path, number, text.strip().replace("\\;", ";"))
        elif len(within) < DEPTH:
            for each in named(etc, target[1]):
                if each not in (path, *within):
                    yield from lines(each, etc, (*within, path))


def included(path: Path, etc: Path, within: tuple[Path, ...] = ()) -> Iterator[str]:
    """Yields what a file and its includes include, as it is written there."""
    for text in without_comments(text_of(path)).split("\n"):
        if target := INCLUDE.match(text.strip()):
            yield target[1]
            for each in named(etc, target[1]) if len(within) < DEPTH else ():
                if each not in (path, *within):
                    yield from included(each, etc, (*within, path))


def named(etc: Path, pattern: str) -> list[Path]:
    """Returns the files that an #include names, but for callrec's own.

    What lies in Asterisk's usual folder lies in this one: it may be a copy.
    """
    pattern = pattern.removeprefix(USUAL)
    root = Path("/") if pattern.startswith("/") else etc
    found = (root / each for each in glob.glob(pattern.lstrip("/"), root_dir=root))  # noqa: PTH207 (any pattern)
    return sorted(each for each in found if each.parent != etc / FOLDER)
