"""Extensions out of a table, as spreadsheets write it: CSV in UTF-8, with or without BOM, or in CP932.

Columns: number, facility (its code or its name), name, kind (phone or service); the last two may be
missing. A first line with these names, or with Japanese ones, gives their order.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from callrec.errors import CallrecError, NotFound, WrongEntries, WrongUsage
from callrec.model import Extension, Facility
from callrec.policy.entries import check_name, extension_number
from callrec.policy.office import Office

COLUMNS = ("number", "facility", "name", "kind")
_NAMES = {
    "number": "number",
    "extension": "number",
    "番号": "number",
    "内線": "number",
    "内線番号": "number",
    "facility": "facility",
    "施設": "facility",
    "施設コード": "facility",
    "name": "name",
    "名前": "name",
    "名称": "name",
    "kind": "kind",
    "種別": "kind",
}
_KINDS = {"": False, "phone": False, "電話機": False, "service": True, "サービス番号": True}


def parse(data: bytes, there: Office) -> list[Extension]:
    """The extensions of a table. Raises WrongEntries with every line that is wrong, and why.

    Where a table has no column for name or kind, an extension that is `there` keeps its own.
    """
    lines: dict[str, int] = {}
    found: list[Extension] = []
    wrong: list[tuple[int, CallrecError]] = []
    for line, row in _rows(_decoded(data)):
        try:
            extension = _extension(row, there)
            _only_once(extension.number, line, lines)
            found.append(extension)
        except CallrecError as error:
            wrong.append((line, error))
    if wrong:
        raise WrongEntries(wrong)
    if not found:
        raise WrongUsage("there is no extension in the file: write number,facility,name in each line")
    return found


def _only_once(number: str, line: int, lines: dict[str, int]) -> None:
    earlier = lines.setdefault(number, line)
    if earlier != line:
        raise WrongUsage("extension {number} is in line {line} already", number=number, line=earlier)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise WrongUsage("the file is neither UTF-8 nor Shift_JIS (CP932): save it as CSV UTF-8")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with the numbers of their lines, and their cells by column."""
    reader = csv.reader(io.StringIO(text, newline=""))
    order: tuple[str, ...] | None = None
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            continue
        if order is None:
            header = tuple(_NAMES.get(cell.lower(), "") for cell in stripped)
            order = header if "number" in header and "facility" in header else COLUMNS
            if order is header:
                continue
        yield reader.line_num, _cells(stripped, order)


def _cells(cells: list[str], order: tuple[str, ...]) -> dict[str, str]:
    row = dict(zip(order, cells, strict=False))
    return {**row, "too many": "".join(cells[len(order) :])}


def _extension(row: Mapping[str, str], there: Office) -> Extension:
    if row["too many"]:
        raise WrongUsage("{text} is a column too many: write number,facility,name", text=row["too many"])
    if not row.get("number"):
        raise WrongUsage("{key} is missing", key="number")
    number = extension_number(row["number"])
    facility = _facility(row.get("facility", ""), there.facilities)
    known = there.extensions.get(number, Extension(number, facility))
    kind = row.get("kind", "service" if known.service else "phone").lower()
    if kind not in _KINDS:
        raise WrongUsage("{text} is none of {choices}", text=kind, choices="phone, service")
    name = row.get("name", known.name)
    check_name(name)
    return Extension(number, facility, name, _KINDS[kind])


def _facility(text: str, facilities: Mapping[str, Facility]) -> str:
    """The code of a facility that was written with its code or its name."""
    if not text:
        raise WrongUsage("{key} is missing", key="facility")
    codes = [code for code, each in facilities.items() if text in (code, each.name)]
    if text in codes:
        return text
    if len(codes) != 1:
        raise NotFound("there is no facility {code}: see callrec facility list", code=text)
    return codes[0]
