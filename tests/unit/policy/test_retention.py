"""Until when a recording is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from callrec.policy.retention import LONGEST_DAYS, retain_until
from tests.unit.samples import DECISION, END


def test_an_incident_keeps_the_longer_of_both() -> None:
    assert retain_until(DECISION, END) == END + timedelta(days=90)
    assert retain_until(DECISION, END, incident=True) == END + timedelta(days=1827)
    assert retain_until(replace(DECISION, retain_days=2000), END, incident=True) == END + timedelta(days=2000)


def test_a_decision_beyond_the_calendar_is_kept_for_as_long_as_can_be_written() -> None:
    for days in (9999 * 366, 99_999_999_999):
        assert retain_until(replace(DECISION, retain_days=days), END) == END + timedelta(days=LONGEST_DAYS)
