"""Carries out the actions of the core, one at a time: those about the PBX, and those about the spool.

The controller calls it on threads of the serial executor. What is refused or fails is raised; trying again
is not done here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

import structlog

from callrec.controller.checkpoints import Checkpoints
from callrec.controller.drafts import Drafts, NoDrafts, State
from callrec.controller.hangups import Hangups
from callrec.errors import CallrecError, PbxUnreachable
from callrec.meters import Meters
from callrec.model.alerts import Alert
from callrec.model.captures import Capture
from callrec.model.flaws import Flaw
from callrec.pbx import mixmonitor
from callrec.recording import actions as do
from callrec.recording.segment import SIDES
from callrec.spool.directory import Spool
from callrec.spool.tracks import is_momentary

log = structlog.get_logger()

PROMPTS_VARIABLE = "CALLREC_PROMPTS"
"""What the dialplan plays before the phone rings, set at the gate: sounds with ``&`` between them."""
ANSWER_VARIABLE = "CALLREC_ANSWER"
"""Whether the dialplan answers the call before it plays them, set at the gate: 1 or empty (decision 5)."""
LET_GO_SECONDS = 0.1
"""How long the PBX may take to let go of what it decoded for a MixMonitor, which tells nothing of its end:
two packets, and what its thread waits for on a busy machine. Too soon, half of the voices are lost."""
OUT_SECONDS = 0.06
"""How long a channel may be in no bridge before that is no hang-up, nor a way into another one."""
END = "end"
"""The gate's extension at which the dialplan ends what it records of a channel."""
REMEMBERED = 10_000
"""How many calls of which something was captured are remembered, against the journal of the dialplan."""


class PbxCommands(Protocol):
    """What is asked of a PBX to do with channels, recordings and bridges. Refusals are CallrecErrors."""

    def variable(self, channel_id: str, name: str) -> str: ...
    def stored_size(self, name: str) -> int | None: ...
    def delete_stored(self, name: str) -> None: ...
    def resume(self, channel_id: str, extension: str = ...) -> None: ...
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


class DialplanCommands(Protocol):
    """What is asked of the dialplan of channels, told by their ids. Refusals are CallrecErrors."""

    def set_variables(self, channel: str, values: Mapping[str, str]) -> bool: ...
    def answers(self) -> bool: ...
    def records(self, channel: str) -> bool: ...
    def stop(self, channel: str) -> None: ...
    def mute(self, channel: str, side: str, *, on: bool) -> None: ...
    def forget(self, channel: str) -> None: ...


class PbxPerformer:
    """Performs what is for the PBX. Raises CallrecError when it refuses or does not answer."""

    def __init__(
        self,
        pbx: PbxCommands,
        hangups: Hangups,
        checkpoints: Checkpoints,
        *,
        answer_first: bool,
        dialplan: DialplanCommands,
        took_over: Callable[[do.StopFallback, timedelta], None],
        look_again: Callable[[do.LookAgain], None],
    ) -> None:
        """Makes a performer.

        `took_over` is told that what the fallback recorded has ended, and how long it is; `look_again` that
        the moment has gone by that a call wanted to wait.
        """
        self._pbx, self._hangups, self._checkpoints = pbx, hangups, checkpoints
        self._answer_first, self._dialplan = answer_first, dialplan
        self._took_over, self._look_again = took_over, look_again

    def perform(self, action: do.PbxAction) -> None:
        """Carries out one action. It may wait some milliseconds for a hang-up or a checkpoint."""
        match action:
            case do.LetThrough():
                self._let_through(action)
            case do.StartSnoop():
                self._pbx.snoop(action.channel, action.snoop, spy=action.spy, whisper=action.whisper)
            case do.AwaitHangup():
                if not self._hangups.wait(action.channels):  # decision 9
                    log.warning("snoops that were hung up may still be there", call=action.linkedid)
            case do.RecordSnoop():
                self._checkpoints.wait(action.linkedid)  # a restart must know of what is recorded
                self._pbx.record(action.snoop, action.name)
            case do.PlayMedia():
                self._pbx.play(action.snoop, action.playback, list(action.media))
            case do.Mute() | do.Unmute():
                self._mute(action, on=isinstance(action, do.Mute))
            case do.HangUp():
                self._pbx.hang_up(action.channel)
            case do.ProveMonitor() | do.StopMonitor() | do.AwaitStop() | do.DropMonitor() | do.LookAgain():
                self._about_monitor(action)
            case do.StopFallback():
                self._stop_fallback(action)
            case do.DialSupportPhone():
                self._pbx.dial(action.channel, action.endpoint, action.caller)
            case do.MakeBridge():
                self._pbx.create_bridge(action.bridge)
            case do.AddToBridge():
                self._pbx.add_to_bridge(action.bridge, action.channel)
            case do.DestroyBridge():
                self._pbx.destroy_bridge(action.bridge)
            case _:
                assert_never(action)  # decision 15: a new action is found by the type checker

    def _let_through(self, action: do.LetThrough) -> None:
        """Sets what the dialplan plays, if anything, and lets the call go on (decision 2)."""
        by_ami = True
        if action.sounds:
            answer = "1" if self._answer_first else ""
            values = {PROMPTS_VARIABLE: "&".join(action.sounds), ANSWER_VARIABLE: answer}
            by_ami = self._dialplan.set_variables(action.channel, values)
        # What could not be ended must not begin, and without DB() there would be no line of it.
        begins = action.record_since and by_ami and self._dialplan.answers()
        at = _milliseconds(action.record_since) if begins else END if action.ends_recording else ""
        self._pbx.resume(action.channel, at)

    def _mute(self, action: do.Mute | do.Unmute, *, on: bool) -> None:
        if action.monitored:
            self._dialplan.mute(action.monitored, action.side, on=on)
        elif on:
            self._pbx.mute(action.name)
        else:
            self._pbx.unmute(action.name)

    def _about_monitor(
        self, action: do.ProveMonitor | do.StopMonitor | do.AwaitStop | do.DropMonitor | do.LookAgain
    ) -> None:
        """Does what is about a recording that the dialplan makes for callrec (decision 27)."""
        match action:
            case do.ProveMonitor():
                self._prove(action)
            case do.StopMonitor():
                self._dialplan.stop(action.channel)
            case do.AwaitStop():
                self._hangups.pause(action.side + action.linkedid, LET_GO_SECONDS)
            case do.LookAgain():
                self._hangups.pause(action.linkedid, OUT_SECONDS)
                self._look_again(action)
            case do.DropMonitor():
                self._drop_monitor(action)
            case _:
                assert_never(action)

    def _prove(self, action: do.ProveMonitor) -> None:
        """Raises CallrecError where the PBX says that there is nothing; one that says nothing may record."""
        self._checkpoints.wait(action.linkedid)
        with suppress(PbxUnreachable):
            if self._pbx.stored_size(action.names[0]) is None:
                raise CallrecError("the dialplan does not record {channel}", channel=action.channel)

    def _drop_monitor(self, action: do.DropMonitor) -> None:
        """Ends what the dialplan records, and destroys it; its line is forgotten where the call goes on."""
        self._dialplan.stop(action.channel)
        for side in SIDES:
            self._pbx.delete_stored(f"{action.file}-{side}")
        self._dialplan.forget(action.channel)

    def _stop_fallback(self, action: do.StopFallback) -> None:
        """Ends what the dialplan records for callrec, and tells how long it is."""
        if not self._dialplan.records(action.channel):  # the first one may be the office's own
            raise CallrecError("the PBX records nothing of {channel} for callrec", channel=action.channel)
        self._dialplan.stop(action.channel)
        size = 0
        with suppress(CallrecError):  # it has ended: the call must be gone on with, however long that was
            size = max(self._pbx.stored_size(f"{action.file}-{side}") or 0 for side in SIDES)
        self._took_over(action, mixmonitor.duration(size))


def _milliseconds(moment: datetime | None) -> str:
    """Returns the gate's extension at which a call goes on that is to be recorded since then."""
    return str(round(moment.timestamp() * 1000)) if moment else ""


class SpoolPerformer:
    """Performs what is for the spool. Raises OSError when its disk is full or fails."""

    def __init__(
        self,
        spool: Spool,
        checkpoints: Checkpoints,
        *,
        sound_waits: Callable[[], None],
        row_waits: Callable[[], None],
        take_alert: Callable[[Alert], None],
        read_journal: Callable[[], None],
        drafts: Drafts | None = None,
    ) -> None:
        """`take_alert` sends an alert and writes it down; the others only wake somebody: see Controller."""
        self._spool, self._checkpoints, self._drafts = spool, checkpoints, drafts or NoDrafts()
        self._sound_waits, self._row_waits = sound_waits, row_waits
        self._take_alert, self._read_journal = take_alert, read_journal
        self._recorded: deque[str] = deque(maxlen=REMEMBERED)
        self.meters = Meters()

    def has_recorded(self, linkedid: str) -> bool:
        """Tells whether something of a call was captured here, kept or not, as far back as is remembered."""
        return linkedid in self._recorded

    def perform(self, action: do.SpoolAction) -> None:
        """Carries out one action, and wakes whoever goes on with it."""
        match action:
            case do.SaveCheckpoint():
                self._checkpoints.save(action)
            case do.SaveOpenCall():
                self._spool.save_open_call(action.call)
            case do.HandOver():
                self._spool.hand_over(action.captured)
                self._drafts.note(State.KEPT, action.captured)
                self._captured(action)
                self._sound_waits()
                self._look_whether_recorded(action)
            case do.Discard():
                self._spool.discard(action.captured, whole=action.whole)
                if action.whole:
                    self._drafts.note(State.DISCARDED, action.captured)
                self._captured(action)
                self._row_waits()
            case do.SaveCall():
                self._spool.save_call(action.call)
                self._spool.forget_open_call(action.call.id)
                self.meters.call_over(action.call)
                self._row_waits()
            case do.SaveAlert():
                self._take_alert(action.alert)  # it leaves also where the disk is full (decision 11)
            case do.ReadJournal():
                self._spool.forget_open_call(action.call_id)
                self._read_journal()
            case do.TellFlaw():
                self._spool.tell_flaw(action.call_id, action.flaw)
                log.error("told in callrec status", flaw=action.flaw, call=action.call_id)
            case _:
                assert_never(action)  # decision 15: a new action is found by the type checker

    def _look_whether_recorded(self, action: do.HandOver) -> None:
        """Tells of a call that was to be recorded, and of which the PBX began no track."""
        call, capture = action.captured.call, action.captured.capture
        # What was refused at once has ended at once, however long the call was.
        lasted = replace(capture, ended_at=call.ended_at or capture.ended_at)
        if has_no_track(capture) and not is_momentary(lasted):
            self._tell_flaw(call.id, Flaw.NOT_RECORDED)

    def _tell_flaw(self, call_id: str, flaw: Flaw) -> None:
        self._spool.tell_flaw(call_id, flaw)
        log.error("told in callrec status", flaw=flaw, call=call_id)

    def _captured(self, action: do.HandOver | do.Discard) -> None:
        """Drops what was written of a call while it was open: what was captured is safe in the spool."""
        capture = action.captured.capture
        recorded = not has_no_track(capture)
        self.meters.captured(capture, kept=isinstance(action, do.HandOver), recorded=recorded)
        self._checkpoints.drop(action.linkedid)
        self._spool.forget_open_call(action.captured.call.id)
        self._recorded.append(action.captured.call.linkedid)


def has_no_track(capture: Capture) -> bool:
    """Returns whether nothing told that a track of it was begun, while somebody watched."""
    return not any(each.may_have_begun for each in capture.tracks)
