"""Announcements during which somebody hangs up or transfers: none counts that was not heard to its end.

What a party outside has not heard to its end is said again, by whoever talks with that party.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import soundfile

from callrec.demo.softphones import Sound, Talk
from tests.integration.call_paths import NUMBER, OTHER_HZ, STAFF_HZ, Pair
from tests.integration.odd_paths import only_recording
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as
from tests.integration.untroubled import untroubled
from tests.listen import Samples, hears, hears_no, hears_to_the_end, is_silent, likeness, voiced

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
NOT_TO_ITS_END, TO_ITS_END = "not heard to its end", "heard to its end"
SPOKEN_SECONDS = 4.5
"""Longer than the announcement in English."""


def _announced(system: SystemUnderTest) -> Pair:
    """2102 has answered, and both hear the announcement; 2102 is silent."""
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    staff = system.phone("2102").pick_up()
    eventually(lambda: not is_silent(outside.heard()), what="the announcement")
    return staff, outside


def _prompt(system: SystemUnderTest) -> Samples:
    return voiced(soundfile.read(system.app.library.directory / "en" / "notice.wav", dtype="int16")[0])


def _is_complete(system: SystemUnderTest) -> bool:
    told = [each.call.announcements for each in system.app.spool.checkpoints()]
    return any(each.complete for announcements in told for each in announcements)


def _is_announced(system: SystemUnderTest) -> bool:
    """Whether an announcement is under way."""
    return any(each.is_own and "-say" in each.id for each in system.app.pbx.channels())


@pytest.mark.parametrize("seconds", [0.0, 0.8], ids=["at its first sound", "within it"])
@pytest.mark.parametrize("who", ["staff", "caller"])
def test_a_hangup_during_an_announcement(
    system: SystemUnderTest, begin: datetime, who: str, seconds: float
) -> None:
    with untroubled(system), system.rule("automatic", announce="on-start", languages=("en",)):
        staff, outside = _announced(system)
        if seconds:
            staff.press("*1")
            talk_for([outside], seconds)
        (staff if who == "staff" else outside).hangup()
        call, kept, heard = only_recording(system, begin)
    assert [each.complete for each in call.announcements] == [False] and not call.notes
    (told,) = system.manifest(kept)["call"]["announcements"]
    assert not told["complete"] and told["in_recording"] is None and not kept.announced
    shown = system.callrec("show", call.id).stdout
    assert NOT_TO_ITS_END in shown
    as_long_as(heard, talk_seconds(call))
    if seconds:  # else there is too little to be listened to
        assert hears(heard.external, heard.rate, OTHER_HZ) and not is_silent(heard.staff)
    assert [each.result for each in call.key_presses] == (["marked"] if seconds else [])


def test_a_hangup_in_the_second_language_before_the_phone_rings(
    system: SystemUnderTest, begin: datetime
) -> None:
    with untroubled(system), system.rule("automatic", announce="before-connect", languages=("en", "ja")):
        caller = system.caller(NUMBER).dial("2101")
        talk_for([caller], SPOKEN_SECONDS + 0.5)
        caller.hangup()
        call = system.call_of("+81" + NUMBER[1:], begin)
    assert call.outcome == "unanswered" and not call.notes
    assert [(each.language, each.complete) for each in call.announcements] == [("en", True), ("ja", False)]
    shown = system.callrec("show", call.id).stdout
    assert NOT_TO_ITS_END in shown and f"notice (en), {TO_ITS_END}" in shown


@pytest.mark.parametrize("who", ["staff", "caller"])
def test_a_hold_during_an_announcement(system: SystemUnderTest, begin: datetime, who: str) -> None:
    """It is broken off, and said again once the call is taken up: nobody hears it on hold."""
    with untroubled(system), system.rule("automatic", announce="on-start", languages=("en",)):
        staff, outside = _announced(system)
        holding, waiting = (staff, outside) if who == "staff" else (outside, staff)
        holding.hold()
        eventually(lambda: not _is_announced(system), what="the end of the announcement")
        talk_for([waiting], 1.0)
        holding.resume()
        since = len(outside.heard())
        eventually(lambda: _is_complete(system), what="the whole announcement")
        outside.hangup()
        call, kept, heard = only_recording(system, begin)
    cut_short, whole = call.announcements
    assert not cut_short.complete and not cut_short.in_recording
    assert whole.complete and whole.in_recording and kept.announced and not call.notes
    for sound in (outside.heard()[since:], heard.staff):
        assert likeness(_prompt(system), sound) > 0.8
    shown = system.callrec("show", call.id).stdout
    assert NOT_TO_ITS_END in shown and f"notice (en), {TO_ITS_END}" in shown
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])


def _blind_by_refer(system: SystemUnderTest, staff: Talk) -> Talk:
    staff.transfer("2101")
    return system.phone("2101").pick_up()


def _blind_by_code(system: SystemUnderTest, staff: Talk) -> Talk:
    staff.press("##2101")
    return system.phone("2101").pick_up()


def _attended_by_refer(system: SystemUnderTest, staff: Talk) -> Talk:
    asking = system.phone("2102").dial("2101")
    asked = system.phone("2101").pick_up()
    asking.wait_established()
    staff.connect_with(asking)
    return asked


def _attended_by_code(seconds: float) -> Callable[[SystemUnderTest, Talk], Talk]:
    """After a talk of so long between the two."""

    def way(system: SystemUnderTest, staff: Talk) -> Talk:
        staff.press("*22101")
        asked = system.phone("2101").pick_up()
        talk_for([staff, asked], seconds)
        staff.hangup()
        return asked

    return way


def _who_is_asked_is_busy(system: SystemUnderTest, staff: Talk) -> Talk:
    staff.press("*22101")
    system.phone("2101").wait_ring().reject()
    return staff


WAYS: dict[str, tuple[Callable[[SystemUnderTest, Talk], Talk], str]] = {
    "blind by REFER": (_blind_by_refer, "2101"),
    "blind by code": (_blind_by_code, "2101"),
    "attended by REFER": (_attended_by_refer, "2101"),
    "attended by code": (_attended_by_code(0.4), "2101"),
    "attended by code, after a talk": (_attended_by_code(SPOKEN_SECONDS), "2101"),
    "back from a consultation": (_who_is_asked_is_busy, "2102"),
}
"""Each with who talks at the end."""


@pytest.mark.parametrize("way", WAYS)
def test_a_transfer_during_an_announcement(system: SystemUnderTest, begin: datetime, way: str) -> None:
    move, last = WAYS[way]
    rule = {"direction": "inbound", "announce": "on-start", "languages": ("en",)}
    with untroubled(system), system.rule("automatic", **rule):
        staff, outside = _announced(system)
        at_the_end = move(system, staff)
        since = len(outside.heard())
        eventually(lambda: _is_complete(system), what="the whole announcement")
        at_the_end.sound = Sound(STAFF_HZ)
        at_the_end.press("*1")
        talk_for([at_the_end, outside], 1.0)
        outside.hangup()
        call, kept, heard = only_recording(system, begin)
    *cut_short, whole = call.announcements
    assert cut_short and not any(each.complete or each.in_recording for each in cut_short)
    assert whole.complete and whole.in_recording and kept.announced and not call.notes
    assert likeness(_prompt(system), outside.heard()[since:]) > 0.8, "the party outside heard all of it"
    assert likeness(_prompt(system), heard.staff) > 0.8
    shown = system.callrec("show", call.id).stdout
    assert shown.count(NOT_TO_ITS_END) == len(cut_short) and f"notice (en), {TO_ITS_END}" in shown
    assert [(each.result, each.extension) for each in call.key_presses] == [("marked", last)]
    assert hears_to_the_end(heard.staff, heard.rate, STAFF_HZ)
    assert hears_no(heard.external, heard.rate, STAFF_HZ)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
