"""The media of one call: what is captured, announced and played in it, and what follows from each event.

The lowest of the three layers of a call. `CallKeys` adds what staff press, `Call` who takes part, what is
decided and how it ends; each layer uses only those below it. Whether a call is recorded is not decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec.model.calls import CallRecord, Note, remark
from callrec.model.flaws import Flaw
from callrec.recording import legs as of_legs
from callrec.recording.actions import (
    Action,
    DialSupportPhone,
    HangUp,
    PbxAction,
    SaveOpenCall,
    StopFallback,
    TellFlaw,
)
from callrec.recording.announcements import Announcer
from callrec.recording.assistance import Assistance
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import Decisions
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.owners import Owner
from callrec.recording.recorder import CallRecorder
from callrec.recording.support_phone import SupportPhone
from callrec.recording.takeover import Takeover
from callrec.recording.tones import ToneFeedback

LEFT_FOR = timedelta(seconds=0.2)
"""How long a party must be in no bridge until it is taken to hear an application."""
APPLICATION = "application"
"""Whom a party hears that is in no bridge, in the place of a channel's id."""


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
    fallback: bool = False
    """Whether the dialplan's fallback handles this call."""
    takeover: Takeover | None = None
    taken_in: dict[str, Takeover] = field(default_factory=dict)
    """What the fallback records of channels whose own calls have become part of this one."""
    """How this call is taken over from the fallback that records it; None where it does not."""
    saved_open: str = ""
    """The id under which this call was written down as an open call; empty where it was not."""
    keys_unknown: bool = False
    """Whether keys may have been pressed that could not be read yet: until then nothing is discarded."""
    _failures_told: int = field(init=False)
    """How many failures of announcements people were told of."""
    _beeped_at: datetime | None = None
    _hangups: list[HangUp] = field(default_factory=list)
    """What the PBX refused to hang up: it is asked again at the next tick."""

    def __post_init__(self) -> None:
        self.decisions = Decisions(self.environment.office)
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
        return self.is_over and kept and self.assistance.is_settled and not self.keys_unknown

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

    # --- told by the PBX

    def recording_started(self, owner: Owner, name: str, at: datetime) -> list[Action]:
        """Tells `owner` that a track has begun. Once both have, that is written down and announced."""
        before, unseen = self._is_recording, self._is_unseen(owner, name)
        actions = owner.recording_started(name, at)
        begun = self._is_recording and not before
        saved = self.save_checkpoint() if begun or unseen else []
        return [*actions, *saved, *(self.announce_start(at) if begun else [])]

    def recording_ended(self, owner: Owner, name: str, at: datetime, failure: str | None) -> list[Action]:
        """Tells `owner` that a track has ended; the last one of a call that is over ends the recording."""
        unseen = self._is_unseen(owner, name)
        actions = owner.recording_ended(name, at, failure)
        saved = self.save_checkpoint() if unseen else []
        return [*actions, *saved, *self._tell_silence(), *self.hand_over()]

    def playback_started(self, owner: Owner, playback: str, at: datetime) -> list[Action]:
        """Tells `owner` that something began to play, and writes an announcement into the record."""
        actions = owner.playback_started(playback, at)
        self.take_announcements()
        return actions

    def playback_ended(self, owner: Owner, playback: str, at: datetime, *, failed: bool) -> list[Action]:
        """Tells `owner` that something has been played. How an announcement ended must survive a crash."""
        before = self.record
        actions = owner.playback_ended(playback, at, failed=failed)
        self.take_announcements()
        told = [*self.tell_failure(), *self.refuse_unannounced(at)]
        saved = self.save_checkpoint() if self.record is not before else []
        return [*actions, *told, *saved]

    def performed(self, owner: Owner, id_: str) -> list[Action]:
        """Tells `owner` that the PBX has silenced what it was asked to; who waits for that hears it."""
        return [*owner.performed(id_), *self._tell_silence()]

    def refused(self, owner: Owner, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Tells `owner` that the PBX refused an action. What can be tried again is, at a later tick."""
        if isinstance(action, DialSupportPhone):
            self.note("the support phone could not be called: {problem}", problem=problem)
        if isinstance(action, HangUp) and not isinstance(owner, SupportPhone):
            self._hangups.append(action)  # a support phone looks after its own
        if isinstance(action, StopFallback):
            self._put_off(action.channel, at)
        actions = owner.refused(action, problem, at)
        self.take_announcements()
        told = [*self.tell_failure(), *self.refuse_unannounced(at)]
        return [*actions, *told, *self._tell_silence(), *self.hand_over()]

    def _put_off(self, channel: str, at: datetime) -> None:
        for each in filter(None, (self.takeover, *self.taken_in.values())):
            if each.channel == channel:
                each.put_off(at)

    def tick(self, at: datetime) -> list[Action]:
        """Repeats what failed, and beeps where the rule asks for it. Called about twice a second."""
        actions = [*self.capture.retry(at), *self._follow_into_application(at)] if self.capture else []
        joined = self.update_participants(self.talking(), at)
        saved = self.save_checkpoint() if actions or joined else []
        again, self._hangups = self._hangups, []
        helped = self.assistance.tick(at, self.talking())
        heard = [*self._beep(at), *self._tell_silence(), *self._announce_again(at)]
        return [*again, *actions, *saved, *heard, *helped, *self.hand_over()]

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
        decision = self.record.decision
        leg = of_legs.staff_side(self.talking().values(), self.capture.channel) if self.capture else None
        if not self.capture or not decision or not leg or self.record.unannounced_at:
            return []
        if self._is_on_hold(leg.id):
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

    def _is_on_hold(self, staff: str) -> bool:
        """Whether the recorded party or this phone of staff has put the call on hold."""
        both = (staff, self.capture.channel if self.capture else None)
        return any(leg.on_hold for leg in self.legs.values() if leg.id in both)

    def _announce_again(self, at: datetime) -> list[Action]:
        """Makes an announcement again that was put off, once the recorded party talks with staff again.

        Not as soon as they are connected: in the middle of a transfer others are for a moment.
        """
        capture = self.capture
        heard = capture and capture.channel in self.talking() and self._is_recording and not capture.is_silent
        return self.announce_start(at) if heard and self.announcer.is_put_off else []

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

    def _is_unseen(self, owner: Owner, name: str) -> bool:
        """Whether what is told of a track is all that is known of its time: that must not be lost."""
        return owner is self.capture and self.capture.is_unseen(name)

    @property
    def _is_recording(self) -> bool:
        return self.capture is not None and self.capture.tracks.is_recording

    def _tell_silence(self) -> list[Action]:
        """Plays the tone that says that nothing is recorded, once that is so."""
        return self.tones.release() if self.is_quiet else []

    def _add(self, note: Note) -> None:
        if note not in self.record.notes:
            self.record = replace(self.record, notes=(*self.record.notes, note))

    def _follow_into_application(self, at: datetime) -> list[Action]:
        """Renews the snoops where the captured party is in no bridge any more, but in a mailbox or a menu.

        What it hears there comes from the PBX itself, which is another voice (decision 9). A party that is
        about to hang up is in no bridge for a moment, too.
        """
        leg = self.legs.get(self.capture.channel or "") if self.capture else None
        if not self.capture or not leg or leg.bridge or self._has_just_left(leg, at):
            return []
        self.capture.hears(APPLICATION, "")
        return self.capture.renew_snoops(at)

    def _has_just_left(self, leg: Leg, at: datetime) -> bool:
        left = [each.left_at for each in self.record.participants if each.channel == leg.id and each.left_at]
        return bool(left) and at - max(left) < LEFT_FOR

    def _beep(self, at: datetime) -> list[Action]:
        """Plays the consent beep to both parties, every so often while they are recorded."""
        every = self.record.decision.beep_s if self.record.decision else None
        if not every or not self.capture or not self.recorder.is_heard or self.is_over:
            return []
        since = self._beeped_at or self.capture.started_at
        leg = of_legs.staff_side(self.talking().values(), self.capture.channel)
        if not leg or at - since < timedelta(seconds=every):
            return []
        self._beeped_at = at
        return self.tones.beep(leg.id, at)
