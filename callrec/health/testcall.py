"""Makes a call without a phone, and looks whether it came all the way: seen, recorded, archived, verified,
and heard.

Each half of the call plays a tone of its own; the recording must have one on each side, and not the other.
The call is recorded whatever the rules say, under the facility that is tested, and `callrec purge` destroys
it as any other when its own short time is over.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from callrec import ids
from callrec.archive.store import Store
from callrec.catalogue import calls, reconciling
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import CallrecError, CheckFailed
from callrec.evidence.verification import Verifier
from callrec.health.testcalls import TestCallResult
from callrec.model.calls import CallRecord
from callrec.spool.sound import EXTERNAL_CHANNEL, STAFF_CHANNEL

OUTSIDE_HZ, STAFF_HZ = 500.0, 1000.0
"""What the dialplan's callrec-testphone plays on each side."""
LEAST_S = 2.0
"""A recording that is shorter has not all of the call, which lasts five seconds."""
MOST_SECONDS = 90.0
"""How long it may take until the recording is archived."""
POLL_SECONDS = 0.25
SHARE = 0.5
"""How much of the power of a side must be its tone; of the other tone a hundredth is too much."""
PREFIX = "testcall-"
"""How the ids of test calls on the PBX begin."""


class Pbx(Protocol):
    """What makes a call on the PBX. Refusals and silence are CallrecErrors."""

    def testcall(self, channel_id: str, facility: str) -> None: ...


@dataclass(frozen=True, slots=True)
class TestCaller:
    """Makes test calls. `clock` is callrec's, `sleep` waits so many seconds."""

    pbx: Pbx
    database: Database
    store: Callable[[], Store]
    verifier: Callable[[], Verifier]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    __test__ = False  # pytest collects what is named so

    def call(self, facility: str) -> TestCallResult:
        """Makes one test call, and returns how it went. A part that does not answer is a result too."""
        begin, started = self.clock(), time.monotonic()
        recordings, problem = list[str](), ""
        try:
            recordings.extend(self._steps(facility, begin))
        except CallrecError as error:
            problem = str(error)
        took, ok = round(time.monotonic() - started, 1), not problem
        recording = recordings[0] if recordings else ""
        return TestCallResult(facility, begin, ok, problem, recording, took, begin if ok else None)

    def _steps(self, facility: str, begin: datetime) -> Iterator[str]:
        """Yields the recording's id as soon as there is one. Raises CallrecError for what went wrong."""
        id_ = f"{PREFIX}{ids.new()}"
        self.pbx.testcall(id_, facility)
        seconds = round(MOST_SECONDS)
        unseen = CheckFailed(
            "after {seconds} s no call of it is in the catalogue: see callrec status",
            seconds=seconds,
        )
        call = self._wait(lambda: self._call_of(id_, begin), unseen)
        away = CheckFailed(
            "after {seconds} s its recording is not in the archive: see callrec status", seconds=seconds
        )
        kept = self._wait(lambda: self._recording_of(call), away)
        yield kept.id
        if call.facility != facility or not call.is_test:
            raise CheckFailed("the call was filed under {facility}", facility=call.facility or "—")
        found = self.verifier().verify(kept.id, decode=True)
        if found.problems:
            raise CheckFailed("it does not verify: {problem}", problem=found.problems[0])
        listen(b"".join(self.store().read(kept.key, kept.version)))

    def _wait(self, look: Callable[[], Any], missing: CheckFailed) -> Any:
        deadline = time.monotonic() + MOST_SECONDS
        while not (found := look()):
            if time.monotonic() > deadline:
                raise missing
            self.sleep(POLL_SECONDS)
        return found

    def _call_of(self, linkedid: str, begin: datetime) -> CallRecord | None:
        around = timedelta(days=1)  # by the PBX's clock
        with self.database.read() as connection:
            found = reconciling.calls_between(connection, begin - around, begin + around, test=True)
        return next((each for each in found if each.linkedid == linkedid), None)

    def _recording_of(self, call: CallRecord) -> ArchivedRecording | None:
        with self.database.read() as connection:
            found = calls.archived_of(connection, call.id)
            return calls.find_recording(connection, found[0]) if found else None


def listen(flac: bytes) -> None:
    """Raises CheckFailed unless each side of a recording has its own tone, and not the other's."""
    try:
        sound, rate = soundfile.read(io.BytesIO(flac), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise CheckFailed("its sound cannot be read: {problem}", problem=error) from error
    if len(sound) < LEAST_S * rate:
        raise CheckFailed("its sound is too short: {seconds} s", seconds=round(len(sound) / rate, 1))
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    sides = ((EXTERNAL_CHANNEL, OUTSIDE_HZ, STAFF_HZ), (STAFF_CHANNEL, STAFF_HZ, OUTSIDE_HZ))
    for channel, own, other in sides:
        track = middle[:, channel]
        if share(track, rate, own) < SHARE or share(track, rate, other) > SHARE / 100:
            raise CheckFailed(
                "its tone of {hertz} Hz is not heard where it belongs: is the PBX's sound one-sided?",
                hertz=round(own),
            )


def share(track: NDArray[np.floating[Any]], rate: int, hertz: float) -> float:
    """Returns how much of the power of a track lies within 20 Hz of a frequency, from 0 to 1."""
    power = np.abs(np.fft.rfft(track * np.hanning(len(track)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(track), 1 / rate) - hertz) <= 20
    return float(power[near].sum() / (power.sum() or 1.0))


def facilities_to_test(codes: Iterable[str], unassigned: str, *, every: bool) -> list[str]:
    """Returns the codes of the facilities that are tested: all of them, or the first; where there are none,
    the one that stands for none."""
    known = sorted(codes) or [unassigned]
    return known if every else known[:1]
