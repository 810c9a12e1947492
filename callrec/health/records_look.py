"""Asks the PBX's own records of the last days which of their calls nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from callrec.catalogue import reconciling
from callrec.catalogue.database import Database
from callrec.fallback import journal
from callrec.health import detail_records, differences
from callrec.health.differences import Difference
from callrec.spool.directory import Spool

DAYS = timedelta(days=2)
AROUND = timedelta(days=1)
"""How long before its record a call can have begun that has it."""
WRITTEN_WITHIN = timedelta(minutes=1)
"""A call that began so lately may be known to nobody yet."""


class AstDb(Protocol):
    """What is asked of a PBX's own database (AstDB)."""

    def tree(self, family: str) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class RecordsParts:
    """What is compared. `zone` is that of the PBX's machine."""

    file: Path
    zone: ZoneInfo
    astdb: Callable[[], AbstractContextManager[AstDb]]
    spool: Spool
    database: Database


def look(parts: RecordsParts, now: datetime) -> list[Difference]:
    """Returns which calls of the PBX's own records of yesterday and today nobody knows. Raises CallrecError
    where a part does not answer, and OSError where the spool's disk does not."""
    end = now - WRITTEN_WITHIN
    records = detail_records.read(parts.file, parts.zone, end - DAYS, end)
    # In this order: what the dialplan wrote down goes into the spool, and from there into the catalogue.
    with parts.astdb() as database:
        lines = database.tree(journal.FAMILY)
    known = parts.spool.every_call()
    with parts.database.read() as connection:
        known += reconciling.calls_between(connection, end - DAYS - AROUND, now)
    channels = {each.channel for call in known for each in call.participants}
    channels |= {call.linkedid for call in known}
    channels |= {field for line in lines.items() for value in line for field in re.split("[|&]", value)}
    begins = tuple(call.started_at for call in known)
    return differences.of_records(records, frozenset(channels), begins)
