"""callrec custody verify and anchor, as somebody asks for them who goes through the desk."""

from __future__ import annotations

import json

import pytest

from callrec.catalogue import custody
from callrec.model.access import Role
from tests.tampering import altered
from tests.unit.desk.server_thread import ThroughDesk
from tests.unit.fakes import MemoryStore


@pytest.fixture
def desk(through_desk: ThroughDesk) -> ThroughDesk:
    """The desk of an office with a bucket, and something in its log."""
    vars(through_desk.app)["store"] = MemoryStore()
    through_desk.grant(Role.AUDITOR)
    _enter(through_desk, 3)
    return through_desk


def _enter(desk: ThroughDesk, count: int) -> None:
    with desk.app.database.begin() as connection:
        for _ in range(count):
            custody.append(connection, "", "refused", who="nobody", at=desk.app.now)


def _cut(desk: ThroughDesk) -> None:
    with desk.app.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("DELETE FROM custody WHERE seq > 1")


def test_without_anchors_nothing_outside_says_so(desk: ThroughDesk) -> None:
    done = desk("custody", "verify")
    assert done.code == 1 and "make an anchor" in done.complaint


def test_an_anchor_by_hand(desk: ThroughDesk) -> None:
    done = desk("custody", "anchor")
    assert done.code == 0 and "the custody log stands at row 3; 0 manifests" in done.out
    key = desk("custody", "anchor", "--quiet").out.strip()
    assert key.startswith("anchors/") and key.endswith(".2.json")
    _enter(desk, 2)
    done = desk("custody", "verify")
    assert done.code == 0, done.complaint
    assert "the custody log has 5 rows, and 2 anchors" in done.out
    assert "stands at row 3; 2 rows since are under no anchor yet" in done.out


def test_what_is_wrong_and_what_is_known(desk: ThroughDesk) -> None:
    key = desk("custody", "anchor", "--quiet").out.strip()
    _cut(desk)
    done = desk("custody", "verify", "--json")
    assert done.code == 5 and "1 things are wrong" in done.complaint
    (row,) = json.loads(done.out)
    assert row["anchors"] == [key] and row["known"] is None
    assert row["problem"].startswith("rows 2 to 3 are gone from the end of the custody log, after ")
    assert desk("custody", "anchor").code == 0 and desk("custody", "verify").code == 5
    done = desk("custody", "anchor", "--note", "切り替え")
    assert done.code == 0 and "known by its note: rows 2 to 3 are gone" in done.out
    done = desk("custody", "verify", "--json")
    assert done.code == 0
    (row,) = json.loads(done.out)
    assert row["known"]["note"] == "切り替え" and row["known"]["anchor"].endswith(".3.json")
    assert "切り替え" in desk("custody", "verify").out
    assert desk("custody", "verify", "--csv").out.startswith("\ufeffanchors,problem,known")


def test_a_note_that_is_too_long(desk: ThroughDesk) -> None:
    assert desk("custody", "anchor", "--note", "x" * 1001).code == 2
    assert not vars(desk.app)["store"].objects


def test_only_auditors_of_all_facilities(through_desk: ThroughDesk) -> None:
    for command in ("verify", "anchor"):
        assert through_desk("custody", command).code == 4
    through_desk.grant(Role.AUDITOR, facilities=["shiba"])
    for command in ("verify", "anchor"):
        done = through_desk("custody", command)
        assert done.code == 4 and f"for all facilities for callrec custody {command}" in done.complaint
