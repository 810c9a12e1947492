"""One call: who takes part, what is decided about it, and how it ends. Facts in, actions out.

The tracker tells a call what happens to its channels; the call decides when it is answered, and anew when
others talk. It never waits, and never talks to the PBX. Its media and keys are the layers below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from callrec import ids
from callrec.model.calls import CallRecord, Outcome
from callrec.model.captures import Capture
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import OWN_PREFIX, Dialled, GateEntered
from callrec.recording import legs as of_legs
from callrec.recording.actions import Action, LetThrough, ReadJournal, SaveCall
from callrec.recording.call_keys import CallKeys
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import decided_for, in_force
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.states import RecordingState

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}
"""How a call ended, by what Dial() says."""


@dataclass(slots=True)
class Call(CallKeys):
    """One call, from its first channel to its last. Only itself writes to its fields."""

    _dial_status: str = ""
    _connected_elsewhere: bool = False

    @classmethod
    def resumed(cls, linkedid: str, record: CallRecord, environment: Environment) -> Call:
        """A call that was under way when the controller ended, as it was written down."""
        call = cls(linkedid, record, environment)
        call.saved_open = record.id
        call.note("the controller was away during this call")
        return call

    def restore(self, capture: Capture) -> LiveCapture:
        """Takes up what was being captured of it when the controller ended."""
        return self.recorder.restore(capture)

    # --- channels

    def joined(self, leg: Leg) -> None:
        """A channel belongs to this call."""
        self.legs[leg.id] = leg

    def connected(self, talking: Iterable[Leg], at: datetime, *, seen: bool = True) -> list[Action]:
        """These channels are connected with one another now (none: nobody is).

        `seen`: it was just told; else it may have come about while the link to the PBX was away.
        """
        now = {leg.id: leg for leg in talking}
        self._listen(now)
        somebody_joined = self.update_participants(now, at)
        if len(now) < 2:
            return self.save_checkpoint() if somebody_joined else []
        if self.record.answered_at is None:
            return [] if self.fallback else self._answered(list(now.values()), at)
        actions = [*self._follow(at), *self._decide_anew(now, at, seen=seen)]
        actions += self.assistance.follow(self.legs, now)
        actions += self.capture.renew_snoops(at) if self.capture else []
        return [*actions, *(self.save_checkpoint() if actions or somebody_joined else [])]

    def left(self, leg: Leg, at: datetime) -> list[Action]:
        """A channel of this call is gone."""
        self.legs.pop(leg.id, None)
        self.update_participants(self.talking(), at)
        if self.capture:
            self.capture.left(leg.id, at)
        if not self.legs:
            return self._over(at)
        now = self.talking()
        decide = self.record.answered_at and len(now) > 1
        actions = [*(self._decide_anew(now, at, seen=True) if decide else []), *self._follow(at)]
        return [*actions, *(self.save_checkpoint() if actions else []), *self.hand_over()]

    def abandoned(self, leg: Leg, into: CallRecord, at: datetime) -> list[Action]:
        """A channel goes on in another call (a transfer); what was captured of it here ends."""
        self.legs.pop(leg.id, None)
        if not self.legs:
            self._went_on(leg, into)
        self.update_participants(self.talking(), at)
        captured = self.capture if self.capture and self.capture.channel == leg.id else None
        return [*(captured.abandon(at) if captured else []), *([] if self.legs else self._over(at))]

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """The link to the PBX was away and is back: `there` are the channels it has now."""
        said_again = self.capture.compared(there, at) if self.capture else []
        if not self.legs and not self.is_over:
            self.end_unseen = True
            return [*said_again, *self._let_go(at), *self._over(at)]
        # What became of a whisper is not known: what was not heard to its end is said again.
        broken_off = [*self.tones.break_off(), *self.announcer.break_off()]
        if self.is_over or not self.capture:
            return [*broken_off, *self.hand_over()]
        followed = self._follow(at)
        saved = self.save_checkpoint() if followed else []
        return [*said_again, *broken_off, *followed, *saved, *self.announce_start()]

    def missed_the_end(self, there: set[str], at: datetime, *, keys_known: bool) -> None:
        """All channels of this call went while nobody watched."""
        self.end_unseen, self.keys_unknown = True, not keys_known
        if self.capture and self.capture.channel and self.capture.channel not in there:
            self.capture.left(self.capture.channel, at)

    # --- the gate

    def at_gate(self, event: GateEntered) -> list[Action]:
        """The dialplan asks. Every answer lets the call through; some have it announced first.

        A call that is transferred passes the gate again: it is decided and announced already.
        """
        if self.record.answered_at:
            return [LetThrough(self.linkedid, event.channel.id)]
        self.record = self.decisions.at_gate(self.record, event)
        sounds = self.announcer.at_gate(self.decisions.gate) if self.decisions.gate else ()
        self.take_announcements()
        return [LetThrough(self.linkedid, event.channel.id, sounds), *self.save_checkpoint()]

    def gate_recalled(self, event: GateEntered) -> None:
        """What was asked at the gate before callrec was away. It counts for who answers."""
        if self.decisions.gate is None and not self.is_over:
            before, record = self.record, self.decisions.at_gate(self.record, event)
            self.record = before if before.answered_at else record

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> None:
        """The dialplan began to play a prompt (status None) or ended it."""
        self.announcer.dialplan_said(sound, at, leg, status)
        self.take_announcements()

    def falls_back(self, channel: str, since: datetime) -> list[Action]:
        """The dialplan's fallback handles the call of this channel, for callrec did not answer in time.

        Its journal tells of the call, under an id that both know (decision 4).
        """
        if not self.fallback and not self.capture and not self.record.key_presses:
            self.record = replace(self.record, id=ids.of_fallback_call(self.record.pbx, channel, since))
        self.fallback = True
        superfluous, self.saved_open = self.saved_open, ""
        return [ReadJournal(self.linkedid, superfluous)] if superfluous else []

    def dialled(self, event: Dialled) -> None:
        """Dial() tells how it goes."""
        if event.status:
            self._dial_status = event.status

    # --- what is captured

    def _answered(self, talking: list[Leg], at: datetime) -> list[Action]:
        self.record = self.decisions.answered(self.record, talking, self.caller, at)
        assert self.record.decision is not None
        leg = of_legs.captured(talking, self.caller)
        return [*self.recorder.decided(self.record.decision.mode, leg.id, at), *self.save_checkpoint()]

    def _decide_anew(self, now: dict[str, Leg], at: datetime, *, seen: bool) -> list[Action]:
        """Others talk than before: if their rules say otherwise, so it is from now on.

        Where nobody saw it, what is never to be recorded is silent from when their phones rang.
        """
        if of_legs.is_consultation(now, self.legs) or (self.fallback and not self.capture):
            return []
        unseen = of_legs.first_of(now.values(), but=decided_for(self.record)) or at
        staff, before = of_legs.staff(now.values()), self.record
        others = of_legs.strangers(now.values(), before.number)
        self.record = self.decisions.decide_anew(before, staff, others, at, alone=self._staff_are_alone)
        decision = in_force(self.record)
        if self.record is before or not decision:
            return []
        may_begin = self.recorder.state in (RecordingState.UNRECORDED, RecordingState.STANDBY)
        leg = of_legs.captured(list(now.values()), self.caller)
        silent_since = at if seen else min(at, unseen)
        actions = self.recorder.decided_anew(decision.mode, leg.id, at, silent_since)
        if may_begin and decision.mode is not Mode.NEVER and self.recorder.is_under_way:
            self.record = replace(self.record, decision=decision)
        return actions

    @property
    def _staff_are_alone(self) -> bool:
        """Whether the party outside has left a call that others go on with."""
        internal = self.record.direction is Direction.INTERNAL
        return not internal and all(leg.extension for leg in self.legs.values())

    def _follow(self, at: datetime) -> list[Action]:
        """The captured party has left and others go on: so does the recording."""
        talking = list(self.talking().values())
        if not self.capture or not self.capture.gone_at or self.recorder.handed_over or len(talking) < 2:
            return []
        return self.capture.move(of_legs.captured(talking, self.caller).id, at)

    def _listen(self, now: dict[str, Leg]) -> None:
        """Tells the capture whom the captured party hears; from two channels Asterisk mixes nothing."""
        captured = self.capture.channel if self.capture else None
        others = [id_ for id_ in now if id_ != captured]
        if not self.capture or captured not in now or len(others) != 1:
            return
        known = [each.channel for each in self.record.participants if not each.channel.startswith(OWN_PREFIX)]
        before = [id_ for id_ in known if id_ != captured]
        self.capture.hears(others[0], before[-1] if before else others[0])

    # --- the end

    def _let_go(self, at: datetime) -> list[Action]:
        """The captured channel is no more in this call; it may live on in another."""
        return self.capture.abandon(at) if self.capture and not self.capture.gone_at else []

    def _over(self, at: datetime) -> list[Action]:
        """The last channel is gone. What the dialplan did in our place, it wrote down itself."""
        self.record = replace(self.record, ended_at=at, outcome=self._outcome())
        # A recording's length tells the end better than the time at which it was noticed; then the
        # call's row comes with the recording.
        told_by_sound = self.end_unseen and self.recorder.tells_the_end
        if self.end_unseen:
            self.note("the end of the call was not seen")
            self.record = replace(self.record, ended_at=None if told_by_sound else at)
        told_by_journal = self.fallback and not self.capture
        row = [] if told_by_sound or told_by_journal else [SaveCall(self.linkedid, self.record)]
        journal = [ReadJournal(self.linkedid, self.saved_open)] if self.fallback else []
        return [*row, *self.hand_over(), *self.assistance.ended(), *journal]

    def _went_on(self, leg: Leg, into: CallRecord) -> None:
        """The last one here talks in another call: that is no call that nobody answered."""
        self.note("the call went on in call {id}", id=into.id)
        self.record = replace(self.record, number=self.record.number or leg.number or None)
        self._connected_elsewhere = True

    def _outcome(self) -> Outcome:
        if self.record.answered_at or self._connected_elsewhere:
            return Outcome.ANSWERED
        return OUTCOMES.get(self._dial_status, Outcome.UNANSWERED)
