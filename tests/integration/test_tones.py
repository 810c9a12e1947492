"""The tones of keys on a real PBX: staff hear them, the caller does not, and no recording holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import numpy as np
import pytest
import soundfile

from callrec.demo.softphones import Talk
from callrec.model.calls import KeyResult
from callrec.model.prompts import RATES
from callrec.model.tones import FOLDER, TONES, name_of, seconds
from callrec.pbx.transport import AriRefused
from tests.integration.system import WIDEBAND_PHONE, SystemUnderTest, eventually, talk_for
from tests.listen import AUDIBLE, Samples, is_silent, likeness

SNOOP = "callrec.tones-of-a-test"
QUIET_SECONDS = 0.2
"""Longer than the gaps within a tone."""
ALIKE = 0.6
"""Another tone that has a step in common comes to about a half."""
RESULTS = {name_of(result): result for result in KeyResult}


@contextmanager
def whispering_to(system: SystemUnderTest, extension: str) -> Iterator[None]:
    """A snoop through which the phone of an extension hears what is played, and nobody else."""
    (channel,) = [each.id for each in system.app.pbx.channels() if each.endpoint == extension]
    system.app.pbx.snoop(channel, SNOOP, whisper="out")
    try:
        yield
    finally:
        system.app.pbx.hang_up(SNOOP)


def nearest(system: SystemUnderTest, sound: Samples, rate: int) -> str:
    """The tone that a sound is most like; a phone that loses a packet makes it a little less so."""
    folder = system.app.library.directory / FOLDER
    shipped = {name: soundfile.read(folder / f"{name}.{RATES[rate]}", dtype="int16")[0] for name in TONES}
    alike = {name: likeness(tone, sound) for name, tone in shipped.items()}
    best = max(alike, key=lambda name: alike[name])
    assert alike[best] > ALIKE, alike
    return best


def played(system: SystemUnderTest, staff: Talk, effect: KeyResult) -> Samples:
    """What staff hear from the moment at which the tone is played until it is over, however late it comes."""
    before = len(staff.heard())
    eventually(lambda: accepted(system, effect), what="a snoop that is ready")
    least = int(staff.rate * (seconds(effect) + QUIET_SECONDS))
    quiet = int(staff.rate * QUIET_SECONDS)

    def is_over() -> bool:
        assert SNOOP in {each.id for each in system.app.pbx.channels()}, "the snoop is gone"
        heard = staff.heard()[before:]
        begun = np.flatnonzero(np.abs(heard) > AUDIBLE)[:1]
        return len(begun) > 0 and len(heard) - begun[0] > least and is_silent(heard[-quiet:])

    eventually(is_over, what=f"the tone of {effect}")
    return staff.heard()[before:]


def accepted(system: SystemUnderTest, effect: KeyResult) -> bool:
    """Whether the PBX takes the tone; a snoop is ready some milliseconds after it was made."""
    try:
        system.app.pbx.play(SNOOP, f"{SNOOP}-{effect}", [system.app.library.tones.media(effect)])
    except AriRefused:
        return False
    return True


@pytest.mark.alone
@pytest.mark.parametrize(
    ("system", "extension"), [("sqlite", "2101"), ("postgresql", WIDEBAND_PHONE)], indirect=["system"]
)
def test_each_tone_is_heard_by_staff_alone_and_not_recorded(
    system: SystemUnderTest, begin: datetime, extension: str
) -> None:
    """Each ends by itself: the next one on the same snoop would not be heard otherwise."""
    number = f"031116{extension}"
    with system.rule("automatic"):
        caller = system.caller(number).dial(extension)
        staff = system.phone(extension).pick_up()
        talk_for([staff, caller], 0.5)
        with whispering_to(system, extension):
            heard = {
                name: nearest(system, played(system, staff, effect), staff.rate)
                for name, effect in RESULTS.items()
            }
        caller.hangup()
        found = system.recording_of("+81" + number[1:], begin)
    assert heard == {name: name for name in RESULTS}
    assert is_silent(caller.heard())
    assert found.recording is not None
    recorded = system.listen(found.recording)
    assert recorded.seconds > 4 and is_silent(recorded.external) and is_silent(recorded.staff)
    system.wait_until_clean()
