"""Measures how long after a hang-up a recording is verified in S3 and found by a search, for bench.latency;
beside it `aws s3 cp` of what MixMonitor would have recorded, which nobody verifies and nobody finds.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import targets
from bench.pairs import by_round, seconds
from bench.phones import Phones
from bench.phones.sounds import RATE
from bench.report import Ratio, Row, p95
from bench.sample_calls import AUTOMATIC, SampleCalls, is_closed
from tests.integration.system import SystemUnderTest, eventually, frozen
from tests.listen import Samples
from tests.unit.wave import write_wav

PART_FOUND = "found"
TEN_SECONDS, THREE_MINUTES, AN_HOUR = 10, 180, 3600
SHORT_CALLS, LONG_CALLS, HOURS = 40, 40, 8
"""How many hang-ups of each length are measured."""
HOUR_PATIENCE = 120.0
NAMES = {TEN_SECONDS: "10 s", THREE_MINUTES: "3 min", AN_HOUR: "60 min"}
GOALS = {
    TEN_SECONDS: targets.FOUND,
    THREE_MINUTES: targets.FOUND,
    AN_HOUR: targets.HOUR_FOUND,
}
PUT = "aws s3 cp of one WAV"


class Hangups:
    """The hang-ups of calls of 10 s, 3 minutes and an hour."""

    def __init__(self, system: SystemUnderTest, phones: Phones, calls: SampleCalls) -> None:
        self._system, self.phones, self._calls = system, phones, calls
        self._hour = _an_hour()
        with tempfile.TemporaryDirectory() as folder:
            write_wav(Path(folder) / "hour.wav", self._hour)
            self._hour_file = (Path(folder) / "hour.wav").read_bytes()

    def measure(self, *, quick: bool) -> tuple[list[Ratio], list[Row]]:
        """Measures all lengths, each beside a put of as much sound."""
        lengths = {TEN_SECONDS: SHORT_CALLS, THREE_MINUTES: LONG_CALLS, AN_HOUR: HOURS}
        if quick:
            lengths = {TEN_SECONDS: 3, AN_HOUR: 1}
        ratios, rows = [], []
        for length, count in lengths.items():
            print(f"{NAMES[length]}, {count} times …", flush=True)
            found, put = self._hours(count) if length == AN_HOUR else self._calls_of(length, count)
            what = f"hang-up after {NAMES[length]} → verified, and found by search"
            rows.append(Row(what, "s", GOALS[length], found, judged=p95))
            rows.append(Row(f"{PUT} of {NAMES[length]}", "s", None, put, judged=p95))
            ratios.append(Ratio(f"kept, {NAMES[length]}", of="callrec", to=PUT, values=by_round(found, put)))
        return ratios, rows

    def begin_hour(self) -> dict[str, float]:
        """Lets the controller begin to archive a recording of an hour."""
        self._over_after_an_hour()
        return {}

    def _calls_of(self, length: int, count: int) -> tuple[list[float], list[float]]:
        """Makes calls that overlap, and hangs up each when it has lasted so long."""
        gap = 1.0
        begun: list[tuple[int, float]] = []
        found: list[float] = []
        put: list[float] = []
        while len(found) < count:
            if len(begun) + len(found) < count and (not begun or time.monotonic() - begun[-1][1] >= gap):
                (call,) = self.phones.begin(1, number=AUTOMATIC, sound="speech", wait=False)
                begun.append((call, time.monotonic()))
            if begun and time.monotonic() - begun[0][1] >= length:
                call, _ = begun.pop(0)
                found.append(self._found(call))
                put.append(self._put(length))
            time.sleep(0.01)
        return found, put

    def _found(self, call: int) -> float:
        """Returns the seconds from the end of a call until its recording is found."""
        (times,) = self.phones.times(call)
        return seconds(lambda: self._hang_up_and_find(call, times.number))

    def _hang_up_and_find(self, call: int, number: str) -> None:
        self.phones.hang_up(call)
        self._calls.found(number, HOUR_PATIENCE)

    def _hours(self, count: int) -> tuple[list[float], list[float]]:
        both = [(self._found_after_an_hour(), self._put(AN_HOUR)) for _ in range(count)]
        return [each for each, _ in both], [each for _, each in both]

    def _found_after_an_hour(self) -> float:
        number = self._over_after_an_hour()
        return seconds(lambda: self._calls.found(number, HOUR_PATIENCE))

    def _over_after_an_hour(self) -> str:
        """Ends a call whose tracks, once the PBX has closed them, become as long as an hour. The controller
        stands still meanwhile, and hears of the end when that is done. Returns the caller's number."""
        before = self._tracks()
        (call,) = self.phones.begin(1, number=AUTOMATIC, sound="speech")
        tracks: set[Path] = eventually(lambda: _pair(self._tracks() - before), what="both tracks")
        (times,) = self.phones.times(call)
        with frozen(self._system.controller):
            self.phones.hang_up(call)
            eventually(lambda: all(map(is_closed, tracks)), what="the end of both tracks")
            for track in tracks:
                track.write_bytes(self._hour_file)
        return times.number

    def _tracks(self) -> set[Path]:
        return set((self._system.demo.pbx.home / "spool/recording").rglob("*.wav"))

    def _put(self, length: int) -> float:
        """Returns the seconds that the AWS command line takes to put so much sound."""
        s3, path = self._system.demo.s3, self._system.demo.home / "plain.wav"
        write_wav(path, self._hour[: length * RATE])
        put = ["aws", "--endpoint-url", s3.endpoint_url, "s3", "cp", "--quiet", str(path)]
        keys = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
        environment = {**os.environ, **keys, "AWS_DEFAULT_REGION": "us-east-1"}
        put.append(f"s3://{s3.bucket}/plain/{os.urandom(8).hex()}.wav")
        return seconds(lambda: subprocess.run(put, env=environment, check=True, capture_output=True))


def _pair(tracks: set[Path]) -> set[Path]:
    return tracks if len(tracks) == 2 else set()


def _an_hour() -> Samples:
    """Returns an hour of sound in 16 bits that is no easier to compress than speech."""
    at = np.arange(10 * RATE) / RATE
    loud = 3000 * np.abs(np.sin(2 * np.pi * at * 0.4)) * (np.sin(2 * np.pi * at * 0.11) > 0)
    noise = np.random.default_rng(1).normal(0, 0.15, len(at))
    voiced = sum(np.sin(2 * np.pi * at * each) / number for number, each in enumerate((150, 450, 1100), 1))
    return np.tile((loud * (voiced + noise)).astype(np.int16), AN_HOUR // 10)
