"""Runs the program in this process with input that may be bad, and says what is wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from callrec.commands import main
from tests import reference
from tests.bad_input import command_lines, places, texts
from tests.bad_input.places import Place

CODES = {0, 1, 2, 3, 4, 5}
_ENGLISH = re.compile(r"(?:[a-z']+ ){3,}[a-z']+")
_KANA = re.compile("[ぁ-んァ-ヶ]")
_FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SECRET = "geheim"
OWN = ("c.db-", "spool/lock", "spool/version-", "spool/office.json", "spool/status.json")
"""What a run may leave in any case."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    line: list[str]
    place: Place
    code: object
    out: str
    err: str
    before: dict[str, object]
    after: dict[str, object]

    def wrong(self) -> str:
        """Returns what is wrong; empty where nothing is."""
        return next((found for check in CHECKS if (found := check(self))), "")


def _code(ended: Ended) -> str:
    return "" if ended.code in CODES else f"exit code {ended.code}"


def _one_line(ended: Ended) -> str:
    lines = [each for each in ended.err.splitlines() if each.startswith("callrec: ")]
    if "Traceback" in ended.err or "a bug" in ended.err or "不具合" in ended.err:
        return "a bug"
    return "" if ended.code == 0 or len(lines) == 1 else "not one line of error"


def _language(ended: Ended) -> str:
    """Errors are in the language of the person, and hold no sentence of a library. The log is English."""
    if ended.code == 0 or ended.place.language == "en":
        return ""
    told = "\n".join(line for line in ended.err.splitlines() if not line.startswith("{"))
    english = next((each for each in _ENGLISH.findall(told) if not _may_be_english(each, ended)), "")
    return "" if _KANA.search(told) and not english else f"not in Japanese: {english}"


def _may_be_english(words: str, ended: Ended) -> bool:
    """Returns whether words are a command to type, or were given."""
    given = [*ended.line, *ended.place.environment.values(), *texts.NASTY]
    typed = words.removeprefix("callrec ") in reference.commands()
    in_files = words.encode() in b"".join(ended.place.files.values())
    return typed or in_files or any(words in each for each in given)


def _signs(ended: Ended) -> str:
    found = [
        sign
        for sign in ended.out + ended.err
        if unicodedata.category(sign) in _FORBIDDEN and sign not in "\n\r\ufeff"
    ]
    return f"the sign {found[0]!a}" if found else ""


def _secret(ended: Ended) -> str:
    return "a secret" if SECRET in ended.out + ended.err else ""


def _unchanged(ended: Ended) -> str:
    changed = [
        name
        for name in sorted({*ended.before, *ended.after})
        if ended.before.get(name) != ended.after.get(name)
    ]
    return f"changed {changed}" if changed and ended.code != 0 else ""


def _for_programs(ended: Ended) -> str:
    """What programs read is whole: JSON of ASCII."""
    if ended.code != 0 or "--json" not in ended.line or {"--csv", "--help"} & {*ended.line}:
        return ""
    try:
        json.loads(ended.out)
    except ValueError as error:
        return f"no JSON: {error}"
    return "" if ended.out.isascii() else "JSON that is not ASCII"


CHECKS: tuple[Callable[[Ended], str], ...] = (
    _code,
    _one_line,
    _signs,
    _secret,
    _language,
    _unchanged,
    _for_programs,
)


class Trials:
    """Runs that can be had again by their seeds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commands = command_lines.commands()
        with tempfile.TemporaryDirectory(dir=folder) as made:
            self._whole, self._ids = places.whole(Path(made))

    def run(self, seed: int) -> Ended:
        chance = Random(seed)
        words = chance.choice(list(self._commands))
        line = command_lines.command_line(chance, words, self._commands[words], self._ids)
        place = places.place(chance, self._whole, self._folder, words)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            place.lay_out(Path(folder))
            before = _look(Path(folder))
            code, out, err = _run(line, place, Path(folder))
            return Ended(line, place, code, out, err, before, _look(Path(folder)))


def _run(line: list[str], place: Place, folder: Path) -> tuple[object, str, str]:
    out, err = _stream("strict"), _stream("backslashreplace")
    with _in(folder, place), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(line)
            code: object = "none"
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException as error:
            code = repr(error)
    return code, _said(out), _said(err)


def _stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", errors, newline="", write_through=True)


def _said(stream: io.TextIOWrapper) -> str:
    buffer: Any = stream.buffer
    return str(buffer.getvalue(), "utf-8", "surrogateescape")


@contextlib.contextmanager
def _in(folder: Path, place: Place) -> Iterator[None]:
    before, here, umask = dict(os.environ), Path.cwd(), os.umask(0o022)
    stdin = sys.stdin
    try:
        sys.stdin = io.StringIO("")
        os.chdir(folder)
        os.environ.update({"CALLREC_LANG": place.language, "HOME": str(folder), **place.environment})
        yield
    finally:
        os.chdir(here)
        os.umask(umask)
        sys.stdin = stdin
        os.environ.clear()
        os.environ.update(before)


def _look(folder: Path) -> dict[str, object]:
    """Returns what is in a folder: of the database its rows, of other files their bytes.

    What the spool is set up with is no change.
    """
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(OWN):
            found[name] = _rows(path) if name == "c.db" else path.read_bytes()
    return found


def _is_attempt(statement: str) -> bool:
    """Returns whether a row of the custody log says only what somebody was refused, or wanted to do."""
    return statement.startswith('INSERT INTO "custody"') and (
        "'refused'" in statement or "'to-be-" in statement
    )


def _rows(path: Path) -> object:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return [each for each in connection.iterdump() if not _is_attempt(each)]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return path.read_bytes()
