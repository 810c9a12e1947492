"""Acts on the keys that staff press during one call, by the rule of who talks.

The layer of a call above its events (`call_events`). What a key does in which state stands in `keys`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from callrec.model.calls import FeatureCode, KeyPress, KeyResult
from callrec.model.rules import Mode
from callrec.pbx.events import RawKeyPress
from callrec.recording import legs as of_legs
from callrec.recording.actions import Action, SaveCall
from callrec.recording.call_events import CallEvents
from callrec.recording.decisions import in_force, mode_for_keys
from callrec.recording.keys import marks, result_in_fallback, traits
from callrec.recording.states import RecordingState


@dataclass(slots=True)
class CallKeys(CallEvents):
    """A call with its media and the keys of staff."""

    end_unseen: bool = False
    """Whether the call ended while nobody watched."""

    def pressed(
        self, key: FeatureCode, id_: str, channel: str, extension: str, at: datetime, now: datetime
    ) -> list[Action]:
        """Does what a key asks for that staff pressed at `at`, heard of at `now`, and writes it down.

        Returns ``[]`` where the press, by its id, is known. `channel` is whose key it was, empty where that
        is not known; who pressed hears a tone there. Both times are by the PBX's clock.
        """
        # decision 12: told twice, by an event and by AstDB, it counts once
        if any(each.id == id_ for each in self.record.key_presses):
            return []
        paused_since = any(
            each.result is KeyResult.PAUSED and each.at > at for each in self.record.key_presses
        )
        result, actions = self._obey(key, now, in_pause=paused_since)
        there = channel if channel in self.legs else ""
        if traits(key).calls_for_help:
            actions += self._call_for_help(key, id_, extension, there, at)
        press = KeyPress(id_, key, result, channel, extension, at)
        presses = (*self.record.key_presses, press)
        incident = self.record.incident or marks(result)
        self.record = replace(self.record, key_presses=presses, incident=incident)
        quiet, number = self.is_quiet, len(presses)
        heard = self.tones.confirm(key, result, there, number, quiet=quiet) if there else []
        return [*actions, *heard, *self.save_checkpoint(), *self._save_late()]

    def had(self, key: RawKeyPress) -> bool:
        """Tells whether who pressed a key took part in this call then, on that channel.

        Their linked ids may differ. Of staff who had left before a call was taken over, the channel is not
        known: they have another's.
        """
        extension = self.decisions.office.extension_of(key.by)
        others = {each.channel for each in self.record.participants if each.extension != extension}
        return any(
            each.extension == extension
            and (not key.channel or each.channel == key.channel or each.channel in others)
            and each.joined_at <= key.at <= (each.left_at or key.at)
            for each in self.record.participants
        )

    def keys_are_known(self) -> None:
        """Takes note that all keys that were pressed while nobody listened have been told."""
        self.keys_unknown = False

    def _call_for_help(
        self, key: FeatureCode, press: str, extension: str, channel: str, at: datetime
    ) -> list[Action]:
        kept = self.recorder.is_heard and self.recorder.state is RecordingState.KEPT
        recorded = kept or self._fallback_records(self._mode_for(key))
        return self.assistance.asked(self.record, press, extension, channel, at, recorded=recorded)

    def _save_late(self) -> list[Action]:
        """Writes the row again for a key that is told late, where no recording brings the row."""
        has_row = self.is_over and not self.capture and not self.fallback
        return [SaveCall(self.linkedid, self.record)] if has_row else []

    def _obey(self, key: FeatureCode, at: datetime, *, in_pause: bool) -> tuple[KeyResult, list[Action]]:
        """Does what a key asks for. `in_pause`: a pause that was asked for later goes on."""
        decided = self._decide_in_fallback(at) if self.fallback else []
        mode = self._mode_for(key)
        if self._fallback_records(mode):
            # decision 12: what the fallback records is only marked
            return result_in_fallback(key, recorded=True, marked=self.record.incident), decided
        legs = list(self.talking().values()) or list(self.legs.values())
        channel = of_legs.captured(legs, self.caller).id if legs else ""
        before = self.capture
        result, actions = self.recorder.pressed(
            key, mode if self._can_be_captured else Mode.NEVER, channel, at, in_pause=in_pause
        )
        if self.capture is not before:
            self.record = replace(self.record, decision=in_force(self.record))
        return result, [*decided, *actions]

    @property
    def _can_be_captured(self) -> bool:
        """Whether there is a channel to capture, or a capture that a key can be about."""
        if self.is_over and not self.keys_unknown:
            return False
        return self.capture is not None or (bool(self.legs) and not self.end_unseen)

    def _mode_for(self, key: FeatureCode) -> Mode:
        """Returns the mode a key goes by. What there is can be kept also when the party outside has left."""
        there_is = self.recorder.state in (RecordingState.STANDBY, RecordingState.KEPT)
        before = self.decisions.before if there_is and traits(key).is_about_before else None
        return mode_for_keys(self.record, before, captured=self.capture is not None)

    def _fallback_records(self, mode: Mode) -> bool:
        barred = self.record.unannounced_at is not None
        return self.is_recorded_by_fallback and not barred and mode is Mode.AUTOMATIC

    def _decide_in_fallback(self, at: datetime) -> list[Action]:
        """Decides the call late: the fallback does not record what waits for a key, so callrec does."""
        talking = list(self.talking().values())
        if not self.record.answered_at and len(talking) >= 2:
            self.record = self.decisions.answered(self.record, talking, self.caller, at)
            self.note("callrec was away when this call began")
        return self.refuse_unannounced(at)
