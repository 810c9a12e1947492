"""What follows for one call from what the PBX tells of its tracks, playbacks and channels, and from time.

The layer of a call above its media (`call_media`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callrec.recording import legs as of_legs
from callrec.recording.actions import (
    Action,
    DialSupportPhone,
    DropMonitor,
    HangUp,
    LookAgain,
    PbxAction,
    ProveMonitor,
    StopFallback,
    StopMonitor,
)
from callrec.recording.call_media import CallMedia
from callrec.recording.legs import Leg
from callrec.recording.monitor import State
from callrec.recording.owners import Owner
from callrec.recording.support_phone import SupportPhone

LEFT_FOR = timedelta(seconds=0.2)
"""How long a party must be in no bridge until it is taken to hear an application."""
SOON_TIMES = 50
"""How often what the dialplan records is asked to end as soon as that was refused."""
APPLICATION = "application"
"""Whom a party hears that is in no bridge, in the place of a channel's id."""


@dataclass(slots=True)
class CallEvents(CallMedia):
    """A call with its media, and what is told of them."""

    _beeped_at: datetime | None = None
    _again: list[HangUp | StopMonitor | DropMonitor] = field(default_factory=list)
    """What the PBX refused to end: it is asked again at the next tick."""
    _stops_refused: int = 0

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
        if self.monitor and id_ == self.monitor.file:
            self.monitor.state = State.DROPPED
        return [*owner.performed(id_), *self._tell_silence()]

    def refused(self, owner: Owner, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Tells `owner` that the PBX refused an action. What can be tried again is, at a later tick."""
        if isinstance(action, DialSupportPhone):
            self.note("the support phone could not be called: {problem}", problem=problem)
        if isinstance(action, HangUp) and not isinstance(owner, SupportPhone):
            self._again.append(action)  # a support phone looks after its own
        if isinstance(action, StopFallback):
            self._put_off(action.channel, at)
        actions = [*owner.refused(action, problem, at), *self._ask_soon(action)]
        if isinstance(action, ProveMonitor) and self.monitor and not self._has_track(action.names[0]):
            actions = [*actions, *self.monitor.give_up(self.linkedid), *self.save_checkpoint()]
        self.take_announcements()
        told = [*self.tell_failure(), *self.refuse_unannounced(at)]
        return [*actions, *told, *self._tell_silence(), *self.hand_over()]

    def tick(self, at: datetime) -> list[Action]:
        """Repeats what failed, and beeps where the rule asks for it. Called about twice a second."""
        actions = [*self.capture.retry(at), *self._follow_into_application(at)] if self.capture else []
        joined = self.update_participants(self.talking(), at)
        saved = self.save_checkpoint() if actions or joined else []
        again, self._again = self._again, []
        helped = self.assistance.tick(at, self.talking())
        heard = [*self._beep(at), *self._tell_silence(), *self._announce_again(at)]
        return [*again, *actions, *saved, *heard, *helped, *self.hand_over()]

    def look_again(self, at: datetime) -> list[Action]:
        """Has snoops take the place of what the dialplan records, where the captured channel has left its
        bridge for more than a moment, or of snoops that began too early; asks again what was refused."""
        again, self._again = self._again, []
        actions = self.capture.out_of_bridge(at) or self.capture.renew_snoops(at) if self.capture else []
        return [*again, *actions, *(self.save_checkpoint() if actions else [])]

    # --- inside

    def _ask_soon(self, action: PbxAction) -> list[Action]:
        """Asks again what the PBX refused to end of the dialplan: soon, as its decoder stays until then.

        Where it goes on to refuse it is asked at every tick.
        """
        if not isinstance(action, StopMonitor | DropMonitor):
            return []
        self._again.append(action)
        self._stops_refused += 1
        return [LookAgain(self.linkedid)] if self._stops_refused <= SOON_TIMES else []

    def _has_track(self, name: str) -> bool:
        written = self.capture.tracks.segments if self.capture else []
        return any(each.segment.external.name == name for each in written)

    def _put_off(self, channel: str, at: datetime) -> None:
        for each in filter(None, (self.takeover, *self.taken_in.values())):
            if each.channel == channel:
                each.put_off(at)

    def _announce_again(self, at: datetime) -> list[Action]:
        """Makes an announcement again that was put off, once the recorded party talks with staff again.

        Not as soon as they are connected: in the middle of a transfer others are for a moment.
        """
        capture = self.capture
        heard = capture and capture.channel in self.talking() and self._is_recording and not capture.is_silent
        return self.announce_start(at) if heard and self.announcer.is_put_off else []

    def _is_unseen(self, owner: Owner, name: str) -> bool:
        """Whether what is told of a track is all that is known of its time: that must not be lost."""
        return owner is self.capture and self.capture.is_unseen(name)

    def _tell_silence(self) -> list[Action]:
        """Plays the tone that says that nothing is recorded, once that is so."""
        return self.tones.release() if self.is_quiet else []

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
