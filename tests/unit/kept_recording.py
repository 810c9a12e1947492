"""A recording that is in the archive, without the sound: its row, and two objects in a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from callrec import account, ids
from callrec.catalogue import calls, hits, requests, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.requests import RequestKind
from callrec.policy.retention import retain_until
from tests.unit.fakes import LockingStore
from tests.unit.program import Done
from tests.unit.samples import DECISION, call

DAY = timedelta(days=1)


def archive(
    database: Database, store: LockingStore | None, began: datetime, *, facility: str = "shiba", **row: Any
) -> ArchivedRecording:
    """A recording of a call of 12 seconds, locked as long as its rule says."""
    made = call(id=ids.new(), facility=facility, started_at=began, ended_at=began + timedelta(seconds=12))
    id_, until = row.get("id") or ids.new(), retain_until(DECISION, began + timedelta(seconds=12))
    key = f"recordings/{facility}/{id_}.flac"
    values = {"id": id_, "call_id": made.id, "started_at": began, "duration_s": 12.0, "key": key}
    values |= {"kept_because": "automatic", "incident": False, "announced": True, "state": "archived"}
    values |= {"hold": False, "retain_until": until, "retained_because": "rule", "size": 1}
    values |= {"sha256": "0" * 64, "manifest_sha256": "1" * 64}
    values |= {"version": "0", "manifest_version": "0"}
    with database.begin() as connection:
        calls.save_call(connection, made)
        connection.execute(tables.recordings.insert().values({**values, **row}))
        hits.rewrite(connection, made.id)
        kept = calls.find_recording(connection, id_)
    assert kept
    for each in (kept.key, kept.manifest_key):
        if store:
            store.put_over(each, b"x")
            store.locked[each, "0"] = ("governance", until.replace(microsecond=0))
    return kept


def now_of(database: Database, kept: ArchivedRecording) -> ArchivedRecording:
    """The same, as the catalogue has it by now."""
    with database.read() as connection:
        found = calls.find_recording(connection, kept.id)
    assert found
    return found


def request(database: Database, at: datetime, reach: Reach = EVERYWHERE) -> str:
    """A request that somebody opened; its number."""
    with database.begin() as connection:
        opened = requests.open_(
            connection,
            RequestKind.POLICE,
            for_whom="三田警察署",
            ground="",
            due=None,
            reach=reach,
            by="sato",
            at=at,
            year=2026,
        )
    return opened.number


def discarded(database: Database, began: datetime, at: datetime | None) -> str:
    """A call of which nothing was recorded, or nothing is left; its id."""
    made = replace(call(id=ids.new(), started_at=began), discarded_at=at)
    with database.begin() as connection:
        calls.save_call(connection, made)
    return made.id


def approved_request(office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, recording_id: str) -> str:
    """A request that sato opened, which lists a recording, and that somebody else approved; its number."""
    found = office("request", "open", "--kind", "police", "--for", "三田警察署", "--quiet").out.strip()
    assert office("request", "add", found, recording_id).code == 0
    monkeypatch.setattr(account, "acting", lambda: "tanaka")
    assert office("request", "approve", found).code == 0
    monkeypatch.setattr(account, "acting", lambda: "sato")
    return found
