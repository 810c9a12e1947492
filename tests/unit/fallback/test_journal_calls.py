"""What call a line of the journal tells of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callrec import ids
from callrec.fallback import journal, journal_calls
from callrec.model.calls import Outcome
from callrec.model.rules import Direction
from tests.scenarios.replay import PROMPT
from tests.unit.fallback.samples import (
    LINE,
    OPEN,
    call_of,
)
from tests.unit.samples import START


def test_a_line_of_the_journal_becomes_a_call_and_a_capture() -> None:
    line, call = call_of(LINE, lambda sound: PROMPT if sound.endswith("ja/notice") else None)
    assert (call.extension, call.number, call.facility) == ("2101", "+81312345678", "shiba")
    assert call.outcome is Outcome.ANSWERED and call.answered_at is not None and call.ended_at is not None
    assert call.ended_at - call.answered_at == timedelta(milliseconds=3001)
    assert [(each.language, each.complete) for each in call.announcements] == [("ja", True), ("", False)]
    assert "could not be played" not in str(call.notes), "it broke off"
    captured = journal_calls.captured_call(line, call)
    (segment,) = captured.capture.segments
    assert (segment.external.name, segment.staff.name) == (
        "callrec/fallback-demo-1.0-external",
        "callrec/fallback-demo-1.0-staff",
    )
    again = journal_calls.captured_call(*call_of(LINE))
    assert again.capture.recording_id == captured.capture.recording_id
    assert again.call.id == call.id, "read twice, it is the same call"


def test_what_the_dialplan_could_not_play_is_noted() -> None:
    _, call = call_of(LINE.replace("1795361040.0>FAILED", "1795361039.03>FAILED"))
    assert [each.complete for each in call.announcements] == [True, False]
    assert "announcement /p/en/notice could not be played by the PBX" in [each.text for each in call.notes]


def test_of_an_outbound_call_the_staff_is_the_caller() -> None:
    line, call = call_of(LINE.replace("inbound|", "outbound|").replace("|2101|1795", "|outside|1795"))
    captured = journal_calls.captured_call(line, call)
    assert call.direction is Direction.OUTBOUND
    assert captured.capture.segments[0].external.name.endswith("-external")
    assert [each.extension for each in call.participants] == ["2101", None]


def test_a_call_that_a_machine_makes_through_a_local_channel_is_that_of_the_phone() -> None:
    """Nobody has transferred it, though no phone is at that channel."""
    line = LINE.replace("inbound|", "outbound|").replace("|2101|1795", "|PJSIP/outside-00000002|1795")
    _, call = call_of(f"{line}|Local/2101@from-phones-00000001;1")
    assert (call.direction, call.extension, call.number) == (Direction.OUTBOUND, "2101", "+81312345678")
    assert not any("transferred" in each.text for each in call.notes)


def test_of_a_call_back_to_a_group_who_answered_counts() -> None:
    line = LINE.replace("inbound|2101|", "outbound|6100|").replace("|2101|1795", "|PJSIP/2201-00000002|1795")
    _, call = call_of(f"{line}|Local/0312345678@from-phones-00000001;1")
    assert (call.extension, call.number) == ("2201", "+81312345678")


def test_of_a_call_to_a_group_the_extension_that_answered_counts() -> None:
    _, call = call_of(LINE.replace("inbound|2101|", "inbound|6100|").replace("|2101|1795", "|2201|1795"))
    assert (call.extension, call.facility, call.dialled) == ("2201", "azabu", "6100")
    assert [each.extension for each in call.participants] == [None, "2201"]


@pytest.mark.parametrize("value", ["", "a|b", LINE + "|more", LINE.replace("1795361032.554923", "yesterday")])
def test_what_is_no_line_of_the_journal_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"fields|convert"):
        journal.parse("1.0", value)


@pytest.mark.parametrize(
    ("line", "extension", "number", "direction"),
    [
        ("outbound|0312340000|0398765432|PJSIP/2101-00000001", "2101", "+81398765432", "outbound"),
        ("outbound|2102|0398765432|PJSIP/2101-00000001", "2101", "+81398765432", "outbound"),
        ("outbound|2102|0398765432|PJSIP/outside-00000001", "2102", "+81398765432", "outbound"),
        ("internal|2102|0312340000|PJSIP/2101-00000001", "2102", "2101", "internal"),
        ("inbound|2101|2102|PJSIP/outside-00000001", "2101", "2102", "inbound"),
    ],
)
def test_who_calls_is_told_by_the_phone(line: str, extension: str, number: str, direction: str) -> None:
    *parties, name = line.split("|")
    value = "|".join([*parties, *OPEN.split("|")[3:-1], name])
    _, call = call_of(value)
    assert (call.extension, call.number, call.direction) == (extension, number, direction)


NAMES = st.text("ab1- .", min_size=1, max_size=6).map(str.strip).filter(bool)
CHANNELS = st.text("ab1-.", min_size=1, max_size=6)


@given(NAMES, CHANNELS, NAMES, CHANNELS)
@example("a", "b-1.0", "a b", "1.0")
def test_ids_of_two_pbxs_are_never_the_same(pbx: str, channel: str, other: str, others: str) -> None:
    """Though each counts its channels from 1, and both were started at the same moment."""
    same = (pbx, channel) == (other, others)
    for made in (ids.of_fallback_call, ids.of_fallback_recording):
        assert (made(pbx, channel, START) == made(other, others, START)) is same
