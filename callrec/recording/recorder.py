"""Records one call by the rules and the keys of staff: begins, silences and ends its capture.

A recording starts here and nowhere else, in `CallRecorder._begin`: when two parties are connected and the
decision says so (`decided`), when others talk (`decided_anew`), or by a key (`pressed`). What the dialplan
records already is taken up (`take_up`) or taken over (`take_over`). The class also knows what of the capture
is kept. How a capture runs is in `capture`; what a key does in which state, in `keys`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from callrec.model.calls import CallRecord, FeatureCode, KeyResult
from callrec.model.captures import (
    Capture,
    CapturedCall,
    Checkpoint,
    KeptBecause,
    Segment,
    SilenceReason,
)
from callrec.model.rules import Mode
from callrec.recording.actions import Action, Discard, HandOver, SaveCheckpoint
from callrec.recording.capture import LiveCapture
from callrec.recording.keys import pressed, traits
from callrec.recording.legs import Leg
from callrec.recording.monitor import Monitor, State
from callrec.recording.states import KEEPING, RecordingState, Step, advance


@dataclass(slots=True)
class CallRecorder:
    """The capture of one call (None: nothing was captured), and the state of what is kept of it."""

    linkedid: str
    new_id: Callable[[], str]
    capture: LiveCapture | None = None
    state: RecordingState = RecordingState.UNRECORDED

    @property
    def handed_over(self) -> bool:
        """Whether the capture was given to the spool, to be kept or destroyed: it is done with here."""
        return self.state in (RecordingState.HANDED_OVER, RecordingState.DISCARDED)

    @property
    def is_under_way(self) -> bool:
        """Whether a recording has begun and was not handed over: on standby, kept or stopped."""
        return self.state in (RecordingState.STANDBY, RecordingState.KEPT, RecordingState.STOPPED)

    @property
    def is_heard(self) -> bool:
        """Whether what is said now is being kept, or would be if a key were pressed."""
        return self.is_under_way and self.capture is not None and not self.capture.is_silent

    # --- by the rules

    def decided(self, mode: Mode, channel: str, at: datetime) -> list[Action]:
        """Begins what a decision asks for, where nothing is captured yet, and the call is not barred."""
        if self.state is RecordingState.BARRED:
            return []
        match mode:
            case Mode.AUTOMATIC:
                return self._begin(channel, KeptBecause.AUTOMATIC, at)
            case Mode.STANDBY:
                return self._begin(channel, None, at)
            case Mode.MANUAL | Mode.NEVER:
                return []
            case _:
                assert_never(mode)

    def take_up(self, monitor: Monitor, leg: Leg, at: datetime) -> list[Action]:
        """Goes on, from the answer on, with what the dialplan records of a leg for callrec."""
        self._step(Step.START)
        monitor.state = State.TAKEN
        self.capture = LiveCapture(self.linkedid, monitor.recording_id, at, KeptBecause.AUTOMATIC)
        return self.capture.take_up(monitor.file, leg.id, leg.bridge, leg.bridged_at or at)

    def take_over(self, id_: str, recorded: Segment, channel: str, at: datetime) -> list[Action]:
        """Goes on, as recording `id_`, with what the dialplan's fallback has recorded until now."""
        self._step(Step.START)
        began = recorded.began_at or at
        self.capture = LiveCapture(self.linkedid, id_, began, KeptBecause.AUTOMATIC)
        return self.capture.go_on_from(recorded, channel, at)

    def decided_anew(self, mode: Mode, channel: str, at: datetime, silent_since: datetime) -> list[Action]:
        """Does what another decision asks for, because others talk now: never is silence, automatic records.

        A recording that is under way goes on where the rule leaves it to a key (decision 12).

        Under `never` both tracks are silent, so that nobody of the call is heard, until others talk again
        whose decision is another one, or until the end. One party whose rule is `never` suffices. It begins
        at `silent_since`: at the moment in which that phone was connected, which is `at`; where nobody saw
        that, from when its channel is there. Where nothing is being recorded, nothing begins.
        """
        if not self.is_under_way or not self.capture:
            return self.decided(mode, channel, at)
        if mode is Mode.NEVER:
            # decision 12: the spool writes silence there, too
            return self.capture.silence(SilenceReason.NEVER, silent_since)
        actions = self.capture.resume(SilenceReason.NEVER, at)
        if mode is Mode.AUTOMATIC:
            actions += self._record_automatically(self.capture, at)
        return actions

    def _record_automatically(self, capture: LiveCapture, at: datetime) -> list[Action]:
        """Keeps what is on standby from now on, and goes on with what was stopped."""
        if self.state is RecordingState.STANDBY:
            capture.keep_from_now(KeptBecause.AUTOMATIC)
            self._step(Step.KEEP)
        if self.state is RecordingState.STOPPED:
            self._step(Step.START)
        return capture.resume(SilenceReason.STOP, at)

    def bar(self, at: datetime) -> list[Action]:
        """Records nothing of this call from now on, and has all destroyed that was captured, at its end."""
        self._step(Step.BAR)
        return self.capture.give_up(at) if self.capture else []

    # --- by the keys

    def pressed(
        self, key: FeatureCode, mode: Mode, channel: str, at: datetime, *, in_pause: bool = False
    ) -> tuple[KeyResult, list[Action]]:
        """Does what a key of staff asks for; returns what it did. `channel` is captured, if that begins.

        `in_pause`: the key was pressed before a pause, and is told late: the pause goes on.
        """
        paused = bool(self.capture and self.capture.silences.is_on_for(SilenceReason.PRIVACY))
        marked = bool(self.capture and self.capture.kept_because is not KeptBecause.AUTOMATIC)
        result, step = pressed(key, mode, self.state, paused=paused, marked=marked)
        if step:
            return result, self._take(step, key, channel, at, in_pause=in_pause)
        return result, self._pause(result, at)

    def _take(
        self, step: Step, key: FeatureCode, channel: str, at: datetime, *, in_pause: bool
    ) -> list[Action]:
        """Takes a step that a key asks for."""
        begins = self.capture is None
        match step:
            case Step.START | Step.KEEP | Step.MARK:
                because = traits(key).because
                return (
                    self._begin(channel, because, at)
                    if begins
                    else self._keep(step, because, at, in_pause=in_pause)
                )
            case Step.STOP:
                return self._stop(at)
            case Step.STAND_BY | Step.BAR | Step.END:
                return []  # no key asks for these
            case _:
                assert_never(step)

    def _keep(self, step: Step, because: KeptBecause, at: datetime, *, in_pause: bool) -> list[Action]:
        """Keeps all that was recorded, because staff want it; a pause or a stop ends with that."""
        assert self.capture is not None  # it is under way
        self._step(step)
        asked_for_help = self.capture.kept_because is KeptBecause.HELP
        self.capture.keep(KeptBecause.HELP if asked_for_help else because)
        resumed = self.capture.resume(SilenceReason.STOP, at)
        return [*resumed, *([] if in_pause else self._resume(at))]

    def _stop(self, at: datetime) -> list[Action]:
        """Ends the segment, and a pause with it. What was recorded stays, and waits for another segment."""
        assert self.capture is not None  # it is kept
        self._step(Step.STOP)
        # In this order: what ends the pause first would record until the snoops are gone.
        stopped = self.capture.silence(SilenceReason.STOP, at)
        return [*stopped, *self.capture.resume(SilenceReason.PRIVACY, at)]

    def _pause(self, result: KeyResult, at: datetime) -> list[Action]:
        """Begins or ends a privacy pause, where a key did that. All else that a key does is a step."""
        match result:
            case KeyResult.PAUSED:
                return self.capture.silence(SilenceReason.PRIVACY, at) if self.capture else []
            case KeyResult.RESUMED:
                return self._resume(at)
            case KeyResult.STARTED | KeyResult.KEPT | KeyResult.STOPPED | KeyResult.MARKED:
                return []
            case KeyResult.UNCHANGED | KeyResult.HELP_SENT | KeyResult.REFUSED:
                return []
            case _:
                assert_never(result)

    def _resume(self, at: datetime) -> list[Action]:
        assert self.capture is not None
        return [*self.capture.resume(SilenceReason.PRIVACY, at), *self.capture.renew_snoops(at)]

    def _begin(self, channel: str, because: KeptBecause | None, at: datetime) -> list[Action]:
        self._step(Step.START if because else Step.STAND_BY)
        self.capture = LiveCapture(self.linkedid, self.new_id(), at, because)  # decision 6
        return self.capture.start_segment(channel, at)

    def _step(self, step: Step) -> None:
        self.state = advance(KEEPING, self.state, step)

    # --- what becomes of it

    def checkpoint(self, call: CallRecord) -> list[Action]:
        """Writes down how it stands. Returns ``[]`` where nothing is captured or it was handed over."""
        if not self.capture or self.handed_over:
            return []
        return [SaveCheckpoint(self.linkedid, Checkpoint(call, self.capture.frozen()))]

    def hand_over(self, call: CallRecord) -> list[Action]:
        """Gives away a finished capture of a call that is over, to be kept or, on standby, destroyed.

        Both, where only a later stretch is kept (decision 12). Returns ``[]`` before that, and after it.
        """
        if not self.capture or self.handed_over or not call.outcome or not self.capture.is_finished:
            return []
        self._step(Step.END)
        kept, unwanted = self.capture.kept(), self.capture.unwanted()
        actions: list[Action] = []
        if unwanted or self.state is RecordingState.DISCARDED:
            captured = CapturedCall(call, unwanted or self.capture.frozen())
            actions.append(Discard(self.linkedid, captured, whole=kept is None))
        if kept or not actions:
            actions.append(HandOver(self.linkedid, CapturedCall(call, kept or self.capture.frozen())))
        return actions

    @property
    def is_wanted(self) -> bool:
        """Whether all that was captured is to be kept: nothing is left that a key could save."""
        return bool(self.capture and self.capture.kept_because and not self.capture.unwanted())

    @property
    def is_kept_in_part(self) -> bool:
        """Whether some segments are to be kept and others destroyed."""
        return bool(self.capture and self.capture.kept() and self.capture.unwanted())

    @property
    def tells_the_end(self) -> bool:
        """Whether a recording is kept whose length will tell when a call ended that nobody saw end."""
        return bool(self.capture and self.capture.kept())

    def restore(self, capture: Capture) -> LiveCapture:
        """Takes up a capture as it was written down before a restart."""
        self.capture = LiveCapture.restored(self.linkedid, capture)
        if self.state is RecordingState.BARRED:
            return self.capture
        self._step(Step.START if capture.kept_because else Step.STAND_BY)
        if self.capture.silences.is_on_for(SilenceReason.STOP):
            self._step(Step.STOP)
        return self.capture
