"""The machine callrec runs on: its processes, which can be killed, with the real spool on a disk.

Everything in the controller that would wait for a thread or a clock gives way to the simulation's time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from callrec.controller.checkpoints import PATIENCE_SECONDS as DISK_S
from callrec.controller.checkpoints import Checkpoints
from callrec.controller.controller import Controller
from callrec.controller.hangups import PATIENCE_SECONDS as HANGUP_S
from callrec.controller.hangups import Hangups
from callrec.controller.performer import PbxPerformer, SpoolPerformer
from callrec.controller.serial_executor import Job, Lane, SerialExecutor
from callrec.controller.steady_time import SteadyTime
from callrec.fallback.adoption import Adoption
from callrec.fallback.journal import KEYS
from callrec.fallback.journal_reader import JournalReader
from callrec.model.tones import Tones
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.recording.environment import Environment
from callrec.recording.tracker import CallTracker
from callrec.spool.directory import Spool
from tests.scenarios.replay import prompts
from tests.simulation.archive import Archive
from tests.simulation.recorder import AskedDialplan, Recorder
from tests.simulation.timeline import Timeline
from tests.simulation.weather import Weather
from tests.unit.fakes import AstDb

AGAIN_S = 0.002
TICK_S, JOURNAL_S, ARCHIVE_S = 0.5, 2.0, 1.0


class _NotYet(BaseException):
    """A job has to wait for something. Nothing of it was done."""


class _Executor(SerialExecutor):
    """Runs jobs in the simulation's time: those of one queue in order, each after its time on the way."""

    def __init__(self, timeline: Timeline, weather: Weather) -> None:
        self._timeline, self._weather = timeline, weather
        self._waiting: dict[str, deque[Job]] = {}
        self.is_dead = False

    def submit(self, key: str, job: Job, lane: Lane = Lane.PBX) -> None:
        if self.is_dead:
            return
        key = f"{key} later" if lane is Lane.LATER else key
        queue = self._waiting.setdefault(key, deque())
        queue.append(job)
        if len(queue) == 1:
            self._send(key)

    def close(self) -> None:
        """Nothing is closed here: a process that ends is killed."""

    def kill(self) -> None:
        """Ends everything; of what was under way some is still done."""
        self.is_dead = True
        for key, queue in self._waiting.items():
            if self._weather.chance.random() < 0.5:
                delay = 0.0 if key.endswith("spool") else self._weather.command()
                self._timeline.after(delay, _once(queue[0]))
        self._waiting.clear()

    def _send(self, key: str) -> None:
        delay = self._weather.disk() if key.endswith("spool") else self._weather.command()
        self._timeline.after(delay, lambda: self._run(key))

    def _run(self, key: str) -> None:
        if self.is_dead:
            return
        queue = self._waiting[key]
        try:
            queue[0]()
        except _NotYet:
            self._timeline.after(AGAIN_S, lambda: self._run(key))
            return
        queue.popleft()
        if queue:
            self._send(key)
        else:
            del self._waiting[key]


def _once(job: Job) -> Job:
    def run() -> None:
        try:
            job()
        except _NotYet:
            return

    return run


class _Patience:
    """Lets a job wait until something is so, or until it has waited long enough."""

    def __init__(self, timeline: Timeline, limit: float) -> None:
        self._timeline, self._limit = timeline, limit
        self._since: dict[object, float] = {}

    def wait(self, key: object, *, is_so: bool) -> bool:
        since = self._since.setdefault(key, self._timeline.now)
        if not is_so and self._timeline.now - since < self._limit:
            raise _NotYet
        del self._since[key]
        return is_so


class _Hangups(Hangups):
    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline, self._patience = timeline, _Patience(timeline, HANGUP_S)
        self._pauses: dict[float, _Patience] = {}

    def pause(self, what: str, seconds: float) -> None:
        self._pauses.setdefault(seconds, _Patience(self._timeline, seconds)).wait(what, is_so=False)

    def wait(self, channels: Collection[str]) -> bool:
        return self._patience.wait(tuple(channels), is_so=set(channels) <= set(self._gone))


class _Checkpoints(Checkpoints):
    def __init__(self, spool: Spool, timeline: Timeline) -> None:
        super().__init__(spool)
        self._patience = _Patience(timeline, DISK_S)

    def wait(self, linkedid: str) -> None:
        newest = self._newest.get(linkedid)
        self._patience.wait(linkedid, is_so=newest is None or newest.known.is_set())


class _Controller(Controller):
    """The controller, with the simulation's time in place of its threads and its clock."""

    def __init__(
        self,
        recorder: Recorder,
        tracker: CallTracker,
        spool: Spool,
        stored_keys: Callable[[], dict[str, str]],
        wake: Callable[[], None],
        executor: _Executor,
        database: AstDb,
    ) -> None:
        timeline = recorder.exchange.timeline
        asked = AskedDialplan(recorder, database)
        super().__init__(
            recorder,
            tracker,
            spool,
            answer_first=False,
            sound_waits=lambda: None,
            row_waits=lambda: None,
            take_alert=lambda alert: None,
            read_journal=wake,
            stored_keys=stored_keys,
            dialplan=asked,
            time=SteadyTime(lambda: timeline.clock, lambda: timeline.now),
        )
        self._timeline = timeline
        self._executor = executor
        self._hangups, self._checkpoints = _Hangups(self._timeline), _Checkpoints(spool, self._timeline)
        self._to_pbx = PbxPerformer(
            recorder,
            self._hangups,
            self._checkpoints,
            answer_first=False,
            dialplan=asked,
            took_over=self._took_over,
            look_again=self._look_again,
        )
        self._to_spool = SpoolPerformer(
            spool,
            self._checkpoints,
            sound_waits=lambda: None,
            row_waits=lambda: None,
            take_alert=lambda alert: None,
            read_journal=wake,
        )


class _JournalReader(JournalReader):
    """The reader of the journal, with the simulation's time in place of its clock."""

    def __init__(
        self, recorder: Recorder, database: AstDb, controller: Controller, adoption: Adoption
    ) -> None:
        self._timeline, problems = recorder.exchange.timeline, Problems()
        super().__init__(lambda: database, controller, adoption, problems, lambda: None, recorder.channels)

    def _now(self) -> datetime:
        return self._timeline.clock


class Machine:
    """The disk, and the one process there is at a time."""

    def __init__(
        self, folder: Path, recorder: Recorder, office: Office, database: AstDb, weather: Weather
    ) -> None:
        self._folder, self._recorder, self._office = folder, recorder, office
        self._database, self._weather = database, weather
        self.timeline, self.link = recorder.exchange.timeline, recorder.exchange.link
        self.spool = Spool(folder)
        self.archive = Archive(recorder)
        self.controller: Controller | None = None
        self.tracker: CallTracker | None = None
        self._ids = 0
        self._alive = 0

    def start(self) -> None:
        """Starts a process, which takes up what the one before has left, and connects."""
        if self.controller:
            return
        self._alive += 1
        self.spool = Spool(self._folder)
        self.tracker = CallTracker(
            Environment(self._office, prompts, Tones("/prompts"), self._new_id, "demo")
        )
        self._executor = _Executor(self.timeline, self._weather)
        self.controller = _Controller(
            self._recorder,
            self.tracker,
            self.spool,
            self._stored_keys,
            lambda: None,
            self._executor,
            self._database,
        )
        self.controller.take_up()
        self._journal = self._reader(self.controller)
        self.controller.run()
        self._every(TICK_S, self.controller.tick)
        self._every(JOURNAL_S, self._read_journal)
        self._every(ARCHIVE_S, lambda: self.archive.work(self.spool))
        self.timeline.after(self._weather.chance.uniform(0.01, 0.5), self.link.open)

    def kill(self) -> None:
        """Ends the process between two steps of anything."""
        if not self.controller:
            return
        self._alive += 1
        self.link.leave(certain_s=0.1)
        self._executor.kill()
        self.controller = None

    # --- inside

    def _reader(self, controller: Controller) -> JournalReader:
        adoption = Adoption(
            self._recorder,
            self.spool,
            lambda: self._office,
            lambda at: self._office,
            "demo",
            lambda sound: None,
            lambda call: controller.has_recorded(call.linkedid) or self._knows_call(call.id),
            lambda press, alert: controller.has_heard(press),
            lambda recording: self.spool.has_capture(recording) or self.archive.has_capture(recording),
        )
        return _JournalReader(self._recorder, self._database, controller, adoption)

    def _knows_call(self, id_: str) -> bool:
        return id_ in self.spool.known_calls() or self.archive.knows_call(id_)

    def _read_journal(self) -> None:
        if self.controller and self.controller.link_up and self.link.answers:
            self._journal.read()

    def _stored_keys(self) -> dict[str, str]:
        return self._database.tree(KEYS)

    def _new_id(self) -> str:
        self._ids += 1
        return f"01a20000-0000-7000-8000-{self._ids:012x}"

    def _every(self, seconds: float, step: Callable[[], None]) -> None:
        generation = self._alive

        def run() -> None:
            if self._alive == generation:
                step()
                self.timeline.after(seconds, run)

        self.timeline.after(seconds, run)
