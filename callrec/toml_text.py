"""Reads TOML as people save it: with or without a byte order mark. What is no TOML is said with its line.

For callrec.toml, the list of announcements, and files of an office.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

from callrec.errors import CallrecError, Sentence, WrongUsage

Names = tuple[str, ...]
"""A key with those of the tables around it, from the outermost on."""
KINDS: dict[tuple[str, ...], str] = {
    ("Cannot", "Duplicate"): "a name is there twice",
    (
        "Illegal character '\\n'",
        "Illegal character '\\r'",
        "Unterminated",
        "Expected \"'",
        "Found invalid character '\\n'",
    ): ("a text is not closed: it ends with the sign it begins with"),
    ("Illegal character", "Found invalid"): "there is a sign that no text has",
    ("Unescaped '\\'", "Invalid hex", "Escaped"): "write \\ as \\\\, or the text between ' and '",
    ("Invalid value",): "what stands there is no value: write texts between quotes",
    ("Invalid date",): "there is no such date",
    ("Unclosed",): "a list or a table is not closed",
    ("",): "write name = value, and texts between quotes",
}
"""What is wrong, by how tomllib begins to say it."""
MOST = 10**100
"""TOML has numbers of 64 bits. Larger ones are a matter of whoever reads them, but not all that large."""
_LINE = re.compile(r"\(at line (\d+), column \d+\)$")
_DEEP, _LONG = (
    re.compile(r"(?:[\[{]\s*|\w+\s*[.=]\s*){100}"),
    re.compile(r"0x[0-9a-fA-F_]{80}|0o[0-7_]{100}|0b[01_]{300}|[0-9_]{100}"),
)
_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]")
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_LONG_SIGNS = ('"' * 3, "'" * 3)
_LONG_TEXT = re.compile(r"(\"{3}|'{3}).*?\1", re.DOTALL)


def read(path: Path, refuse: type[CallrecError] = WrongUsage) -> dict[str, Any]:
    """Returns what a TOML file says. Raises `refuse`, and OSError where it cannot be read."""
    return parse(decoded(path.read_bytes(), path, refuse), path, refuse)


def decoded(data: bytes, path: Path, refuse: type[CallrecError] = WrongUsage) -> str:
    """Returns the text of a file, without its byte order mark. Raises `refuse` where it is not UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse("{path} is not UTF-8, as TOML files are", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse("{place} is not UTF-8, as TOML files are", place=place(path, line)) from error


def parse(text: str, path: Path | None = None, refuse: type[CallrecError] = WrongUsage) -> dict[str, Any]:
    """Returns what a text of TOML says. Raises `refuse` with the line of what is wrong."""
    try:
        return _with_short_numbers(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line, why = _told(text, str(error))
    except RecursionError:
        line, why = _line_with(text, _DEEP), Sentence("it is nested too deep")
    except ValueError:  # Python, too, reads none of more than 4300 digits
        line, why = _line_with(text, _LONG), Sentence("a number has too many digits")
    raise refuse("{place} is not TOML: {problem}", place=place(path, line), problem=why) from None


def place(path: Path | None, line: int | None) -> Sentence:
    """Returns how a line of a file is named."""
    if path is None:
        return Sentence("line {line}", line=line)
    return Sentence("{path}, line {line}", path=path, line=line) if line else Sentence("{path}", path=path)


def lines_of(text: str) -> dict[Names, int]:
    """Returns on which line each table and each key of a TOML text is set."""
    table: Names = ()
    lines = {}
    short = _LONG_TEXT.sub(_breaks, text) if any(sign in text for sign in _LONG_SIGNS) else text
    for number, line in enumerate(short.split("\n"), 1):
        if line.startswith("#"):  # as most lines of callrec.toml
            continue
        if header := _HEADER.match(line):
            table = _parts(header[1])
            lines[table] = number
        elif key := _KEY.match(line):
            lines[*table, *_parts(key[1])] = number
    return lines


def line_of(lines: dict[Names, int], keys: Names) -> int | None:
    """Returns the line on which a key is set, else that of its table; None: neither is."""
    whole_first = (keys[:count] for count in range(len(keys), 0, -1))
    return next((lines[names] for names in whole_first if names in lines), None)


def _parts(name: str) -> Names:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _breaks(long_text: re.Match[str]) -> str:
    return "\n" * long_text[0].count("\n")


def _with_short_numbers(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document. Raises ValueError for a whole number of which no message could tell."""

    def check(value: object) -> None:
        if isinstance(value, int) and abs(value) > MOST:
            raise ValueError
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(each)

    check(document)
    return document


def _told(text: str, said: str) -> tuple[int, Sentence]:
    """Returns the line and the kind of what tomllib says; without a line it has come to the end."""
    found = _LINE.search(said)
    line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
    return line, Sentence(next(words for begins, words in KINDS.items() if said.startswith(begins)))


def _line_with(text: str, pattern: re.Pattern[str]) -> int:
    found = pattern.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 1
