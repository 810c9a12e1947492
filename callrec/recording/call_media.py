"""The media of one call: what is captured and announced in it, who hears that, and what is written down.

The lowest of the layers of a call; each uses only those below it. Whether a call is recorded is not decided
here, and what follows from events of the PBX is the matter of `call_events`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.model.calls import CallRecord, Note, remark
from callrec.model.flaws import Flaw
from callrec.recording import legs as of_legs
from callrec.recording.actions import (
    Action,
    SaveOpenCall,
    TellFlaw,
)
from callrec.recording.announcements import Announcer
from callrec.recording.assistance import Assistance
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import Decisions
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.monitor import Monitor
from callrec.recording.recorder import CallRecorder
from callrec.recording.takeover import Takeover
from callrec.recording.tones import ToneFeedback


@dataclass(slots=True)
class CallMedia:
    """What is known of a call, and what is made for it on the PBX.

    `linkedid` is what the call is known by: the linked id of its first channel, or, where another call has
    the same, the call's own id.
    """

    linkedid: str
    record: CallRecord
    environment: Environment
    legs: dict[str, Leg] = field(default_factory=dict)
    decisions: Decisions = field(init=False)
    recorder: CallRecorder = field(init=False)
    announcer: Announcer = field(init=False)
    tones: ToneFeedback = field(init=False)
    assistance: Assistance = field(init=False)
    monitor: Monitor | None = None
    """What the dialplan was asked to record of this call at the gate; None: nothing."""
    fallback: bool = False
    """Whether the dialplan's fallback handles this call."""
    takeover: Takeover | None = None
    """How this call is taken over from the fallback that records it; None where it does not."""
    taken_in: dict[str, Takeover] = field(default_factory=dict)
    """What the fallback records of channels whose own calls have become part of this one."""
    saved_open: str = ""
    """The id under which this call was written down as an open call; empty where it was not."""
    keys_unknown: bool = False
    """Whether keys may have been pressed that could not be read yet: until then nothing is discarded."""
    _failures_told: int = field(init=False)
    """How many failures of announcements people were told of."""

    def __post_init__(self) -> None:
        self.decisions = Decisions(self.environment.office, self.environment.test_days)
        self.recorder = CallRecorder(self.linkedid, self.environment.new_id)
        self.announcer = Announcer(self.linkedid, self.environment.prompts, self.record.announcements)
        self._failures_told = self.announcer.failures
        self.tones = ToneFeedback(self.linkedid, self.record.id, self.environment.tones)
        self.assistance = Assistance(self.linkedid, self.environment)

    # --- how it stands

    @property
    def capture(self) -> LiveCapture | None:
        """The capture of this call, also when it is over; None where nothing was captured."""
        return self.recorder.capture

    @property
    def is_over(self) -> bool:
        """Whether the call has ended: no channel is left in it."""
        return self.record.outcome is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of this call, so that it can be forgotten."""
        kept = self.capture is None or self.recorder.handed_over
        monitored = self.monitor and not self.monitor.is_settled
        return (
            self.is_over and kept and self.assistance.is_settled and not self.keys_unknown and not monitored
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of what is said now is written anywhere, as far as the PBX has told."""
        return self.capture is None or self.capture.tracks.is_quiet

    @property
    def snoops(self) -> set[str]:
        """The ids of the channels of ours that this call may have on the PBX."""
        announcing = {self.announcer.in_call.snoop} if self.announcer.in_call else set()
        capturing = self.capture.tracks.snoops if self.capture and not self.recorder.handed_over else set()
        return announcing | capturing | self.tones.snoops | self.assistance.channels

    def note(self, template: str, **values: object) -> None:
        """Notes on the call, once, what went otherwise than decided."""
        self._add(remark(template, **values))

    @property
    def is_recorded_by_fallback(self) -> bool:
        """Whether the dialplan's fallback records this call, and callrec has not taken it over."""
        return bool(self.takeover and self.takeover.told.file) and not self.capture

    # --- who talks

    def is_of(self, members: Collection[str]) -> bool:
        """Tells whether this call is that of these channels, where others of it talk elsewhere.

        So it is where the captured one is among them; where nothing is captured, who has talked longest.
        """
        if self.capture:
            return self.capture.channel in members
        first = next((each.channel for each in self.record.participants if each.left_at is None), None)
        return first is None or first in members

    def talking(self) -> dict[str, Leg]:
        """Returns the channels that are connected with one another, by their ids; not a support phone."""
        present = [each.channel for each in self.record.participants if each.left_at is None]
        return {id_: self.legs[id_] for id_ in present if id_ in self.legs}

    def update_participants(self, now: Mapping[str, Leg], at: datetime) -> bool:
        """Writes down who talks now, with a support phone that has barged in. True where somebody joined."""
        before, guests = self.record.participants, self.assistance.guests if len(now) > 1 else {}
        talking = of_legs.participants(before, {**now, **guests}, at)
        if talking != before:  # twice a second nothing has changed, in every call
            self.record = replace(self.record, participants=talking)
        return len(talking) > len(before)

    @property
    def caller(self) -> Leg | None:
        """The leg that placed the call, else the oldest; None where all have hung up."""
        return of_legs.caller(self.legs, self.linkedid)

    # --- what is written down

    def save_checkpoint(self) -> list[Action]:
        """Writes down how the call stands, so that the next start knows it if this process ends now.

        Returns ``[]`` where nothing is captured and the call is over or the fallback's: others write that
        down.
        """
        if self.capture or self.is_over or self.fallback:
            return self.recorder.checkpoint(self.record)
        self.saved_open = self.record.id
        return [SaveOpenCall(self.linkedid, self.record)]

    def hand_over(self) -> list[Action]:
        """Gives away what was captured, to be kept or destroyed, once the call and its recordings are over.

        Returns ``[]`` before that, and where keys that would save it may not have been read yet.
        """
        if self.keys_unknown and not self.recorder.is_wanted:  # decision 12
            return []
        if self.is_over and self.recorder.is_kept_in_part:
            self.note("what was captured before, on standby, was not kept")
        return self.recorder.hand_over(self.record)

    # --- announcements

    def announce_start(self, at: datetime) -> list[Action]:
        """Makes the announcement at the start of the recording, as far as it has not been heard.

        Nothing is announced where nothing is recorded, because it has failed before.
        """
        decision, talking = self.record.decision, self.talking()
        leg = self._whispers(talking.values()) if self.capture else None
        if not self.capture or not decision or len(talking) < 2 or self.record.unannounced_at:
            return []
        if not leg or self._is_on_hold(leg.id):
            self.announcer.put_off()
            return []
        actions = self.announcer.start(decision, self.decisions.gate, self.capture.recording_id, leg.id)
        self.take_announcements()
        return [*actions, *self.tell_failure(), *self.refuse_unannounced(at)]

    def refuse_unannounced(self, at: datetime) -> list[Action]:
        """Has nothing recorded of this call where its announcement has failed and the rule says so.

        That holds for the whole call, whatever is decided later.
        """
        decision = self.record.decision
        if not decision or self.record.unannounced_at or self.recorder.handed_over:
            return []
        if not self.record.answered_at or not self.announcer.has_failed(decision):
            return []
        self.record = replace(self.record, unannounced_at=at)
        return [*self.recorder.bar(at), *self.announcer.break_off(), *self.save_checkpoint()]

    def held(self) -> list[Action]:
        """Breaks the announcement off where somebody who is to hear it has put the call on hold."""
        saying = self.announcer.in_call
        broken_off = self.announcer.break_off() if saying and self._is_on_hold(saying.channel) else []
        return [*broken_off, *(self.save_checkpoint() if broken_off else [])]

    def _whispers(self, talking: Iterable[Leg]) -> Leg | None:
        """Returns the leg by which an announcement is made: of somebody who listens."""
        listening = [leg for leg in talking if not leg.on_hold]
        return of_legs.staff_side(listening, self.capture.channel if self.capture else None)

    def _is_on_hold(self, staff: str) -> bool:
        """Whether the recorded party or this phone of staff has put the call on hold."""
        both = (staff, self.capture.channel if self.capture else None)
        return any(leg.on_hold for leg in self.legs.values() if leg.id in both)

    def take_announcements(self) -> None:
        """Writes into the record what was announced, and what went otherwise with it."""
        if self.record.announcements != self.announcer.made:
            self.record = replace(self.record, announcements=self.announcer.made)
        for each in self.announcer.notes:
            self._add(each)

    def tell_failure(self) -> list[Action]:
        """Tells people at once that an announcement could not be played; once for each that failed."""
        if self.announcer.failures == self._failures_told:
            return []
        self._failures_told = self.announcer.failures
        for each in self.record.announcements:
            if each.could_not_be_played:
                self.note("announcement {prompt} could not be played by the PBX", prompt=each.prompt)
        return [TellFlaw(self.linkedid, self.record.id, Flaw.ANNOUNCEMENT_FAILED)]

    # --- inside

    @property
    def _is_recording(self) -> bool:
        return self.capture is not None and self.capture.tracks.is_recording

    def _add(self, note: Note) -> None:
        if note not in self.record.notes:
            self.record = replace(self.record, notes=(*self.record.notes, note))
