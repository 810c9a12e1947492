"""Many calls at once, recorded in one way, and whether any of them lost anything: a trial of bench.capacity.

Ways: callrec (automatic, a stereo file, archived), MixMonitor in the dialplan (one WAV a side, as callrec has
it), and not recorded at all. callrec and its store stand still while it is not their turn.
"""

from __future__ import annotations

import io
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.parts import running_demo
from bench.phones import CallTimes, Phones, PhonesLoad
from bench.phones.sounds import HERTZ
from bench.soundness import Samples, flaws, is_missing
from callrec.catalogue import finding, rules
from callrec.catalogue.finding import SearchHit
from callrec.demo.processes import Child
from callrec.demo.system import DemoSystem
from callrec.errors import DemoFailed
from callrec.files import make_folder
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery
from callrec.model.rules import Announce, Mode, Rule, Scope
from tests.integration.system import eventually, frozen

CALLREC, MIXMONITOR, NONE = "callrec", "MixMonitor", "not recorded"
NUMBERS = {CALLREC: "2101", MIXMONITOR: "52101", NONE: "42101"}
"""What is dialled for each way."""
FOLDER = "bench"
DIALPLAN = f"""
[from-outside](+)
exten => _4X.,1,Dial(PJSIP/${{EXTEN:1}},30,tT)
exten => _5X.,1,Set(BENCH_FILE=${{ASTSPOOLDIR}}/recording/{FOLDER}/${{CALLERID(num)}})
 same => n,MixMonitor(,br(${{BENCH_FILE}}-external.wav)t(${{BENCH_FILE}}-staff.wav))
 same => n,Dial(PJSIP/${{EXTEN:1}},30,tT)
"""
RATE = 10.0
"""Calls that begin, and end, in a second: more than a busy office of that many calls has."""
PATIENCE = 120.0
ANSWER_SECONDS = QUIET_SECONDS = 30.0
"""How long after the last call began all must be answered, and after the last hang-up the PBX have none."""
WARM_UP = 5
"""Calls after a start of callrec that do not count."""
HEARD_BY = 5
"""Of calls that are not recorded every so many is listened to."""
LOST_PACKETS = 2
MISSING, LOST, REFUSED, NO_TRACK = "sound is missing", "packets lost", "refused", "no track"
UNANSWERED = "not answered"
FATAL = (LOST, REFUSED, NO_TRACK, UNANSWERED)

Tracks = tuple[Samples | None, Samples | None]


@dataclass(frozen=True)
class Trial:
    """So many calls at once: what went wrong, how often; in how many tracks sound is missing, as silence
    between two packets takes none away; the cores that Asterisk and callrec took while all talked; and what
    the phones did."""

    calls: int
    wrong: Counter[str]
    missing: int
    asterisk: float
    controller: float
    phones: PhonesLoad

    @property
    def held(self) -> bool:
        """Whether nothing was lost."""
        return not self.wrong

    @property
    def held_all_sound(self) -> bool:
        """Whether at least all that was said is there."""
        return not self.missing

    def __str__(self) -> str:
        lost = f"{self.missing} tracks with sound missing" if self.missing else "no sound missing"
        wrong = ", ".join(f"{count} × {what}" for what, count in self.wrong.most_common(4))
        cores = f"Asterisk {self.asterisk:.2f}, callrec {self.controller:.2f}, phones {self.phones.share:.2f}"
        late = f"phones late by {self.phones.latest * 1000:.1f} ms"
        return f"{self.calls} calls: {wrong or 'nothing wrong'}; {lost} (cores: {cores}; {late})"


@contextmanager
def office(talk: float) -> Iterator[Office]:
    """Gives an office in which calls can be recorded in each way; they talk for so many seconds."""
    with running_demo() as demo:
        plan = demo.home / "pbx/etc/extensions.conf"
        plan.write_text(plan.read_text() + DIALPLAN)
        demo.pbx.cli("dialplan reload")
        make_folder(demo.home / "pbx/spool/recording" / FOLDER)
        _record_all(demo)
        with Phones(demo.pbx) as phones:
            yield Office(demo, phones, talk)


class Office:
    """A demo without softphones, with callrec running or not."""

    def __init__(self, demo: DemoSystem, phones: Phones, talk: float) -> None:
        self.demo, self._phones, self._talk = demo, phones, talk
        self._s3: Any = demo.s3.client()
        self._is_cold = True

    def trial(self, way: str, calls: int) -> Trial:
        """Has so many calls at once, recorded in one way, and listens to all of it."""
        if way == CALLREC:
            self._warm_up()
            return self._trial(way, calls)
        assert self.demo.controller and self.demo.s3.child
        self.demo.controller.stop()
        try:
            with frozen(self.demo.s3.child):
                return self._trial(way, calls)
        finally:
            self.demo.start_controller()
            self._is_cold = True

    def _wait_for_quiet(self) -> None:
        """Waits until the PBX has no call. One that had more than it can bear may keep hundreds of them for
        minutes: it is started again."""

        def ended() -> bool:
            return self.demo.pbx.cli("core show channels count").startswith("0 active channels")

        try:
            eventually(ended, QUIET_SECONDS, "the end of all calls")
        except AssertionError as error:
            print(error, flush=True)
            self.demo.pbx.stop()
            self.demo.pbx.start()

    def _warm_up(self) -> None:
        """Has some calls recorded where callrec has just started: its first ones begin late."""
        if self._is_cold:
            begin, indexes = self.demo.app.now, self._phones.begin(WARM_UP, number=NUMBERS[CALLREC])
            self._phones.hang_up(*indexes)
            self._archived(WARM_UP, begin)
        self._is_cold = False

    def _trial(self, way: str, calls: int) -> Trial:
        begin = self.demo.app.now
        self._phones.reset()
        indexes = self._phones.begin(calls, number=NUMBERS[way], rate=RATE, wait=False)
        unanswered = self._unanswered(indexes)
        if way == NONE:
            self._listen(indexes)
        shares = self._shares(way)
        self._phones.hang_up(*indexes, rate=RATE)
        time.sleep(calls / RATE + 1)
        load = self._phones.load()
        wrong = Counter({UNANSWERED: unanswered}) if unanswered else self._wrong(way, indexes, begin)
        missing = wrong.pop(MISSING, 0) + sum(wrong[each] for each in wrong if each in FATAL)
        self._wait_for_quiet()
        return Trial(calls, wrong, missing, *shares, load)

    def _unanswered(self, indexes: Sequence[int]) -> int:
        """Returns how many calls are not answered, long after the last one began: the PBX can do no more."""
        with suppress(DemoFailed):
            self._phones.wait_answered(indexes, len(indexes) / RATE + ANSWER_SECONDS)
        return self._phones.waiting(indexes)

    def _listen(self, indexes: Sequence[int]) -> None:
        for index in indexes[::HEARD_BY]:
            for side in HERTZ:
                self._phones.listen(index, side)

    def _shares(self, way: str) -> tuple[float, float]:
        """Lets them talk. Returns the cores that Asterisk and the controller take meanwhile."""
        parts = [self.demo.pbx.child, self.demo.controller if way == CALLREC else None]
        before = [_cpu(each) for each in parts]
        time.sleep(self._talk)
        asterisk, controller = (
            (_cpu(each) - cpu) / self._talk for each, cpu in zip(parts, before, strict=True)
        )
        return asterisk, controller

    # --- what is lost

    def _wrong(self, way: str, indexes: Sequence[int], begin: datetime) -> Counter[str]:
        times = self._phones.times(*indexes)
        return self._unheard(times) if way == NONE else self._lost(way, times, begin)

    def _unheard(self, times: Sequence[CallTimes]) -> Counter[str]:
        """Returns what those listened to did not hear, or heard late: calls without a recording."""
        wrong = _failed(times)
        for each in times[::HEARD_BY]:
            for mine, other in ((each.external, each.staff), (each.staff, each.external)):
                said = round((other.last_sent - mine.listened_from) / 0.02)
                wrong[LOST] += max(0, said - mine.heard - LOST_PACKETS)
        return +wrong

    def _lost(self, way: str, times: Sequence[CallTimes], begin: datetime) -> Counter[str]:
        wrong = _failed(times)
        kept = self._archived(len(times), begin) if way == CALLREC else {}
        for each in times:
            tracks = self._recording(kept.get(each.number)) if way == CALLREC else self._files(each.number)
            for side, track in zip(("external", "staff"), tracks, strict=True):
                wrong.update(_faults(track, side, each))
        return wrong

    def _archived(self, count: int, begin: datetime) -> dict[str, SearchHit]:
        """Returns the recordings by the caller's number, once all are in the archive, or it is too late."""
        query = SearchQuery(begin=begin, limit=10 * count)

        def found() -> list[SearchHit]:
            with self.demo.app.database.read() as connection:
                return finding.search(connection, query, reach=EVERYWHERE)

        try:
            eventually(lambda: len(found()) >= count, PATIENCE, "the archive")
        except AssertionError as error:
            print(error)
        return {"0" + str(hit.call.number).removeprefix("+81"): hit for hit in found()}

    def _recording(self, hit: SearchHit | None) -> Tracks:
        if hit is None or hit.recording is None:
            return None, None
        found = self._s3.get_object(Bucket=self.demo.s3.bucket, Key=hit.recording.key)
        sound, _ = soundfile.read(io.BytesIO(found["Body"].read()), dtype="int16", always_2d=True)
        return sound[:, 0], sound[:, 1]

    def _files(self, number: str) -> Tracks:
        external, staff = (self._file(f"{number}-{side}.wav") for side in ("external", "staff"))
        return external, staff

    def _file(self, name: str) -> Samples | None:
        path = self.demo.home / "pbx/spool/recording" / FOLDER / name
        if not path.exists():
            return None
        samples, _ = soundfile.read(path, dtype="int16")
        path.unlink()
        return np.asarray(samples, dtype=np.int16)


def _faults(track: Samples | None, side: str, times: CallTimes) -> list[str]:
    if times.refused:
        return []
    if track is None:
        return [NO_TRACK]
    said = times.said(side)
    found = [each.what for each in flaws(track, HERTZ[side], said)]
    return [*found, MISSING] if is_missing(track, said) else found


def _failed(times: Sequence[CallTimes]) -> Counter[str]:
    return Counter(REFUSED for each in times if each.refused)


def _cpu(child: Child | None) -> float:
    """Returns the seconds of CPU a process has taken."""
    if child is None:
        return 0.0
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _record_all(demo: DemoSystem) -> None:
    """Has every call recorded without an announcement, as MixMonitor has none."""
    who, at = "bench", demo.app.now
    rule = Rule(
        id=0,
        version=0,
        scope=Scope.EVERYWHERE,
        target=None,
        mode=Mode.AUTOMATIC,
        changed_at=at,
        changed_by=who,
        announce=Announce.NONE,
    )
    with demo.app.database.begin() as connection:
        for each in rules.in_force(connection):
            rules.remove(connection, each.id, who=who, at=at)
        rules.add(connection, rule, who=who, at=at)
    assert demo.controller
    demo.controller.stop()
    demo.start_controller()  # which goes by it from the beginning
