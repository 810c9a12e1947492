"""Whose number is this: the snapshot of the office."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

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


PHONES = Office(
    extensions=[
        Extension("2101", "shiba", aliases=("2101-WS", "992101", "q7Zk", "DAHDI/34", "DAHDI/i2/0312345678")),
        Extension("6000", "shiba", service=True),
    ],
    lines=("33", "PJSIP/44"),
)


@pytest.mark.parametrize(
    ("channel", "extension"),
    [
        ("PJSIP/2101-0000002a", "2101"),
        ("PJSIP/2101-WS-0000002a", "2101"),
        ("PJSIP/992101-0000002a", "2101"),
        ("PJSIP/q7Zk-0000002a", "2101"),
        ("DAHDI/34-1", "2101"),
        ("PJSIP/2999-0000002a", "2999"),
        ("PJSIP/55-00000001", "55"),
        ("PJSIP/33-00000001", None),
        ("PJSIP/44-00000001", None),
        ("PJSIP/34-00000001", "34"),
        ("DAHDI/33-1", None),
        ("DAHDI/2101-1", None),
        ("DAHDI/i1/0312345678-1", None),
        ("DAHDI/i1/2101-5", None),
        ("IAX2/2101-16384", None),
        ("IAX2/2101-WS-16384", None),
        ("SIP/2101-00000001", None),
        ("SCCP/2101-00000001", None),
        ("Local/2101@from-phones-00000001;1", None),
        ("Local/2101-00000001;1", None),
        ("AsyncGoto/PJSIP/2101-00000001", None),
        ("PJSIP/2101-WS2-00000001", None),
        ("PJSIP/6000-00000001", None),
        ("PJSIP/anonymous-00000001", None),
        ("PJSIP/2101", None),
        ("2101", None),
        ("", None),
    ],
)
def test_whose_phone_a_channel_is(channel: str, extension: str | None) -> None:
    assert PHONES.extension_of(channel) == extension


def test_other_technologies_can_have_phones() -> None:
    other = Office([], PHONES.extensions.values(), technologies=("SIP", "SCCP"))
    assert other.extension_of("SIP/2101-00000001") == other.extension_of("SCCP/2101-WS-1") == "2101"
    assert other.extension_of("PJSIP/2101-00000001") is None


def test_a_service_number_has_a_facility_for_its_rules() -> None:
    assert OFFICE.facility_of("6000") == "shiba"
    assert OFFICE.facility_of("2999") == OFFICE.facility_of(None) == UNASSIGNED


def test_a_shift_moves_the_clock_of_decisions_and_nothing_else() -> None:
    shifted = Office(shift=timedelta(hours=9))
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert shifted.facts(Direction.INBOUND, ["2101"], None, at).at == at + timedelta(hours=9)
    assert Office().facts(Direction.INBOUND, ["2101"], None, at).at == at
