"""Reads the PBX's own records of calls (CDR), as its module cdr_csv writes them into a file.

A file, and not AMI: AMI tells a record once, when it is written, and nobody listens while callrec is away.
`loguniqueid = yes` in cdr.conf has each record name its channel; without it moments are compared.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from callrec.errors import NotFound, Unreachable
from callrec.failures import told
from callrec.health.differences import DetailRecord

_FIELDS = 16
"""accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start, answer, end,
duration, billsec, disposition, amaflags; then uniqueid and userfield, where they are logged."""
_SECOND_HALF = re.compile("Local/.*;2")


def read(path: Path, zone: ZoneInfo, begin: datetime, end: datetime) -> list[DetailRecord]:
    """Returns the records of calls between two parties that were answered in a half-open span.

    Lines that make no sense are passed over. Times without a zone are in `zone`, that of the PBX's machine.
    Raises NotFound where there is no such file, Unreachable where it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            found = [each for row in _rows(file) if (each := _record(row, zone))]
    except FileNotFoundError:
        raise NotFound(
            "there is no {path}: load cdr_csv.so on the PBX, or set pbx.cdr_file", path=path
        ) from None
    except OSError as error:
        raise Unreachable("{path} cannot be read ({problem})", path=path, problem=told(error)) from error
    return [each for each in found if begin <= each.started_at < end]


def _rows(lines: Iterable[str]) -> Iterator[list[str]]:
    reader = csv.reader(line.replace("\0", "") for line in lines)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue


def _record(row: list[str], zone: ZoneInfo) -> DetailRecord | None:
    """Returns what a row says; None of a call that nobody answered, that has one party only, or of none, and
    of the second half of a Local channel: whoever has dialled that has a record, too (a queue, a group)."""
    if len(row) < _FIELDS or row[14] != "ANSWERED" or not row[6] or _SECOND_HALF.fullmatch(row[5]):
        return None
    try:
        started_at = datetime.fromisoformat(row[9])
        seconds = int(row[13])
    except ValueError:
        return None
    at = started_at.replace(tzinfo=zone) if started_at.tzinfo is None else started_at
    channel = row[16] if len(row) > _FIELDS else ""
    return DetailRecord(channel, at.astimezone(UTC), row[1], row[2], seconds)
