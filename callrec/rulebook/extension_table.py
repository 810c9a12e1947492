"""Reads extensions out of a table, as spreadsheets write it: CSV in UTF-8, with or without BOM, or in CP932,
with commas, semicolons or tabs between the cells. In which encoding it is, is told in `encodings`.

Columns: number, facility (its code or its name), name, kind (phone or service), aliases (other endpoints that
are its phones, with commas or spaces between them); the last three may be missing.
A first line with these names, or with Japanese ones, gives their order; every name in it must be known, so
that no column is left out unnoticed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from callrec.cells import plain
from callrec.errors import CallrecError, WrongEntries, WrongUsage
from callrec.model.office import Extension
from callrec.numbers import dialled
from callrec.policy.office import Office
from callrec.rulebook.encodings import decoded
from callrec.rulebook.entries import aliases, check_name, extension_number, known_facility
from callrec.texts import name_key, on_one_line

COLUMNS = ("number", "facility", "name", "kind", "aliases")
_COLUMN_NAMES = {
    "number": "number",
    "extension": "number",
    "番号": "number",
    "内線": "number",
    "内線番号": "number",
    "facility": "facility",
    "施設": "facility",
    "施設名": "facility",
    "施設名称": "facility",
    "施設コード": "facility",
    "name": "name",
    "名前": "name",
    "名称": "name",
    "内線名": "name",
    "内線名称": "name",
    "設置場所": "name",
    "kind": "kind",
    "種別": "kind",
    "種類": "kind",
    "aliases": "aliases",
    "alias": "aliases",
    "別名": "aliases",
    "エンドポイント": "aliases",
}
_NAMES = {name_key(name): column for name, column in _COLUMN_NAMES.items()}
_SEPARATORS = (",", "\t", ";")
_CHOICES = "number (内線番号), facility (施設), name (名前), kind (種別), aliases (別名)"
_KINDS = {
    name_key(name): service
    for service, names in (
        (False, ("", "phone", "電話機", "電話")),
        (True, ("service", "代表・グループ番号", "代表", "グループ", "サービス番号")),
    )
    for name in names
}


def parse(data: bytes, there: Office) -> list[Extension]:
    """Returns the extensions of a table. Raises WrongEntries with every line that is wrong, and why.

    Where a table has no column for name, kind or aliases, an extension that is `there` keeps its own. Raises
    WrongUsage for what is no such table, or has no extension in it.
    """
    lines: dict[str, int] = {}
    found: list[Extension] = []
    wrong: list[tuple[int, CallrecError]] = []
    for line, row in _rows(decoded(data)):
        try:
            extension = _extension(row, there)
            for name in (extension.number, *extension.aliases):
                _only_once(name, line, lines)
            found.append(extension)
        except CallrecError as error:
            wrong.append((line, error))
    if wrong:
        raise WrongEntries(wrong)
    if not found:
        raise WrongUsage("there is no extension in the file: write number,facility,name in each line")
    return found


def _only_once(name: str, line: int, lines: dict[str, int]) -> None:
    earlier = lines.setdefault(name, line)
    if earlier != line:
        raise WrongUsage("extension {number} is in line {line} already", number=name, line=earlier)


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the rows with the numbers of their lines, and their cells by column."""
    order: tuple[str, ...] | None = None
    for line, cells in _lines(text):
        if order is None:
            order = _order(cells) if _is_header(cells) else COLUMNS
            if order is not COLUMNS:
                continue
        yield line, _cells(cells, order)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines in which something stands, with their numbers."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    begins = 1
    try:
        for cells in reader:
            stripped = [plain(cell.strip()) for cell in cells]
            if any(stripped):
                yield reader.line_num, stripped
            begins = reader.line_num + 1
    except csv.Error as error:
        if "limit" in str(error):
            raise WrongUsage("a cell of line {line} is too long", line=reader.line_num) from error
        raise WrongUsage(
            "in line {line} a cell begins with a quotation mark and does not end with one", line=begins
        ) from error


def _separator(text: str) -> str:
    """Returns what stands between the cells: of the signs that can, the one that the first line has most."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(_SEPARATORS, key=unquoted.count)


def _is_header(cells: list[str]) -> bool:
    """Tells whether a line names columns: an extension has a number, and a header none."""
    return any(name_key(cell) in _NAMES for cell in cells) and not any(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    try:
        return dialled(cell) is not None
    except WrongUsage:  # it is several: told of with its line
        return True


def _order(header: list[str]) -> tuple[str, ...]:
    """Returns the columns in their order; "" is one without a name. Raises WrongUsage for unknown ones."""
    for cell in header:
        if cell and name_key(cell) not in _NAMES:
            raise WrongUsage(
                "the column {text} is unknown: write {choices}", text=on_one_line(cell), choices=_CHOICES
            )
    order = tuple(_NAMES.get(name_key(cell), "") for cell in header)
    for name in COLUMNS:
        if order.count(name) > 1:
            raise WrongUsage("the column {key} is there twice: leave one out", key=name)
    for name in ("number", "facility"):
        if name not in order:
            raise WrongUsage(
                "the first line names no column {key}: write {choices}", key=name, choices=_CHOICES
            )
    return order


def _cells(cells: list[str], order: tuple[str, ...]) -> dict[str, str]:
    row = dict(zip(order, cells, strict=False))
    return {**row, "too many": ",".join(filter(None, cells[len(order) :]))}


def _extension(row: Mapping[str, str], there: Office) -> Extension:
    if row["too many"]:
        raise WrongUsage("{text} is a column too many: write number,facility,name", text=row["too many"])
    if not row.get("number"):
        raise WrongUsage("{key} is missing", key="number")
    number = extension_number(row["number"])
    if not row.get("facility"):
        raise WrongUsage("{key} is missing", key="facility")
    facility = known_facility(row["facility"], there.facilities)
    known = there.extensions.get(number, Extension(number, facility))
    kind = row.get("kind", "service" if known.service else "phone")
    if name_key(kind) not in _KINDS:
        raise WrongUsage("{text} is none of {choices}", text=on_one_line(kind), choices="phone, service")
    name = row.get("name", known.name)
    check_name(name)
    also = row["aliases"].split() if "aliases" in row else known.aliases
    return Extension(number, facility, name, _KINDS[name_key(kind)], aliases(also))
