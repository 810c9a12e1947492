"""What waits in the spool, how much and since when; and when its disk will be full."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from callrec.health import backlog
from callrec.health.backlog import TOO_LONG, Overdue, Waits, backlogs
from callrec.health.disk_forecast import DiskForecast
from callrec.spool.directory import CAPTURED, Spool
from tests.unit.samples import RECORDING_ID, alert, call, captured_call


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path)
    made.hand_over(captured_call())
    (made.folder(RECORDING_ID) / "track.wav").write_bytes(b"x" * 1000)
    made.discard(captured_call(), whole=False)
    made.save_call(call())
    made.save_alert(alert())
    return made


def test_what_waits_is_counted_with_its_bytes_and_its_age(spool: Spool) -> None:
    found = {each.waits: each for each in backlogs(spool.directory)}
    assert {waits: each.count for waits, each in found.items()} == {
        **dict.fromkeys(Waits, 1),
        Waits.QUARANTINE: 0,
    }
    assert found[Waits.RECORDINGS].bytes > 1000 and found[Waits.RECORDINGS].oldest_at
    assert found[Waits.QUARANTINE].oldest_at is None
    spool.quarantine(RECORDING_ID)
    assert {each.waits: each.count for each in backlogs(spool.directory)}[Waits.QUARANTINE] == 1


def test_a_recording_waits_since_it_was_handed_over_whatever_is_tried_with_it(spool: Spool) -> None:
    captured = spool.folder(RECORDING_ID) / CAPTURED
    os.utime(captured, (1000.0, 1000.0))
    (spool.folder(RECORDING_ID) / "0-staff.wav").write_bytes(b"fetched again")
    (spool.directory / "recordings" / "of a crash").mkdir()
    (found,) = [each for each in backlogs(spool.directory) if each.waits is Waits.RECORDINGS]
    assert found.count == 1 and found.oldest_at == datetime.fromtimestamp(1000, UTC)


def test_what_waits_for_too_long_is_a_problem_whatever_the_clock_says(spool: Spool) -> None:
    now = [0.0]
    overdue = Overdue(spool.directory, lambda: now[0])
    assert not overdue.problems()
    now[0] = TOO_LONG[Waits.CALLS]
    assert len(overdue.problems()) == 2, "the call and the discard"
    spool.save_call(call(id="01a20000-0000-7000-8000-00000000000b"))
    now[0] = TOO_LONG[Waits.RECORDINGS] - 1
    assert len(overdue.problems()) == 2
    now[0] += 1
    assert any(str(each).startswith("1 recordings have not been archived") for each in overdue.problems())
    spool.remove_discard(RECORDING_ID)
    assert not any("nobody wanted" in str(each) for each in overdue.problems())


def test_a_spool_that_is_gone_has_nothing(tmp_path: Path) -> None:
    assert not Overdue(tmp_path / "gone").problems()
    assert all(each.count == 0 for each in backlogs(tmp_path / "gone"))


def _looked(samples: list[tuple[float, int]]) -> DiskForecast:
    now = [0.0, 0]
    forecast = DiskForecast(lambda: int(now[1]), lambda: now[0])
    for now[0], now[1] in samples:
        forecast.look()
    return forecast


def test_a_disk_that_fills_is_told_before_it_is_full() -> None:
    hour = [(minute * 60.0, 100_000_000_000 - minute * 100_000_000) for minute in range(61)]
    forecast = _looked(hour)
    assert forecast.full_in() == pytest.approx((100_000 - 6000) / 100 * 60)
    assert "full in 15 hours" in str(forecast.problems()[0])


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [(0.0, 10**9)],
        [(0.0, 10**9), (600.0, 10**8)],
        [(0.0, 10**9), (3600.0, 10**9)],
        [(0.0, 10**8), (3600.0, 10**9)],
        [(0.0, 10**12), (3600.0, 10**12 - 10**9)],
    ],
    ids=["never looked", "once", "for ten minutes", "as it was", "more room", "in weeks"],
)
def test_a_disk_that_will_last_is_no_problem(samples: list[tuple[float, int]]) -> None:
    assert not _looked(samples).problems()


def test_samples_are_taken_once_a_minute_and_for_an_hour() -> None:
    forecast = _looked([(second * 0.5, 10**9) for second in range(2 * 3600 * 2)])
    assert len(forecast._samples) == 61 and forecast._samples[0][0] == 3600 - 60


def _looks(
    monkeypatch: pytest.MonkeyPatch, spool: Spool, took: Callable[[int], float], times: int, every: float
) -> list[float]:
    """Returns when it looked, each time for `took` seconds, where it is asked so often."""
    now, looks, entries = [0.0], list[float](), backlog._entries

    def slow(folder: Path, waits: Waits) -> Iterator[Path]:
        if waits is Waits.RECORDINGS:
            looks.append(now[0])
            now[0] += took(len(looks))
        return entries(folder, waits)

    monkeypatch.setattr(backlog, "_entries", slow)
    overdue = Overdue(spool.directory, lambda: now[0])
    for _ in range(times):
        overdue.problems()
        now[0] += every
    return looks


def test_where_so_much_waits_that_a_look_takes_long_it_looks_seldom(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = _looks(monkeypatch, spool, lambda number: 0.1, times=40, every=0.5)
    assert len(looks) <= 11, "a twentieth of the time, not a fifth"
    assert all(later - sooner < 2.6 for sooner, later in pairwise(looks))


def test_a_look_that_stood_still_is_not_the_last_for_long(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = _looks(monkeypatch, spool, lambda number: 600.0 if number == 1 else 0.0, times=3, every=60.0)
    assert len(looks) >= 2
