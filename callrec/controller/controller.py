"""Carries out what the tracker wants: the only place where decisions become commands to the PBX.

One thread reads events, the lanes perform commands (of one call in order: those for each track, other
ones to the PBX, and those to the spool), and both hand what they learn to the tracker under one lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from callrec.controller.checkpoints import Checkpoints
from callrec.controller.hangups import Hangups
from callrec.controller.serial_executor import SerialExecutor
from callrec.errors import CallrecError
from callrec.model.rules import Direction
from callrec.pbx.events import (
    Channel,
    ChannelDestroyed,
    Event,
    GateEntered,
    RawKeyPress,
    Replaced,
    epoch,
)
from callrec.policy.office import Office
from callrec.recording import actions as do
from callrec.recording.tracker import CallTracker
from callrec.spool.directory import Spool

log = structlog.get_logger()

PROMPTS_VARIABLE = "CALLREC_PROMPTS"
ANSWER_VARIABLE = "CALLREC_ANSWER"
FALLBACK_VARIABLE = "CALLREC_FALLBACK"
PARTIES_VARIABLE = "CALLREC_PARTIES"
TO_SPOOL = (
    do.SaveCheckpoint,
    do.SaveOpenCall,
    do.HandOver,
    do.Discard,
    do.SaveCall,
    do.SaveAlert,
    do.ReadJournal,
)
"""Commands that write to disk. They have a lane of their own: no recording begins later for them."""
REMEMBERED = 10_000
"""How many calls that were recorded are remembered, against the journal of the dialplan."""


class Pbx(Protocol):
    """What the controller asks of a PBX. Refusals and silence are CallrecErrors."""

    def watch(
        self, handle: Callable[[Event], None], connected: Callable[[], None], lost: Callable[[], None]
    ) -> None: ...
    def stop(self) -> None: ...
    def channels(self) -> list[Channel]: ...
    def bridges(self) -> dict[str, tuple[str, ...]]: ...
    def variable(self, channel_id: str, name: str) -> str: ...
    def set_variable(self, channel_id: str, name: str, value: str) -> None: ...
    def resume(self, channel_id: str) -> None: ...
    def snoop(self, channel_id: str, snoop_id: str, *, spy: str = ..., whisper: str = ...) -> None: ...
    def record(self, snoop_id: str, name: str) -> None: ...
    def play(self, channel_id: str, playback_id: str, media: list[str]) -> None: ...
    def mute(self, name: str) -> None: ...
    def unmute(self, name: str) -> None: ...
    def hang_up(self, channel_id: str) -> None: ...
    def dial(self, channel_id: str, endpoint: str, caller: str) -> None: ...
    def create_bridge(self, bridge_id: str) -> None: ...
    def add_to_bridge(self, bridge_id: str, channel_id: str) -> None: ...
    def destroy_bridge(self, bridge_id: str) -> None: ...


class Controller:
    """Watches one PBX and records its calls."""

    def __init__(
        self,
        pbx: Pbx,
        tracker: CallTracker,
        spool: Spool,
        *,
        answer_first: bool,
        work_waits: Callable[[], None],
        help_waits: Callable[[], None],
        read_journal: Callable[[], None],
        stored_keys: Callable[[], dict[str, str]],
    ) -> None:
        """`work_waits` is told when something was put into the spool, `help_waits` when somebody asked
        for help, `read_journal` when the dialplan
        may have recorded in our place; both only wake somebody else. `noted_keys` are the key presses
        the dialplan has written down, by their ids."""
        self._pbx, self._tracker, self._spool = pbx, tracker, spool
        self._answer_first = answer_first
        self._help_waits = help_waits
        self._work_waits, self._read_journal, self._stored_keys = work_waits, read_journal, stored_keys
        self._lanes = SerialExecutor()
        self._lock = threading.Lock()
        self._again: list[do.Action] = []
        self._checkpoints = Checkpoints(spool)
        self._departures = Hangups()
        self._recorded: deque[str] = deque(maxlen=REMEMBERED)
        self._pbx_ahead = timedelta(0)
        self.link_up = False
        self.link_changed_at = datetime.now(UTC)
        self.replaced = threading.Event()

    def run(self) -> None:
        """Watches the PBX until `stop`, and then finishes what was begun."""
        try:
            self._pbx.watch(self.handle, self._connected, self._lost)
        finally:
            self._lanes.close()
            again, self._again = self._again, []
            for command in again:  # once: what the disk still refuses must not keep the process from ending
                self._perform(command)

    def stop(self) -> None:
        """Ends `run`. Recordings under way go on in the PBX, and are taken up at the next start."""
        self._pbx.stop()

    def handle(self, event: Event) -> None:
        """One event of the PBX."""
        if isinstance(event, Replaced):
            log.error("another program has connected to the PBX under our name; this one ends")
            self.replaced.set()
            return
        if isinstance(event, ChannelDestroyed) and event.channel.is_own:
            self._departures.gone(event.channel.id)
        with self._lock:
            self._pbx_ahead = event.at - datetime.now(UTC)
            self._submit(self._wanted(event))

    def tick(self) -> None:
        """Time passes; called about twice a second."""
        with self._lock:
            again, self._again = self._again, []
            for command in again:
                self._enqueue(command)
            self._submit(self._tracker.tick(self._now()))

    def take_rules(self, office: Office) -> None:
        """Decides by these rules from now on; calls under way keep the decision they have."""
        with self._lock:
            self._tracker.environment = replace(self._tracker.environment, office=office)

    def has_recorded(self, linkedid: str) -> bool:
        """Whether a call was recorded from here, as far back as is remembered."""
        return linkedid in self._recorded

    def in_fallback(self) -> set[str]:
        """The linked ids of the calls under way that the dialplan took over."""
        with self._lock:
            return {each.record.linkedid for each in self._tracker.calls.values() if each.fallback}

    def has_heard(self, press: str) -> bool:
        """Whether a key press was acted on here, as far back as is remembered."""
        with self._lock:
            return self._tracker.has_heard(press)

    def live(self) -> list[tuple[str, str]]:
        """The recordings under way: extension and id."""
        with self._lock:
            return [
                (session.record.extension or "?", session.capture.recording_id)
                for session in self._tracker.calls.values()
                if session.capture and not session.capture.is_finished
            ]

    # --- events

    def _wanted(self, event: Event) -> list[do.Action]:
        try:
            return self._tracker.handle(event)
        except Exception:
            log.exception("a bug: please report it", kind=type(event).__name__)
            return self._tracker.let_through(event) if isinstance(event, GateEntered) else []

    def _now(self) -> datetime:
        """The PBX's time: it is compared with the times of its events."""
        return datetime.now(UTC) + self._pbx_ahead

    # --- the link

    def _connected(self) -> None:
        channels, bridges = self._pbx.channels(), self._pbx.bridges()
        ours = [each for each in channels if not each.is_own]
        told = {each.id: epoch(self._pbx.variable(each.id, FALLBACK_VARIABLE)) for each in ours}
        fallbacks = {id_: since for id_, since in told.items() if since}
        gates = [gate for each in ours if (gate := self._gate_of(each))]
        keys = self._keys_pressed()
        with self._lock:
            self._submit(self._tracker.compare(channels, bridges, fallbacks, gates, self._now(), keys))
        self._link(up=True)
        log.info("linked with the PBX", channels=len(ours), recorded_by_dialplan=len(fallbacks))
        self._read_journal()

    def recall(self, noted: dict[str, str]) -> None:
        """Acts on key presses that the dialplan has written down, those of which nothing was heard."""
        keys = parsed_keys(noted)
        with self._lock:
            self._submit(self._tracker.recall(keys, self._now()))

    def _keys_pressed(self) -> list[RawKeyPress] | None:
        """What staff have pressed while nobody listened, the oldest first. None: not known yet."""
        try:
            return parsed_keys(self._stored_keys())
        except CallrecError as error:
            log.error("keys that were pressed meanwhile cannot be read", problem=str(error))
            return None

    def _gate_of(self, channel: Channel) -> GateEntered | None:
        """What was asked at the gate about a channel, as the dialplan has noted it."""
        match self._pbx.variable(channel.id, PARTIES_VARIABLE).split("|"):
            case [direction, extension, number] if direction in set(Direction):
                return GateEntered(self._now(), channel, direction, extension, number)
        return None

    def _lost(self) -> None:
        if self.link_up:
            log.error("the link to the PBX is lost; its dialplan stands in")
        self._link(up=False)

    def _link(self, *, up: bool) -> None:
        if up != self.link_up:
            self.link_up, self.link_changed_at = up, datetime.now(UTC)

    # --- commands

    def _submit(self, wanted: list[do.Action]) -> None:
        for command in wanted:
            if isinstance(command, do.SaveCheckpoint):
                self._checkpoints.ask(command)
            self._enqueue(command)

    def _enqueue(self, command: do.Action) -> None:
        lane = "spool" if isinstance(command, TO_SPOOL) else command.side
        self._lanes.submit(f"{command.linkedid} {lane}", lambda: self._perform(command))

    def _perform(self, command: do.Action) -> None:
        try:
            self._do(command)
        except CallrecError as error:
            self._failed(command, error)
        except OSError as error:
            # The disk of the spool: the command is not forgotten, it is tried again at the next tick.
            log.error("the spool cannot be written", problem=str(error), call=command.linkedid)
            with self._lock:
                self._again.append(command)
        except Exception:
            log.exception("a bug: please report it", command=type(command).__name__, call=command.linkedid)

    def _do(self, command: do.Action) -> None:
        match command:
            case do.LetThrough():
                self._let_through(command)
            case do.StartSnoop():
                self._pbx.snoop(command.channel, command.snoop, spy=command.spy, whisper=command.whisper)
            case do.AwaitHangup():
                if not self._departures.wait(command.channels):
                    log.warning("snoops that were hung up may still be there", call=command.linkedid)
            case do.RecordSnoop():
                self._checkpoints.wait(command.linkedid)
                self._pbx.record(command.snoop, command.name)
            case do.PlayMedia():
                self._pbx.play(command.snoop, command.playback, list(command.media))
            case do.Mute():
                self._pbx.mute(command.name)
            case do.Unmute():
                self._pbx.unmute(command.name)
            case do.HangUp():
                self._pbx.hang_up(command.channel)
            case do.DialSupportPhone() | do.MakeBridge() | do.AddToBridge() | do.DestroyBridge():
                self._do_for_phone(command)
            case _:
                self._write_down(command)

    def _write_down(self, command: do.Action) -> None:
        match command:
            case do.SaveCheckpoint():
                self._checkpoints.save(command)
            case do.SaveOpenCall():
                self._save_open_call(command)
            case do.HandOver():
                self._spool.hand_over(command.captured)
            case do.Discard():
                self._spool.discard(command.captured, whole=command.whole)
            case do.SaveCall():
                self._spool.save_call(command.call)
                self._spool.forget_open_call(command.call.id)
            case do.SaveAlert():
                self._spool.save_alert(command.alert)
                self._help_waits()
            case do.ReadJournal():
                self._spool.forget_open_call(command.call_id)
                self._read_journal()
        if isinstance(command, (do.HandOver, do.Discard)):
            self._checkpoints.drop(command.linkedid)
            self._spool.forget_open_call(command.captured.call.id)
            self._recorded.append(command.captured.call.linkedid)
        if isinstance(command, (do.HandOver, do.Discard, do.SaveCall)):
            self._work_waits()

    def _do_for_phone(self, command: do.Action) -> None:
        match command:
            case do.DialSupportPhone():
                self._pbx.dial(command.channel, command.endpoint, command.caller)
            case do.MakeBridge():
                self._pbx.create_bridge(command.bridge)
            case do.AddToBridge():
                self._pbx.add_to_bridge(command.bridge, command.channel)
            case do.DestroyBridge():
                self._pbx.destroy_bridge(command.bridge)

    def _save_open_call(self, command: do.SaveOpenCall) -> None:
        """Not tried again: a note that comes late would bring back a call that is over."""
        try:
            self._spool.save_open_call(command.call)
        except OSError as error:
            log.warning("a call cannot be noted", problem=str(error), call=command.linkedid)

    def _let_through(self, command: do.LetThrough) -> None:
        if command.sounds:
            self._pbx.set_variable(command.channel, PROMPTS_VARIABLE, "&".join(command.sounds))
            self._pbx.set_variable(command.channel, ANSWER_VARIABLE, "1" if self._answer_first else "")
        self._pbx.resume(command.channel)

    def _failed(self, command: do.Action, error: CallrecError) -> None:
        log.warning(
            "refused by the PBX", command=type(command).__name__, call=command.linkedid, problem=str(error)
        )
        with self._lock:
            self._submit(self._tracker.command_failed(command, str(error), self._now()))


def parsed_keys(noted: dict[str, str]) -> list[RawKeyPress]:
    """The key presses the dialplan noted, the oldest first; lines that nobody can read are left out."""
    found = []
    for id_, line in noted.items():
        with suppress(ValueError, OverflowError):
            found.append(RawKeyPress.parse(id_, line))
    return sorted(found, key=lambda each: each.at)
