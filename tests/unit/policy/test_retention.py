"""Until when a recording is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callrec.policy.retention import LONGEST_DAYS, counted_from, retain_until
from tests.unit.samples import DECISION, END


def test_an_incident_keeps_the_longer_of_both() -> None:
    assert retain_until(DECISION, END) == END + timedelta(days=90)
    assert retain_until(DECISION, END, incident=True) == END + timedelta(days=1827)
    assert retain_until(replace(DECISION, retain_days=2000), END, incident=True) == END + timedelta(days=2000)


def test_a_decision_beyond_the_calendar_is_kept_for_as_long_as_can_be_written() -> None:
    for days in (9999 * 366, 99_999_999_999):
        assert retain_until(replace(DECISION, retain_days=days), END) == END + timedelta(days=LONGEST_DAYS)


@pytest.mark.parametrize(
    "ended_at", [datetime(1970, 1, 1, 0, 5, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)]
)
def test_days_are_counted_from_now_where_no_call_can_have_ended_then(ended_at: datetime) -> None:
    """A PBX that booted in 1970 had recordings whose time was over before they were archived."""
    assert counted_from(ended_at, END) == END


def test_days_are_counted_from_the_end_however_late_it_is_archived() -> None:
    assert counted_from(END, END + timedelta(days=30)) == END
    assert counted_from(END, END - timedelta(seconds=30)) == END, "clocks differ by that"
