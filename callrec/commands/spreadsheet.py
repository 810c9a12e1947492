"""Writes lists as CSV that a spreadsheet opens by a double click, in Japan too: UTF-8 with a mark that says
so, moments as it reads them, hidden signs written out, and no cell that it takes for a formula."""

from __future__ import annotations

import csv
import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from callrec.cells import safe
from callrec.dates import spoken
from callrec.visible import visible


def head(keys: Sequence[str]) -> bytes:
    """Returns what a file of these columns begins with."""
    return BOM_UTF8 + _line(keys)


def lines(rows: Iterable[Mapping[str, Any]], keys: Sequence[str], zone: ZoneInfo | None) -> bytes:
    """Returns a line for each row. Moments are those of `zone`; without one, in their own."""
    return b"".join(_line([_cell(row.get(key), zone) for key in keys]) for row in rows)


def _line(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any, zone: ZoneInfo | None) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return safe(visible(_text(value, zone)))


def _text(value: Any, zone: ZoneInfo | None) -> object:
    if isinstance(value, datetime):
        return spoken(value, zone) if zone else value.isoformat()
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
