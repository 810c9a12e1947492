"""Whose number is this: the snapshot of the office."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callrec.model.office import UNASSIGNED, Extension, Facility
from callrec.model.rules import Direction
from callrec.policy.office import Office

OFFICE = Office(
    [Facility("shiba", "芝")],
    [
        Extension("2101", "shiba"),
        *(Extension(each, "shiba", service=True) for each in ("6000", "0312345678")),
    ],
)


def test_phones_are_staff_and_so_is_what_looks_like_one() -> None:
    assert OFFICE.is_phone("2101") and OFFICE.is_phone("2999")
    assert not OFFICE.is_phone("trunk")


def test_a_line_to_the_outside_that_is_named_like_its_number_is_no_phone() -> None:
    """Otherwise every call over it would be one from phone to phone."""
    assert not OFFICE.is_phone("0312345678") and not OFFICE.is_phone("6000")


def test_a_service_number_has_a_facility_for_its_rules() -> None:
    assert OFFICE.facility_of("6000") == "shiba"
    assert OFFICE.facility_of("2999") == OFFICE.facility_of(None) == UNASSIGNED


def test_a_shift_moves_the_clock_of_decisions_and_nothing_else() -> None:
    shifted = Office(shift=timedelta(hours=9))
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert shifted.facts(Direction.INBOUND, ["2101"], None, at).at == at + timedelta(hours=9)
    assert Office().facts(Direction.INBOUND, ["2101"], None, at).at == at
