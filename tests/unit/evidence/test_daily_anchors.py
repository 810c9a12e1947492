"""The controller makes an anchor each day of the office, and says when it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callrec.catalogue.database import Database
from callrec.errors import WrongConfiguration
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.daily_anchors import DailyAnchors
from tests.tampering import altered
from tests.told import told_by
from tests.unit.evidence.anchoring import DAY, TOKYO, Anchoring

HOUR = timedelta(hours=1)


@pytest.fixture
def anchoring(database: Database) -> Anchoring:
    made = Anchoring(database)
    made.archived()
    return made


@pytest.fixture
def daily(anchoring: Anchoring) -> DailyAnchors:
    return _daily(anchoring)


def _daily(anchoring: Anchoring) -> DailyAnchors:
    return DailyAnchors(lambda: anchoring.anchorer, lambda: None, "callrec", lambda: anchoring.at, TOKYO)


def _days(anchoring: Anchoring) -> list[str]:
    return [each.key.removeprefix("anchors/") for each in anchoring.log.all()]


def test_one_each_day_of_the_office(anchoring: Anchoring, daily: DailyAnchors) -> None:
    for _ in range(48):
        daily.work()
        anchoring.archived()
        anchoring.at += HOUR
    assert _days(anchoring) == ["2026/11/29.json", "2026/11/30.json", "2026/12/01.json"]
    made = [each.believed.made_at.astimezone(TOKYO).hour for each in anchoring.log.all()]
    assert made == [12, 0, 0], "as soon as the day begins"
    assert not told_by(daily)


def test_what_is_missing_is_made_after_a_start(anchoring: Anchoring, daily: DailyAnchors) -> None:
    daily.work()
    anchoring.at += DAY
    _daily(anchoring).work()
    _daily(anchoring).work()
    assert _days(anchoring) == ["2026/11/29.json", "2026/11/30.json"], "and not twice"


def test_an_anchor_by_hand_will_do(anchoring: Anchoring, daily: DailyAnchors) -> None:
    anchoring.anchor(AnchorReason.REQUEST)
    daily.work()
    assert _days(anchoring) == ["2026/11/29.json"]


def test_a_bucket_that_is_away_is_waited_for(anchoring: Anchoring, daily: DailyAnchors) -> None:
    anchoring.store.away = True
    pauses = []
    for _ in range(10):
        daily.work()
        pauses.append((daily._anchoring.due - anchoring.at).seconds)
        anchoring.at = daily._anchoring.due
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert not told_by(daily), "that the bucket is away is told by others"
    anchoring.at += DAY + HOUR
    daily.work()
    assert told_by(daily) == [
        "since 2026-11-29 12:00 the custody log could not be compared with its anchors: the store is away",
        "since 2026-11-29 12:00 no anchor of the custody log could be made: the store is away",
    ]
    anchoring.store.away = False
    anchoring.at += HOUR
    daily.work()
    assert not told_by(daily) and _days(anchoring) == ["2026/11/30.json"]


def test_it_is_overdue_since_the_day_after_the_newest(anchoring: Anchoring, daily: DailyAnchors) -> None:
    daily.work()
    anchoring.at += 3 * DAY
    anchoring.store.drops_locks = True
    daily.work()
    (problem,) = told_by(daily)
    assert problem.startswith("since 2026-11-30 00:00 no anchor") and "does not lock" in problem


def test_what_a_person_has_to_see_to_is_told_at_once(
    anchoring: Anchoring, daily: DailyAnchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise WrongConfiguration("the signing key is gone")

    monkeypatch.setattr(Anchorer, "_put", gone)
    daily.work()
    assert "the signing key is gone" in told_by(daily)[0]


def test_a_bug_ends_nothing(
    anchoring: Anchoring, daily: DailyAnchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Anchorer, "anchor", lambda *_: 1 / 0)
    daily.work()
    assert "ZeroDivisionError" in told_by(daily)[0]


def test_a_log_that_is_another_one_is_told(anchoring: Anchoring, daily: DailyAnchors) -> None:
    daily.work()
    with anchoring.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("DELETE FROM custody WHERE seq > 1")
    anchoring.at += 2 * HOUR
    daily.work()
    told = ["the custody log is not the one that anchors/2026/11/29.json has: see callrec custody verify"]
    assert told_by(daily) == told
    anchoring.at += DAY
    daily.work()
    assert told_by(daily) == told, "the next anchor does not make it good"
    known = ("anchors/2026/11/29.json",)
    anchoring.anchorer.anchor(AnchorReason.REQUEST, "root", anchoring.at, "failover", known)
    anchoring.at += 2 * HOUR
    daily.work()
    assert not told_by(daily)


def test_a_clock_that_was_wrong_does_not_end_it(anchoring: Anchoring, daily: DailyAnchors) -> None:
    anchoring.at += 3650 * DAY
    daily.work()
    anchoring.at -= 3650 * DAY
    for _ in range(3):
        daily.work()
        anchoring.at += DAY
    made = [each.believed.made_at.astimezone(TOKYO).date().isoformat() for each in anchoring.log.all()]
    assert made[1:] == ["2026-11-29", "2026-11-30", "2026-12-01"]
