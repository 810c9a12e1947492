"""A test call that failed, or that nobody makes any more, is a problem."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from callrec.health.testcalls import TestCallResult, keep
from callrec.health.testcalls_due import WITHIN, TestCallsDue
from tests.unit.health.ill import NOON


def _told(spool: Path, hours: float) -> list[str]:
    return [str(each) for each in TestCallsDue(spool, lambda: NOON + timedelta(hours=hours)).problems()]


def test_an_office_that_makes_none_is_not_told(tmp_path: Path) -> None:
    assert _told(tmp_path, 1000) == []


def test_one_that_failed_is_told_until_one_goes_well(tmp_path: Path) -> None:
    keep(tmp_path, TestCallResult("shiba", NOON, False, "nothing was recorded"))
    keep(tmp_path, TestCallResult("azabu", NOON, True))
    assert _told(tmp_path, 1) == ["the test call of facility shiba failed: nothing was recorded"]
    keep(tmp_path, TestCallResult("shiba", NOON, True))
    assert _told(tmp_path, 1) == []


def test_one_that_was_not_made_today_is_told(tmp_path: Path) -> None:
    keep(tmp_path, TestCallResult("shiba", NOON, True))
    hours = WITHIN / timedelta(hours=1)
    assert _told(tmp_path, hours - 1) == []
    (told,) = _told(tmp_path, hours + 1)
    assert told.startswith("facility shiba has had no test call since 2026-11-29 12:00")
