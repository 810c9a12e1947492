"""What is captured of a call, and what of that is kept: by the rules, and by the keys of staff. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from callrec.model.calls import CallRecord, FeatureCode, KeyResult
from callrec.model.captures import Capture, CapturedCall, Checkpoint, KeptBecause, SilenceReason
from callrec.model.rules import Mode
from callrec.recording.actions import Action, Discard, HandOver, SaveCheckpoint
from callrec.recording.capture import LiveCapture
from callrec.recording.keys import effect
from callrec.recording.states import RecordingState


@dataclass(slots=True)
class CallRecorder:
    """The capture of one call, as long as it runs; `handed_over`: what became of it is the spool's."""

    linkedid: str
    new_id: Callable[[], str]
    capture: LiveCapture | None = None
    handed_over: bool = False

    @property
    def keeping(self) -> RecordingState:
        if not self.capture:
            return RecordingState.UNRECORDED
        if not self.capture.kept_because:
            return RecordingState.DISCARDED if self.handed_over else RecordingState.STANDBY
        if self.handed_over:
            return RecordingState.HANDED_OVER
        return (
            RecordingState.STOPPED if self.capture.is_silent_for(SilenceReason.STOP) else RecordingState.KEPT
        )

    @property
    def is_under_way(self) -> bool:
        return self.keeping in (RecordingState.STANDBY, RecordingState.KEPT, RecordingState.STOPPED)

    @property
    def is_heard(self) -> bool:
        """Whether what is said now is being kept, or would be if a key were pressed."""
        return self.is_under_way and self.capture is not None and not self.capture.is_silent

    # --- by the rules

    def decided(self, mode: Mode, channel: str, at: datetime) -> list[Action]:
        """What a decision asks for, where nothing is captured yet."""
        if mode not in (Mode.AUTOMATIC, Mode.STANDBY):
            return []
        return self._begin(channel, KeptBecause.AUTOMATIC if mode is Mode.AUTOMATIC else None, at)

    def turned(self, mode: Mode, channel: str, at: datetime, silent_since: datetime) -> list[Action]:
        """Another decision, because others talk now: never is silence, automatic begins a recording.

        One that is under way goes on with whoever's rule leaves it to a key.
        """
        if not self.is_under_way or not self.capture:
            return self.decided(mode, channel, at)
        if mode is Mode.NEVER:
            return self.capture.silence(SilenceReason.NEVER, silent_since)
        commands = self.capture.resume(SilenceReason.NEVER, at)
        if mode is Mode.AUTOMATIC:
            commands += self.capture.resume(SilenceReason.STOP, at)
            if not self.capture.kept_because:
                self.capture.keep_from_now(KeptBecause.AUTOMATIC)
        return commands

    # --- by the keys

    def pressed(
        self, key: FeatureCode, mode: Mode, channel: str, at: datetime
    ) -> tuple[KeyResult, list[Action]]:
        """What a key of staff does. `channel` is what is to be captured, if it begins something."""
        paused = bool(self.capture and self.capture.is_silent_for(SilenceReason.PRIVACY))
        marked = bool(self.capture and self.capture.kept_because != KeptBecause.AUTOMATIC)
        does = effect(key, mode, self.keeping, paused=paused, marked=marked)
        if does is KeyResult.REFUSED:
            return does, []
        if does is KeyResult.STOPPED and self.capture:
            # In this order: what ends the pause first would record until the snoops are gone.
            return does, [
                *self.capture.silence(SilenceReason.STOP, at),
                *self.capture.resume(SilenceReason.PRIVACY, at),
            ]
        if does is KeyResult.PAUSED and self.capture:
            return does, self.capture.silence(SilenceReason.PRIVACY, at)
        if key is FeatureCode.STOP or mode is Mode.NEVER:
            return does, []
        return does, self._wanted(key, channel, at)

    def _wanted(self, key: FeatureCode, channel: str, at: datetime) -> list[Action]:
        """Staff want it recorded: it begins or goes on, and nothing of it is discarded."""
        because = KeptBecause.HELP if key is FeatureCode.HELP else KeptBecause.KEY
        if not self.capture:
            return self._begin(channel, because, at)
        commands: list[Action] = []
        if key is not FeatureCode.PAUSE:
            self.capture.keep(KeptBecause.HELP if self.capture.kept_because == KeptBecause.HELP else because)
            commands = self.capture.resume(SilenceReason.STOP, at)
        return [*commands, *self.capture.resume(SilenceReason.PRIVACY, at), *self.capture.renew_snoops(at)]

    def _begin(self, channel: str, because: KeptBecause | None, at: datetime) -> list[Action]:
        self.capture = LiveCapture(self.linkedid, self.new_id(), at, because)
        return self.capture.start_segment(channel, at)

    # --- what becomes of it

    def checkpoint(self, call: CallRecord) -> list[Action]:
        """Writes down how it stands."""
        if not self.capture or self.handed_over:
            return []
        return [SaveCheckpoint(self.linkedid, Checkpoint(call, self.capture.frozen()))]

    def hand_over(self, call: CallRecord) -> list[Action]:
        """A finished capture of a call that is over is kept, or destroyed where it stayed on standby."""
        if not self.capture or self.handed_over or not call.outcome or not self.capture.is_finished:
            return []
        self.handed_over = True
        kept, unwanted = self.capture.kept(), self.capture.unwanted()
        commands: list[Action] = []
        if unwanted or not self.capture.kept_because:
            captured = CapturedCall(call, unwanted or self.capture.frozen())
            commands.append(Discard(self.linkedid, captured, whole=kept is None))
        if kept or not commands:
            commands.append(HandOver(self.linkedid, CapturedCall(call, kept or self.capture.frozen())))
        return commands

    @property
    def is_wanted(self) -> bool:
        """Whether all that was captured is to be kept: nothing is left that a key could save."""
        return bool(self.capture and self.capture.kept_because and not self.capture.unwanted())

    @property
    def is_kept_in_part(self) -> bool:
        return bool(self.capture and self.capture.kept() and self.capture.unwanted())

    @property
    def tells_the_end(self) -> bool:
        """Whether the length of a recording will tell when a call ended of which nobody saw the end."""
        return bool(self.capture and self.capture.kept())

    def restore(self, capture: Capture) -> None:
        self.capture = LiveCapture.restored(self.linkedid, capture)
