"""An office whose calls are over: their tracks lie on a real PBX, and wait for a real S3 server and database.

No phone is needed: what the PBX has recorded is put into its folder, what the controller has captured into
the spool, as both leave it when a call ends. The archiver is the controller's, in this process.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from callrec import ids, manifest
from callrec.app.controller import ControllerAssembly
from callrec.archive.archiver import Archiver
from callrec.catalogue import calls
from callrec.demo.pbx import PbxPorts
from callrec.demo.processes import Child
from callrec.demo.system import DemoSystem
from callrec.model.captures import CapturedCall, Track
from callrec.resources import shipped
from tests.unit.samples import captured_call, segment

RATE = 8000
PATIENCE = 300.0
"""Seconds after which an archive that does not come is waited for no more."""
MU = 255.0
Samples = NDArray[np.int16]


class OfficeAfterCalls(DemoSystem):
    """PBX, S3 server and database of the demo, without a controller and a desk."""

    def start_controller(self, *options: str) -> None: ...

    def start_desk(self) -> None: ...

    def archiver(self) -> Archiver:
        """Makes what a controller would archive with."""
        office = self.app.office()
        manifest.load()
        return ControllerAssembly(self.app).archiver(lambda: office)

    def ended(self, seconds: float, count: int = 1) -> list[CapturedCall]:
        """Returns calls of so many seconds that are over: the PBX has their tracks. They are not handed over
        to the archiver yet."""
        return [self._ended(seconds) for _ in range(count)]

    def _ended(self, seconds: float) -> CapturedCall:
        id_, end = ids.new(), self.app.now - timedelta(seconds=30)
        begin = end - timedelta(seconds=seconds)
        tracks = [Track(f"callrec/{id_}-1-{side}", begin, end) for side in ("external", "staff")]
        for number, track in enumerate(tracks):
            path = self.home / "pbx/spool/recording" / f"{track.name}.wav"
            path.parent.mkdir(exist_ok=True)
            os.link(self.sound(seconds, number), path)
        call = {"id": ids.new(), "started_at": begin, "answered_at": begin, "ended_at": end}
        return captured_call(
            recording_id=id_,
            started_at=begin,
            ended_at=end,
            segments=(segment(external=tracks[0], staff=tracks[1]),),
            call=call,
        )

    def sound(self, seconds: float, side: int) -> Path:
        """Returns what Asterisk writes of one side of a call of so many seconds."""
        path = self.home / f"{seconds:g}-{side}.wav"
        if not path.exists():
            soundfile.write(path, speech(seconds, side), RATE, subtype="PCM_16", format="WAV")
        return path

    def archived(self, captured: Sequence[CapturedCall]) -> bool:
        """Tells whether all of these are in the catalogue, proved, and gone from the spool."""
        if any((self.app.spool.folder(each.capture.recording_id)).exists() for each in captured):
            return False
        with self.app.database.read() as connection:
            return all(calls.find_recording(connection, each.capture.recording_id) for each in captured)

    def cpu(self) -> dict[str, float]:
        """Returns the CPU seconds so far of this process, in which the archiver is, and of the servers."""
        assert self.pbx.child and self.s3.child
        return {
            "controller": time.process_time(),
            "S3 server": _cpu_of(self.s3.child),
            "Asterisk": _cpu_of(self.pbx.child),
        }


@contextmanager
def office_after_calls() -> Iterator[OfficeAfterCalls]:
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as home:
        office = OfficeAfterCalls(Path(home), ports=PbxPorts.free())
        with office:
            yield office


@contextmanager
def running(archiver: Archiver) -> Iterator[None]:
    """The archiver at work, with all its lanes."""
    thread = threading.Thread(target=archiver.run)
    thread.start()
    try:
        yield
    finally:
        archiver.stop()
        thread.join()


def seconds_until_archived(
    office: OfficeAfterCalls, archiver: Archiver, captured: Sequence[CapturedCall]
) -> float:
    """Hands calls over, and returns the seconds until all of them are archived, and let go of."""
    begin = time.perf_counter()
    for each in captured:
        office.app.spool.hand_over(each)
        archiver.wake()
    return wait_until_archived(office, captured, begin)


def wait_until_archived(office: OfficeAfterCalls, captured: Sequence[CapturedCall], begin: float) -> float:
    """Returns the seconds since `begin` at which all of these are archived. Raises TimeoutError."""
    left = list(captured)
    while left:
        if time.perf_counter() - begin > PATIENCE:
            raise TimeoutError("the archive does not come")
        if office.archived(left[-1:]):
            left.pop()
        else:
            time.sleep(0.002)
    return time.perf_counter() - begin


def speech(seconds: float, side: int) -> Samples:
    """Returns two people in turn as G.711 passes them on: sentences, pauses and the noise of a line."""
    dice = np.random.default_rng(side)
    sentences = [_sentence(language) for language in ("ja", "en")]
    sound = dice.normal(0, 6, round(seconds * RATE))
    place = round((0.3 + 4 * side) * RATE)
    while place < len(sound):
        each = sentences[dice.integers(2)][: len(sound) - place]
        sound[place : place + len(each)] += each * dice.uniform(0.3, 0.9)
        place += len(each) + round(dice.uniform(3, 8) * RATE)  # the other one speaks
    return _through_mu_law(np.clip(sound, -32768, 32767) / 32768)


def _sentence(language: str) -> Samples:
    sound, rate = soundfile.read(shipped("prompts") / language / "notice.wav", dtype="int16")
    assert rate == RATE
    return np.asarray(sound, dtype=np.int16)


def _through_mu_law(sound: NDArray[np.float64]) -> Samples:
    code = np.round(np.sign(sound) * np.log1p(MU * np.abs(sound)) / np.log1p(MU) * 127)
    heard = np.sign(code) * np.expm1(np.abs(code) / 127 * np.log1p(MU)) / MU
    samples: Samples = (heard * 32767).astype(np.int16)
    return samples


def _cpu_of(child: Child) -> float:
    """Returns the CPU seconds so far of a process and of those it has waited for."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
