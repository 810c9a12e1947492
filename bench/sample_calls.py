"""Makes one call at a time and tells how long what happens in it takes, for bench.latency: recorded by
callrec, and by what the PBX has of its own.

One PBX has both: numbers in its dialplan without the gate dial a phone whose rule is `never`.
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path

from bench.parts import kept, milliseconds
from bench.phones import CallTimes, Phones
from bench.phones.sounds import RATE
from callrec.catalogue import finding
from callrec.catalogue.finding import SearchHit
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery
from tests.integration.system import SystemUnderTest, eventually
from tests.integration.times import first_sample

MANUAL, AUTOMATIC, NEVER = "2101", "2102", "2201"
BARE, MIXMONITOR, AUTOMIXMON = "3001", "3002", "3003"
RULES = [
    {"mode": mode, "scope": "extension", "target": number}
    for number, mode in ((MANUAL, "manual"), (AUTOMATIC, "automatic"), (NEVER, "never"))
]
DIALPLAN = f"""
[from-outside](+)
exten => {BARE},1,Dial(PJSIP/{NEVER},30,tT)
exten => {MIXMONITOR},1,MixMonitor(${{UNIQUEID}}.wav,b)
 same => n,Dial(PJSIP/{NEVER},30,tT)
exten => {AUTOMIXMON},1,Dial(PJSIP/{NEVER},30,tTx)
"""
FEATURES = "\n[featuremap](+)\nautomixmon => *3\n"
HERTZ = 880.0
"""The first tone after a key that began a recording."""
KEYS_MS = 220.0
"""How long two digits take to press: 80 ms each, 60 ms between."""
HEADER = 44
"""Bytes before the samples of a WAV; the last of them are its length."""
LOOK_SECONDS = 0.0005
TALK_SECONDS = 0.3

DIALLED_TO_SAMPLE = "dialled → first sample, by the length of what is recorded"
TO_SAMPLE = "bridge → first sample"
RINGS = "dialled → ringing"
KEYS_TO_FILE = "first digit → the recording's file"
KEY_TO_SAMPLE = "last digit → first sample"
KEY_TO_TONE = "last digit → tone heard"


class SampleCalls:
    """The calls of one system, with its cheap phones. Figures are in ms."""

    def __init__(self, system: SystemUnderTest, phones: Phones) -> None:
        self._system, self._phones = system, phones
        spool = system.demo.pbx.home / "spool"
        self._callrec, self._monitor = spool / "recording", spool / "monitor"

    def prepare(self) -> None:
        """Adds the numbers without callrec to the dialplan."""
        pbx = self._system.demo.pbx
        for name, text in (("extensions.conf", DIALPLAN), ("features.conf", FEATURES)):
            with (pbx.home / "etc" / name).open("a") as file:
                file.write(text)
        pbx.cli("dialplan reload")
        pbx.cli("module reload features")
        self._monitor.mkdir(exist_ok=True)

    def automatic(self) -> dict[str, float]:
        (call,) = self._phones.begin(1, number=AUTOMATIC)
        times = self._over(call)
        found = self.found(times.number)
        return {
            TO_SAMPLE: milliseconds(found.call.answered_at, self._first_sample(found)),
            DIALLED_TO_SAMPLE: _until_sample(times, kept(found).duration_s),
        }

    def manual(self) -> dict[str, float]:
        (call,) = self._phones.begin(1, number=MANUAL, sound="silence")
        before = _files(self._callrec)
        self._phones.listen(call, "staff", HERTZ)
        self._phones.press(call, "*1")
        at = _appeared(self._callrec, before)
        times = self._over(call)
        found = self.found(times.number)
        pressed = times.staff.digit_end
        return {
            KEYS_TO_FILE: (at - pressed) * 1000 + KEYS_MS,
            KEY_TO_SAMPLE: (self._first_sample(found).timestamp() - pressed) * 1000,
            KEY_TO_TONE: (times.staff.tone_heard - pressed) * 1000,
        }

    def never(self) -> dict[str, float]:
        return self._without(NEVER)

    def bare(self) -> dict[str, float]:
        return self._without(BARE)

    def mixmonitor(self) -> dict[str, float]:
        before = _files(self._monitor)
        (call,) = self._phones.begin(1, number=MIXMONITOR)
        times = self._over(call)
        (path,) = _files(self._monitor) - before
        eventually(lambda: is_closed(Path(path)), what="the end of the file")
        seconds = (Path(path).stat().st_size - HEADER) / (2 * RATE)
        return {DIALLED_TO_SAMPLE: _until_sample(times, seconds)}

    def automixmon(self) -> dict[str, float]:
        (call,) = self._phones.begin(1, number=AUTOMIXMON, sound="silence")
        before = _files(self._monitor)
        self._phones.press(call, "*3")
        at = _appeared(self._monitor, before)
        return {KEYS_TO_FILE: (at - self._over(call).staff.digit_end) * 1000 + KEYS_MS}

    def found(self, number: str, seconds: float = 60.0) -> SearchHit:
        """Returns what a search finds of the caller's call, once its recording is archived."""
        wanted = SearchQuery(number=self._system.app.office().dialled(number))

        def look() -> SearchHit | None:
            with self._system.app.database.read() as connection:
                hits = finding.search(connection, wanted, reach=EVERYWHERE)
            return hits[0] if hits and hits[0].recording else None

        deadline = time.monotonic() + seconds
        while (hit := look()) is None:
            assert time.monotonic() < deadline, f"the recording of {number} is not found"
            time.sleep(0.003)
        return hit

    def _first_sample(self, found: SearchHit) -> datetime:
        """Returns from when both tracks of a recording are recorded, as its manifest has it."""
        key = kept(found).manifest_key
        manifest = self._system.s3.get_object(Bucket=self._system.demo.s3.bucket, Key=key)["Body"].read()
        return first_sample(json.loads(manifest)["capture"]["segments"][0])

    def _without(self, number: str) -> dict[str, float]:
        (call,) = self._phones.begin(1, number=number)
        return {RINGS: _rings(self._over(call))}

    def _over(self, call: int) -> CallTimes:
        """Lets a call talk for a moment and hangs up; returns when what happened, once it is over."""
        self._phones.wait_answered([call])
        time.sleep(TALK_SECONDS)
        self._phones.hang_up(call)
        return eventually(lambda: self._if_ended(call), what="the end of the call")

    def _if_ended(self, call: int) -> CallTimes | None:
        (times,) = self._phones.times(call)
        return times if times.ended else None


def is_closed(track: Path) -> bool:
    """Returns whether the PBX has written the length of a WAV: what it does at the end."""
    with track.open("rb") as file:
        return file.read(HEADER)[-4:] > bytes(4)


def _until_sample(times: CallTimes, recorded: float) -> float:
    """Returns how long after it was dialled the recording of a call began, when it has so many seconds."""
    return (times.ended - times.invited - recorded) * 1000


def _rings(times: CallTimes) -> float:
    return (times.ringing - times.invited) * 1000


def _files(folder: Path) -> set[str]:
    return {f"{place}/{each}" for place, _, files in os.walk(folder) for each in files}


def _appeared(folder: Path, before: set[str], seconds: float = 20.0) -> float:
    """Returns when a file is in a folder that was not there before, by time.time()."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _files(folder) - before:
            return time.time()
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"nothing was recorded in {folder} within {seconds:g} s")
