"""Watches one PBX: events go to the tracker, and what it wants done goes to the performers (decision 1).

One thread reads events, the serial executor performs actions (of one call in order: those for each track,
other ones to the PBX, and those to the spool, on threads of their own), and both hand what they learn to the
tracker under one lock.
`callrec.serve` runs it and ticks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from callrec.controller.call_log import CallLog
from callrec.controller.checkpoints import Checkpoints
from callrec.controller.drafts import Drafts, NoDrafts, State
from callrec.controller.hangups import Hangups
from callrec.controller.ownership import Hold, NoHold
from callrec.controller.performer import DialplanCommands, PbxCommands, PbxPerformer, SpoolPerformer
from callrec.controller.serial_executor import Lane, SerialExecutor
from callrec.controller.steady_time import SteadyTime
from callrec.controller.takeovers import Takeovers
from callrec.controller.unrecorded import Unrecorded
from callrec.controller.unsaved import Unsaved
from callrec.errors import CallrecError, Sentence
from callrec.failures import why
from callrec.meters import Meters
from callrec.model.alerts import Alert
from callrec.model.rules import Direction
from callrec.pbx.events import (
    Channel,
    ChannelDestroyed,
    Event,
    FallbackCall,
    GateEntered,
    RawKeyPress,
    RecordingStarted,
    Replaced,
    epoch,
)
from callrec.pbx.mixmonitor import FALLBACK_VARIABLE
from callrec.policy.office import Office
from callrec.recording.actions import (
    Action,
    Discard,
    HandOver,
    LookAgain,
    PbxAction,
    SaveCheckpoint,
    SaveOpenCall,
    Silencing,
    SpoolAction,
    StopFallback,
)
from callrec.recording.call import Call
from callrec.recording.tracker import CallTracker
from callrec.spool.directory import Spool
from callrec.spool.lock import SpoolGone
from callrec.worker import Pulse, SharedPulse

log = structlog.get_logger()

PARTIES_VARIABLE = "CALLREC_PARTIES"
"""Set by the dialplan at the gate: direction, extension and number, with ``|`` between them."""


LONG = timedelta(days=1)
"""A recording that runs so long may be that of a call whose end the PBX has missed."""


class Pbx(PbxCommands, Protocol):
    """What the controller asks of a PBX. Refusals and silence are CallrecErrors."""

    def watch(
        self, handle: Callable[[Event], None], connected: Callable[[], None], lost: Callable[[], None]
    ) -> None: ...
    def stop(self) -> None: ...
    def channels(self) -> list[Channel]: ...
    def bridges(self) -> dict[str, tuple[str, ...]]: ...
    def variable(self, channel_id: str, name: str) -> str: ...


class Controller:
    """Watches one PBX and records its calls. Several threads may use it."""

    def __init__(
        self,
        pbx: Pbx,
        tracker: CallTracker,
        spool: Spool,
        *,
        answer_first: bool,
        sound_waits: Callable[[], None],
        row_waits: Callable[[], None],
        take_alert: Callable[[Alert], None],
        read_journal: Callable[[], None],
        stored_keys: Callable[[], dict[str, str]],
        dialplan: DialplanCommands,
        drafts: Drafts | None = None,
        hold: Hold | None = None,
        time: SteadyTime | None = None,
    ) -> None:
        """Makes a controller that tells others when there is work for them.

        `sound_waits` is called when a recording was put into the spool, `row_waits` when a call or a discard
        was, `read_journal` when the dialplan may have recorded in our place; these only wake somebody else.
        `take_alert` has an alert sent and writes it down, or raises OSError and is called again.
        `stored_keys` returns the key presses that the dialplan has written down, by their ids. `drafts` is
        told of the captures, `hold` says whether the PBX is this controller's, and `time` is that of calls.
        """
        self._drafts, self._hold = drafts or NoDrafts(), hold or NoHold()
        self._pbx, self._tracker, self._spool = pbx, tracker, spool
        self._read_journal, self._stored_keys = read_journal, stored_keys
        self._executor = SerialExecutor()
        self._lock = threading.Lock()
        self._again: list[SpoolAction] = []
        self._unsaved = Unsaved()
        self._refused_by_disk: Sentence | None = None
        self._refused_mark = 0
        self._checkpoints = Checkpoints(spool)
        self._hangups, self._unrecorded, self._takeovers = Hangups(), Unrecorded(), Takeovers()
        self._call_log = CallLog()
        self._to_pbx = PbxPerformer(
            pbx,
            self._hangups,
            self._checkpoints,
            answer_first=answer_first,
            dialplan=dialplan,
            took_over=self._took_over,
            look_again=self._look_again,
        )
        self._to_spool = SpoolPerformer(
            spool,
            self._checkpoints,
            sound_waits=sound_waits,
            row_waits=row_waits,
            take_alert=take_alert,
            read_journal=read_journal,
            drafts=self._drafts,
        )
        self.pulse, self.actions_pulse = Pulse(), SharedPulse()
        self._time = time or SteadyTime()
        self._times_set = 0
        self.link_up = False
        self.link_changed_at = datetime.now(UTC)
        self.replaced = threading.Event()
        self.meters = Meters()
        self.unreadable: Callable[[str, str, str], None] = lambda kind, told, why: None
        """Called with each event that the core cannot take in: its kind, as it came, and why."""

    def take_up(self) -> None:
        """Takes up the calls that were under way when the process before this one ended. Before `run`."""
        self._spool.clear_partial_checkpoints()
        over = set(self._spool.waiting())
        for checkpoint in self._spool.checkpoints():
            if checkpoint.capture.recording_id in over:  # killed before the checkpoint was taken away
                self._spool.drop_checkpoint(checkpoint.capture.recording_id)
                continue
            self._tracker.restore(checkpoint)
            self._drafts.note(State.OPEN, checkpoint)
        known = self._spool.known_calls()
        for call in self._spool.open_calls():
            if call.id in known:  # killed before the file of the open call was taken away
                self._spool.forget_open_call(call.id)
            else:
                self._tracker.resume(call)

    def run(self) -> None:
        """Watches the PBX until `stop`, and then finishes what was begun."""
        try:
            self._pbx.watch(self.handle, self._connected, self._lost)
        finally:
            self._executor.close()
            again, self._again = self._again, []
            for action in again:  # once: what the disk still refuses must not keep the process from ending
                self._perform(action)

    def stop(self) -> None:
        """Ends `run`. Captures under way go on in the PBX, and are taken up at the next start."""
        self._pbx.stop()

    def handle(self, event: Event) -> None:
        """Takes an event of the PBX. A bug in the core is logged, and lets no call wait at the gate."""
        if isinstance(event, Replaced):
            self._replaced()
            return
        if isinstance(event, ChannelDestroyed) and event.channel.is_own:
            self._hangups.gone(event.channel.id)
        self.pulse.beat()
        self.meters.event(type(event).__name__)
        try:
            with self._lock:
                self._take(event)
            if isinstance(event, RecordingStarted):
                self._takeovers.begun()
        finally:
            self.pulse.rest()  # also where it is a bug: the thread does not hang

    def tick(self) -> None:
        """Lets time pass, and tries again what the spool's disk refused; called about twice a second."""
        with self._lock:
            again, self._again = self._again, []
            for action in again:
                self._enqueue(action)
            if not again and self._unsaved.is_saved(self._refused_mark):
                self._refused_by_disk = None
            self._submit(self._tracker.tick(self._now()))

    def take_rules(self, office: Office) -> None:
        """Decides by these rules from now on; calls under way keep the rules they began with."""
        with self._lock:
            self._tracker.take_rules(office)

    def recall(self, stored: dict[str, str]) -> None:
        """Acts on key presses that the dialplan has written down, by their ids, unless they were heard."""
        with self._lock:
            keys = parsed_keys(stored, self._time.pbx_ahead)
            self._submit(self._tracker.recall(keys, self._now()))

    def clocks_compared(self, pbx_zero: datetime | None, error: timedelta) -> None:
        """Takes in what clocks tell, as `SteadyTime.compared`."""
        with self._lock:
            self._time.compared(pbx_zero, error)
            self._note_set_clock()

    # --- how it stands

    def asked(self) -> int:
        """Returns a mark of all that calls have asked of the disk so far, for `is_saved`."""
        return self._unsaved.asked()

    def is_saved(self, mark: int) -> bool:
        """Tells whether all that was asked of the disk up to a mark is there."""
        return self._unsaved.is_saved(mark)

    def now(self) -> datetime:
        """Returns this moment in the time of calls."""
        with self._lock:
            return self._now()

    @property
    def pbx_ahead(self) -> timedelta:
        """How far what the PBX stamps is ahead of the time of calls."""
        return self._time.pbx_ahead

    def has_recorded(self, linkedid: str) -> bool:
        """Tells whether something of a call was captured here, as far back as is remembered."""
        return self._to_spool.has_recorded(linkedid)

    def in_fallback(self) -> set[str]:
        """Returns the linked ids of the calls under way that the dialplan's fallback handles."""
        with self._lock:
            return {each.record.linkedid for each in self._tracker.calls.values() if each.fallback}

    def monitored(self) -> tuple[set[str], set[str]]:
        """Returns the channels that the dialplan was asked to record, of which the journal has lines: of the
        calls under way, and of those of which all was told here."""
        with self._lock:
            return self._tracker.monitored()

    def has_heard(self, press: str) -> bool:
        """Tells whether a key press was acted on here, as far back as is remembered."""
        with self._lock:
            return self._tracker.has_heard(press)

    def live(self) -> list[tuple[str, str]]:
        """Returns the captures under way, also on standby: extension (`?`: not known) and recording's id."""
        with self._lock:
            return [
                (call.record.extension or "?", call.capture.recording_id)
                for call in self._tracker.calls.values()
                if call.capture and not call.capture.is_finished and not call.record.unannounced_at
            ]

    def followed(self) -> set[str]:
        """Returns the ids of the recordings that are in memory here, also of those that the spool's disk has
        not taken yet."""
        with self._lock:
            captures = [call.capture for call in self._tracker.calls.values() if call.capture]
        waiting = [each.captured for each in self._unsaved.waiting() if isinstance(each, HandOver | Discard)]
        return {each.recording_id for each in captures} | {each.capture.recording_id for each in waiting}

    def lacking(self) -> int:
        """Returns how many captures should record and do not."""
        with self._lock:
            return len(self._unrecorded.look(self._tracker.calls.values()))

    def meter(self, meters: Meters) -> None:
        """Has everything counted by these meters from now on."""
        self.meters = self._to_spool.meters = meters

    def problems(self) -> list[Sentence]:
        """Returns what should be recorded and is not, what is for so long that its end may have been missed,
        and what the disk refuses."""
        with self._lock:
            calls, refused = list(self._tracker.calls.values()), self._refused_by_disk
            lacking = self._unrecorded.look(calls)
        begun = [(each, since) for each in calls if (since := _recorded_since(each))]
        long = [
            Sentence(
                "extension {extension} has been recorded for more than a day (call {call}): "
                "does anybody talk?",
                extension=call.record.extension or "?",
                call=call.record.id,
            )
            for call, since in begun
            if self._now() - since >= LONG
        ]
        return [*lacking, *long, *([self._disk_problem(refused)] if refused else [])]

    def _disk_problem(self, problem: Sentence) -> Sentence:
        return Sentence(
            "the spool {path} cannot be written ({problem}): what calls need written down waits in memory, "
            "and a kill would lose it. Make room, or see to its disk",
            path=self._spool.directory,
            problem=problem,
        )

    # --- events

    def _take(self, event: Event) -> None:
        if not self._tracker.calls:
            self._time.settle()
        taken = self._time.take(event)  # decision 22
        self._note_set_clock()
        self._submit(self._wanted(taken))

    def _wanted(self, event: Event) -> list[Action]:
        """Returns what the core wants done about an event."""
        try:
            return self._tracker.handle(event)
        except Exception as error:
            log.exception("a bug: please report it", kind=type(event).__name__)
            self.unreadable(type(event).__name__, repr(event), repr(error))
            return self._tracker.let_through(event) if isinstance(event, GateEntered) else []  # decision 2

    def _now(self) -> datetime:
        """Returns this moment in the time of calls: it is compared with the times of events."""
        return self._time.now()

    def _note_set_clock(self) -> None:
        """Writes it into the calls that are under way, where the PBX's clock was set."""
        if self._times_set == self._time.times_set:
            return
        self._times_set = self._time.times_set
        log.warning("the PBX's clock was set", seconds_ahead=round(self._time.pbx_ahead.total_seconds()))
        for call in self._tracker.calls.values():
            call.note("the PBX's clock was set during this call: its times go on as before")

    # --- the link

    def _replaced(self) -> None:
        """Ends, unless the PBX is still ours: then it was one that comes back after another took over from
        it, and who will find that out. The link is made anew."""
        if self._hold.is_ours():
            log.warning("another program has connected to the PBX under our name, which is ours")
            return
        log.error("another program has connected to the PBX under our name; this one ends")
        self.replaced.set()

    def _connected(self) -> None:
        """Brings the calls up to what the PBX has now, before any event of the new link is handled."""
        listed, bridges = self._pbx.channels(), self._pbx.bridges()
        with self._lock:
            self._time.connected()
            channels = [self._time.channel(each) for each in listed]
        theirs = [each for each in channels if not each.is_own]
        fallbacks = {each.id: told for each in theirs if (told := self._fallback_of(each))}
        gates = [gate for each in theirs if (gate := self._gate_of(each))]
        keys = self._keys_pressed()
        with self._lock:
            self._submit(self._tracker.compare(channels, bridges, fallbacks, gates, self._now(), keys))
        self._link(up=True)
        log.info("linked with the PBX", channels=len(theirs), in_fallback=len(fallbacks))
        self._read_journal()

    def _keys_pressed(self) -> list[RawKeyPress] | None:
        """Returns what staff have pressed while nobody listened, the oldest first. None: not known yet."""
        try:
            return parsed_keys(self._stored_keys(), self._time.pbx_ahead)
        except CallrecError as error:
            log.error("keys that were pressed meanwhile cannot be read", problem=str(error))
            return None

    def _fallback_of(self, channel: Channel) -> FallbackCall | None:
        """Returns what the dialplan's fallback does about the call of a channel, as its variables say."""

        def of(variable: str) -> str:
            return self._pbx.variable(channel.id, variable)

        since = epoch(of(FALLBACK_VARIABLE))
        if since is None:
            return None
        last = of("DIALEDPEERNAME") or f"{of('MEMBERINTERFACE')}-"
        peers = tuple(f"{of('CALLREC_ANSWERED')}{last}".split("&"))
        return FallbackCall(
            since,
            of("CALLREC_FILE"),
            of("CALLREC_FALLBACK_PARTIES"),
            peers,
            of("CALLREC_ANNOUNCED"),
            of("CALLREC_LINKED"),
            self._time.pbx_ahead,
        )

    def _gate_of(self, channel: Channel) -> GateEntered | None:
        """Returns what was asked at the gate about a channel, as its variable says; None: nothing."""
        match self._pbx.variable(channel.id, PARTIES_VARIABLE).split("|"):
            case [direction, extension, number] if direction in set(Direction):
                return GateEntered(self._now(), channel, direction, extension, number)
        return None

    def _lost(self) -> None:
        self._hold.doubt()
        if self.link_up:
            log.error("the link to the PBX is lost; the dialplan's fallback is in force")
        self._link(up=False)

    def _link(self, *, up: bool) -> None:
        if up != self.link_up:
            self.link_up, self.link_changed_at = up, datetime.now(UTC)

    # --- actions

    def _submit(self, wanted: list[Action]) -> None:
        for action in wanted:
            if isinstance(action, SaveCheckpoint):
                self._checkpoints.ask(action)
                self._drafts.note(State.OPEN, action.checkpoint)
            if isinstance(action, SpoolAction):
                self._unsaved.ask(action)
            self._enqueue(action)
        self._call_log.tell(wanted)  # last: nothing waits for a line

    def _enqueue(self, action: Action) -> None:
        """Hands an action to the executor. Those that write to disk, and those that take a call over from the
        fallback, have queues and threads of their own.

        So no recording begins later for them.
        """
        queue = "spool" if isinstance(action, SpoolAction) else action.side
        self._executor.submit(f"{action.linkedid} {queue}", lambda: self._perform(action), _lane(action))

    def _perform(self, action: Action) -> None:
        self.actions_pulse.beat()
        try:
            if isinstance(action, SpoolAction):
                self._perform_on_disk(action)
            else:
                self._perform_on_pbx(action)
        except Exception:
            log.exception("a bug: please report it", action=type(action).__name__, call=action.linkedid)
        finally:
            self.actions_pulse.rest()

    def _perform_on_disk(self, action: SpoolAction) -> None:
        try:
            self._to_spool.perform(action)
        except OSError as error:
            self._refused(action, error)
        except BaseException:
            self._unsaved.saved(action)  # it is logged as a bug: nothing is to wait for it
            raise
        else:
            self._unsaved.saved(action)

    def _refused(self, action: SpoolAction, error: OSError) -> None:
        """Has an action that the disk did not take tried again at the next tick: it is not forgotten.

        An open call only as long as nothing newer is known of its call: written late, it would bring back
        one that is over.
        """
        # that the spool is gone is told by who looks after it
        problem = None if isinstance(error, SpoolGone) else why(error)
        with self._lock:
            if str(problem) != str(self._refused_by_disk):
                log.error("the spool cannot be written", problem=str(error), call=action.linkedid)
            self._refused_by_disk, self._refused_mark = problem, self._unsaved.asked()
            if isinstance(action, SaveOpenCall) and not self._unsaved.is_newest(action):
                self._unsaved.saved(action)
            else:
                self._again.append(action)

    def _took_over(self, action: StopFallback, heard: timedelta) -> None:
        with self._lock:
            self._submit(self._tracker.took_over(action, heard, self._now()))
        self._takeovers.wait(lambda: not self._lacks(action.linkedid))

    def _look_again(self, action: LookAgain) -> None:
        with self._lock:
            self._submit(self._tracker.look_again(action.linkedid, self._now()))

    def _lacks(self, linkedid: str) -> bool:
        """Returns whether a call should be recorded now, and is not."""
        call = self._tracker.calls.get(linkedid)
        return bool(call and call.capture and call.capture.lacks)

    def _perform_on_pbx(self, action: PbxAction) -> None:
        try:
            self._to_pbx.perform(action)
        except (CallrecError, OSError) as error:
            name, problem = type(action).__name__, str(error)
            log.warning("refused by the PBX", action=name, call=action.linkedid, problem=problem)
            self.meters.refused(name)
            with self._lock:
                self._submit(self._tracker.refused(action, problem, self._now()))
        else:
            if isinstance(action, Silencing):
                with self._lock:
                    self._submit(self._tracker.performed(action))


def _lane(action: Action) -> Lane:
    if isinstance(action, SpoolAction):
        return Lane.DISK
    if isinstance(action, LookAgain):
        return Lane.LATER
    return Lane.FALLBACK if isinstance(action, StopFallback) else Lane.PBX


def _recorded_since(call: Call) -> datetime | None:
    """Returns since when a call is recorded, by callrec or perhaps by the fallback; None where it is not."""
    if call.capture:
        return None if call.capture.is_finished else call.capture.started_at
    return call.record.started_at if call.fallback and not call.is_over else None


def parsed_keys(stored: dict[str, str], pbx_ahead: timedelta) -> list[RawKeyPress]:
    """Returns the key presses the dialplan has written down, the oldest first, but for unreadable ones.

    `pbx_ahead`: how far the times that it writes are ahead of those of calls.
    """
    found = []
    for id_, line in stored.items():
        with suppress(ValueError, OverflowError):
            key = RawKeyPress.parse(id_, line)
            found.append(replace(key, at=key.at - pbx_ahead))
    return sorted(found, key=lambda each: each.at)
