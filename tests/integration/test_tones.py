"""The tones of keys on a real PBX: staff hear them, the caller does not, and no recording holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from callrec.demo.agents import Talk
from callrec.model import Effect
from callrec.pbx.transport import AriRefused
from callrec.tones import NAMES, TONES, seconds
from tests.integration.stage import WIDEBAND_PHONE, Stage, eventually, talk_for
from tests.listen import Samples, amplitude, is_silent

SNOOP = "callrec.tones-of-a-test"
WINDOW_SECONDS = 0.06
EFFECTS = {name: effect for effect, name in NAMES.items()}


@contextmanager
def whispering_to(stage: Stage, extension: str) -> Iterator[None]:
    """A snoop through which the phone of an extension hears what is played, and nobody else."""
    (channel,) = [each.id for each in stage.app.pbx.channels() if each.endpoint == extension]
    stage.app.pbx.snoop(channel, SNOOP, whisper="out")
    try:
        yield
    finally:
        stage.app.pbx.hang_up(SNOOP)


def melody(sound: Samples, rate: int) -> list[int]:
    """The tones of the table that are in a sound, one after the other."""
    known = {hertz for steps in TONES.values() for hertz, _ in steps if hertz}
    size, heard = int(rate * WINDOW_SECONDS), [0]
    for begin in range(0, len(sound) - size, size // 6):
        piece = sound[begin : begin + size]
        loudness = {hertz: amplitude(piece, rate, hertz) for hertz in known}
        loudest = max(loudness, key=lambda hertz: loudness[hertz])
        now = loudest if loudness[loudest] > 3000 else 0
        if now != heard[-1]:
            heard.append(now)
    return [hertz for hertz in heard if hertz]


def played(stage: Stage, staff: Talk, effect: Effect) -> Samples:
    """What staff hear from the moment at which the tone is played until it is over."""
    before = len(staff.heard())
    eventually(lambda: accepted(stage, effect), 2, "a snoop that is ready")
    talk_for([staff], seconds(effect) + 0.4)
    return staff.heard()[before:]


def accepted(stage: Stage, effect: Effect) -> bool:
    """Whether the PBX takes the tone; a snoop is ready some milliseconds after it was made."""
    try:
        stage.app.pbx.play(SNOOP, f"{SNOOP}-{effect}", [stage.app.library.tones.media(effect)])
    except AriRefused:
        return False
    return True


@pytest.mark.alone
@pytest.mark.parametrize("extension", ["2101", WIDEBAND_PHONE])
def test_each_tone_is_heard_by_staff_alone_and_not_recorded(
    stage: Stage, begin: datetime, extension: str
) -> None:
    """Each ends by itself: the next one on the same snoop would not be heard otherwise."""
    number = f"031116{extension}"
    with stage.rule("automatic"):
        caller = stage.caller(number).dial(extension)
        staff = stage.phone(extension).pick_up()
        talk_for([staff, caller], 0.5)
        with whispering_to(stage, extension):
            heard = {
                name: melody(played(stage, staff, effect), staff.rate) for name, effect in EFFECTS.items()
            }
        caller.hangup()
        found = stage.recording_of("+81" + number[1:], begin)
    assert heard == {name: [hertz for hertz, _ in TONES[name] if hertz] for name in EFFECTS}
    assert is_silent(caller.heard())
    assert found.recording is not None
    recorded = stage.listen(found.recording)
    assert recorded.seconds > 4 and is_silent(recorded.external) and is_silent(recorded.staff)
    stage.wait_until_clean()
