"""Measures what becomes of a key in a recording, and when: pressed in a real call, found in what was
recorded.

For bench.promptness.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from bench import targets
from bench.parts import kept, milliseconds
from callrec.demo.softphones import Sound
from tests.integration.call_paths import inbound
from tests.integration.ears import Ears
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import Samples

NUMBER = "0333310002"
LOUD = 50
STOP = "`*4` → last sample"
PAUSE, RESUME = "`*5` → silence in the recording", "`*5` again → sound"
KEYS = {STOP: targets.STOP, PAUSE: targets.PAUSE, RESUME: targets.PAUSE}
"""What is measured, and its target in seconds."""


def measure_keys(system: SystemUnderTest) -> dict[str, float]:
    """Starts, pauses, resumes and stops one manual recording; returns the ms from each key to its effect."""
    begin = system.app.now
    with system.rule("manual"):
        caller = system.caller(NUMBER).dial("2101", Sound(500))
        staff = system.phone("2101").pick_up(Sound(1000))
        for key in ("*1", "*5", "*5", "*4"):
            talk_for([staff, caller], 0.5)
            staff.press(key)
            talk_for([staff, caller], 1.0)
        caller.hangup()
        found = system.recording_of("+81" + NUMBER[1:], begin)
        system.wait_until_clean()
    _, pause, resume, stop = (press.at for press in found.call.key_presses)
    (segment,) = system.manifest(kept(found))["capture"]["segments"]
    heard = system.listen(kept(found))
    zero = min(datetime.fromisoformat(segment[side]["started_at"]) for side in ("external", "staff"))
    quiet = [_pause(track, heard.rate) for track in (heard.external, heard.staff)]
    silent, loud = (max(edges) for edges in zip(*quiet, strict=True))
    # Tracks are placed to some milliseconds: what a key does may seem to be there before it.
    return {
        STOP: milliseconds(stop, zero + timedelta(seconds=heard.seconds)),
        PAUSE: abs(milliseconds(pause, zero + timedelta(seconds=silent))),
        RESUME: abs(milliseconds(resume, zero + timedelta(seconds=loud))),
    }


def _pause(track: Samples, rate: int) -> tuple[float, float]:
    """Returns from when to when the longest silence between sounds lasts, in seconds."""
    loud = np.flatnonzero(np.abs(track.astype(int)) >= LOUD)
    longest = int(np.argmax(np.diff(loud)))
    return float(loud[longest]) / rate, float(loud[longest + 1]) / rate


def measure_press_clock(system: SystemUnderTest) -> float:
    """Returns how many ms the PBX's two accounts of one press are apart, while callrec is away."""
    assert system.demo.controller is not None
    system.wait_for_rules()  # it cannot take them up while it is away
    system.demo.controller.stop()
    try:
        with Ears(system) as ears, system.app.astdb() as astdb:
            staff, _ = inbound(system)
            staff.press("*1")
            press = ears.told("keep", "2101")
            id_ = press.fields["Id"]
            written = eventually(lambda: astdb.tree("callrec-key").get(id_), what="writing the press down")
            astdb.delete("callrec-key", [id_])
        system.hang_up_all()
    finally:
        system.demo.start_controller()
    return abs(float(written.split("|")[3]) - press.at.timestamp()) * 1000
