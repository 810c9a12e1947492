"""What may be destroyed in one run, and by which clocks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callrec.catalogue.destructions import DueRecording
from callrec.errors import Refused
from callrec.lifecycle.destruction import Outcome, counted, decide, limit, require_clocks, require_few
from callrec.model.captures import RetainedBecause
from tests.unit.samples import END

NOW = END + timedelta(days=100)
DUE = DueRecording(
    id="r",
    facility="shiba",
    rule=1,
    version=2,
    ended_at=END,
    because=RetainedBecause.RULE,
    retain_until=NOW,
    held=False,
    begun=False,
    sha256="",
    manifest_sha256="",
    key="r.flac",
    manifest_key="r.manifest.json",
    archived="1",
    manifest_archived="1",
)


def _due(**changes: object) -> DueRecording:
    return DueRecording(**{**{name: getattr(DUE, name) for name in DUE.__slots__}, **changes})


@pytest.mark.parametrize(
    ("at_most", "archived", "allowed"),
    [
        ("20%", 0, 1000),
        ("20%", 5000, 1000),
        ("20%", 5009, 1001),
        ("100%", 3000, 3000),
        ("1%", 10**6, 10**4),
        ("500", 10**6, 500),
        ("1", 0, 1),
    ],
)
def test_a_share_allows_a_thousand_and_a_number_itself(at_most: str, archived: int, allowed: int) -> None:
    assert limit(at_most, archived) == allowed


def test_more_than_that_is_refused_but_not_what_was_begun_or_stays() -> None:
    few = [_due(), _due(begun=True), _due(held=True), _due(retain_until=NOW + timedelta(seconds=1))]
    require_few(decide(few, NOW), "1", 9)
    with pytest.raises(Refused, match=r"2 recordings would be destroyed, of 9, .* --yes-all"):
        require_few(decide([*few, _due()], NOW), "1", 9)


def test_a_second_before_its_time_it_stays() -> None:
    (before,), (after,) = decide([_due()], NOW - timedelta(seconds=1)), decide([_due()], NOW)
    assert (before.outcome, after.outcome) == (Outcome.LOCKED, Outcome.WOULD_DESTROY)


def test_they_are_counted_by_facility_rule_and_outcome() -> None:
    some = [_due(), _due(held=True), _due(), _due(facility=None, rule=None), _due(version=3)]
    found = [
        (each.recording.facility, each.recording.rule, each.recording.version, each.outcome.value, count)
        for each, count in counted(decide(some, NOW))
    ]
    assert found == [
        (None, None, 2, "would-destroy", 1),
        ("shiba", 1, 2, "held", 1),
        ("shiba", 1, 2, "would-destroy", 2),
        ("shiba", 1, 3, "would-destroy", 1),
    ]


DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.mark.parametrize(("newest", "store"), [(None, NOW), (NOW, NOW + DAY), (NOW - DAY, NOW - DAY)])
def test_clocks_that_agree(newest: object, store: object) -> None:
    require_clocks(NOW, newest, store)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("newest", "store", "said"),
    [
        (NOW + timedelta(seconds=1), NOW, "behind the custody log"),
        (None, NOW + DAY + MINUTE, "more than a day apart"),
        (NOW, NOW - DAY - MINUTE, "more than a day apart"),
    ],
)
def test_clocks_that_do_not(newest: object, store: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        require_clocks(NOW, newest, store)  # type: ignore[arg-type]


@pytest.mark.parametrize("away", [DAY + MINUTE, -DAY - MINUTE])
def test_a_database_whose_clock_is_of_another_day(away: timedelta) -> None:
    require_clocks(NOW, NOW, NOW, NOW + DAY)
    with pytest.raises(Refused, match="of the database"):
        require_clocks(NOW, NOW, NOW, NOW + away)
