"""Which PBX has which name in this catalogue, and which controller had it last (decision 21)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import tables
from callrec.catalogue.rows import RowReader
from callrec.catalogue.writing import upsert


@dataclass(frozen=True, slots=True)
class KnownPbx:
    """The PBX of a name: by what it is told from others, when its controller last saw it, and who that is."""

    name: str
    identity: str
    seen_at: datetime
    epoch: int
    owner: str
    machine: str


_read = RowReader(KnownPbx, "pbxs", "name")


def find(connection: sa.Connection, name: str) -> KnownPbx | None:
    """Returns the PBX that has this name; None where none had it yet. Raises CatalogueDamaged."""
    row = connection.execute(sa.select(tables.pbxs).where(tables.pbxs.c.name == name)).first()
    return _read(row, lambda row: row._asdict()) if row else None


def save(connection: sa.Connection, pbx: KnownPbx) -> None:
    """Writes that this PBX has its name."""
    values = asdict(pbx)
    upsert(connection, tables.pbxs, {"name": values.pop("name")}, values)


def has_call(connection: sa.Connection, name: str, linkedid: str, since: datetime, channel: str = "") -> bool:
    """Returns whether there is a row of a call of this PBX with this linked id, which began since then and in
    which a `channel` took part, if one is named."""
    calls = tables.calls.c
    rows = connection.execute(sa.select(calls.details).where(calls.started_at >= since)).scalars()
    told = [each for each in rows if isinstance(each, dict)]
    found = [each for each in told if (each.get("pbx"), each.get("linkedid")) == (name, linkedid)]
    return any(not channel or channel in _channels(each) for each in found)


def _channels(details: dict[str, Any]) -> list[Any]:
    """Returns the channels that took part in a call; none of one whose row makes no sense."""
    told = details.get("participants")
    return [each.get("channel") for each in told if isinstance(each, dict)] if isinstance(told, list) else []
