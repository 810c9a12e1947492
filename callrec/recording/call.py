"""One call: who takes part, what is decided about it, and how it ends. Facts in, actions out.

The tracker tells a call what happens to its channels; the call decides when it is answered, and anew when
others talk. It never waits, and never talks to the PBX: it only watches a call that the PBX owns
(decision 1). Its media and keys are the two layers below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec import ids
from callrec.model.calls import CallRecord, Outcome
from callrec.model.captures import Capture
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import OWN_PREFIX, Channel, Dialled, FallbackCall, GateEntered, epoch
from callrec.recording import legs as of_legs
from callrec.recording import parties
from callrec.recording.actions import Action, ReadJournal, SaveCall
from callrec.recording.call_keys import CallKeys
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import in_force
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.states import RecordingState
from callrec.recording.takeover import Takeover
from callrec.recording.topology import LOCAL

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}
"""How a call that nobody answered ended, by what Dial() reported."""


@dataclass(slots=True)
class Call(CallKeys):
    """One call, until nothing more can come of it. Only itself writes to its fields."""

    _dial_status: str = ""
    _connected_elsewhere: bool = False
    _alone_since: datetime | None = None
    """Since when the call has one channel only, which nobody calls for; None: it has others."""
    _forwarded_by: dict[str | None, str] = field(default_factory=dict)
    """The extension that sends its callers on to a number outside, by that number."""
    _met: dict[str, Leg] = field(default_factory=dict)
    """Every channel that was in this call."""

    @classmethod
    def resumed(cls, linkedid: str, record: CallRecord, environment: Environment) -> Call:
        """Takes up a call that was under way when the controller ended, as it was written down."""
        call = cls(linkedid, record, environment)
        call.saved_open = record.id
        call.note("the controller was away during this call")
        return call

    def restore(self, capture: Capture) -> LiveCapture:
        """Takes up the capture of this call that was under way when the controller ended."""
        return self.recorder.restore(capture)

    # --- channels

    def joined(self, leg: Leg) -> None:
        """Adds a channel to this call."""
        self.legs[leg.id] = self._met[leg.id] = leg
        if self.record.direction is Direction.OUTBOUND and not leg.extension:
            leg.dialled = True  # after a restart it cannot be seen any more

    def connected(
        self,
        talking: Iterable[Leg],
        sent_to: Mapping[str, frozenset[str]],
        at: datetime,
        *,
        seen: bool = True,
    ) -> list[Action]:
        """Takes in which channels are connected with one another now (none: nobody is).

        Then the call is decided at its answer, and anew when others talk; another voice gets new snoops.
        `sent_to` are the numbers to which channels were sent after the answer, by the channel that hears what
        is there. `seen`: it was just told; else it may have come about while the link to the PBX was away.
        """
        now = {leg.id: leg for leg in talking}
        self._listen(now)
        self.decisions.sent_to = self._heard_by(sent_to, now)
        somebody_joined = self.update_participants(now, at)
        self._count(at)
        if len(now) < 2:
            never = self.record.answered_at and self.decisions.is_sent_to_never(self.record, at)
            actions = self._decide_anew(now, at, seen=seen) if never else []
            return [*actions, *(self.save_checkpoint() if actions or somebody_joined else [])]
        asked = self._ask_fallback(list(now.values()), at)
        if self.record.answered_at is None:
            return asked if self.fallback else self._answered(list(now.values()), at)
        actions = [*asked, *self._follow(at), *self._decide_anew(now, at, seen=seen)]
        actions += self.assistance.follow(self.legs, now)
        actions += self.capture.renew_snoops(at) if self.capture else []  # decision 9
        return [*actions, *(self.save_checkpoint() if actions or somebody_joined else [])]

    def left(self, leg: Leg, at: datetime) -> list[Action]:
        """Takes a channel out of this call that is gone; with the last one the call is over."""
        self.legs.pop(leg.id, None)
        self.update_participants(self.talking(), at)
        if self.capture:
            self.capture.left(leg.id, at)
        if self.legs:
            return self._without(at)
        self._tell_without_an_answer()
        return self._over(at)

    def _without(self, at: datetime) -> list[Action]:
        """Goes on without a channel that has left: decided by who is left, and with another one captured."""
        self._count(at)
        now = self.talking()
        decide = self.record.answered_at and len(now) > 1
        actions = [*(self._decide_anew(now, at, seen=True) if decide else []), *self._follow(at)]
        return [*actions, *(self.save_checkpoint() if actions else []), *self.hand_over()]

    def abandoned(self, leg: Leg, into: CallRecord, at: datetime) -> list[Action]:
        """Takes out a channel that goes on in another call (a transfer), and ends its capture here.

        That of those who are left goes on.
        """
        self.legs.pop(leg.id, None)
        if not self.legs:
            self._went_on(into)
        if leg.id in of_legs.filed_under(self.record):
            leg.filed_as = self.record.number
        self.update_participants(self.talking(), at)
        return [*self._let_go(at), *(self._without(at) if self.legs else self._over(at))]

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """Brings this call up to the channels the PBX has (`there`, ours too), after the link was away."""
        said_again = self.capture.compared(there, at) if self.capture else []
        if not self.legs and not self.is_over:
            self.end_unseen = True
            return [*said_again, *self._over(at)]
        # What became of a whisper is not known: what was not heard to its end is said again.
        broken_off = [*self.tones.break_off(), *self.announcer.break_off()]
        if self.is_over or not self.capture:
            return [*broken_off, *self.hand_over()]
        moved = [*self._let_go(at), *self._follow(at)]
        saved = self.save_checkpoint() if moved else []
        return [*said_again, *broken_off, *moved, *saved, *self.announce_start()]

    def missed_the_end(self, there: set[str], at: datetime, *, keys_known: bool) -> None:
        """Takes note that all channels of this call went while nobody watched.

        Without `keys_known` nothing is discarded until the keys that were pressed meanwhile have been read.
        """
        self.end_unseen, self.keys_unknown = True, not keys_known
        if self.capture and self.capture.channel and self.capture.channel not in there:
            self.capture.left(self.capture.channel, at)

    # --- the gate

    def at_gate(self, event: GateEntered) -> tuple[tuple[str, ...], list[Action]]:
        """Takes in what is asked at the gate; returns the sounds to be played, and what else is to be done.

        A call that is transferred passes the gate again: it is announced already, and decided by who talks.
        """
        own = self._who_calls(event)
        if self.record.answered_at:
            return (), []
        if event.direction not in set(Direction):
            self.note("the gate was asked with a direction it does not know: {said}", said=event.direction)
            return (), self.save_checkpoint()
        self.record = self._decided_at_gate(event, own)
        sounds = self.announcer.at_gate(self.record.decision) if self.record.decision else ()
        self.take_announcements()
        return sounds, self.save_checkpoint()

    def gate_recalled(self, event: GateEntered) -> None:
        """Takes in what was asked at the gate, where that was not heard. It counts for who answers later."""
        own = self._who_calls(event)
        if self.decisions.gate is None and not self.is_over:
            before, record = self.record, self._decided_at_gate(event, own)
            self.record = before if before.answered_at else record

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> list[Action]:
        """Writes down that the dialplan began to play a prompt (`status` None) or ended it."""
        before = self.record
        self.announcer.dialplan_said(sound, at, leg, status)
        self.take_announcements()
        return self.announcement_failed(before)

    def falls_back(self, channel: str, told: FallbackCall) -> list[Action]:
        """Leaves this call to the dialplan's fallback, for callrec did not answer in time.

        The journal will tell of the call, so it gets the id that the journal gives it (decision 4), unless
        something was captured or pressed under the one it has. What the fallback records is taken over as
        soon as two parties are seen to talk.
        """
        if not self.fallback and not self.capture and not self.record.key_presses:
            # decision 4: the same id as the journal's entry will have
            self.record = replace(self.record, id=ids.of_fallback_call(self.record.pbx, channel, told.since))
        self.fallback = True
        leg = self.legs.get(channel)
        if leg and (gate := told.gate(leg.channel)):
            self.gate_recalled(gate)
        if told.file and not self.capture:
            self.takeover = Takeover(channel, told)
        superfluous, self.saved_open = self.saved_open, ""
        return [ReadJournal(self.linkedid, superfluous)] if superfluous else []

    def began_with(self, channel: Channel) -> bool:
        """Tells whether a channel that passed the gate may have begun this call; else it came in later.

        A call placed by the PBX passes the gate on the other half of the Local pair it began with.
        """
        return channel.id == self.record.linkedid or channel.technology == LOCAL

    def dialled(self, event: Dialled, peer: Leg | None) -> None:
        """Remembers how Dial() said that it goes: that tells the outcome where nobody answers."""
        if event.status:
            self._dial_status = event.status
        if event.forwarded_to and peer and peer.extension:
            self._forwarded_by[self.decisions.office.dialled(event.forwarded_to)] = peer.extension
        calling = self.legs.get(event.caller.id) if event.caller else None
        outbound = self.record.direction is Direction.OUTBOUND and not self.record.answered_at
        if outbound and calling and calling.extension:
            self._is_line(event.peer.id)

    def _decided_at_gate(self, event: GateEntered, own: str | None) -> CallRecord:
        return self.decisions.at_gate(self.record, event, own, self.legs, self.caller)

    def _who_calls(self, event: GateEntered) -> str | None:
        """Returns the extension of the phone that is at the gate; None where it is no phone."""
        if event.direction == Direction.INBOUND:
            self._is_line(event.channel.id)
        leg = self.legs.get(event.channel.id)
        return leg.extension if leg else None

    def _is_line(self, channel: str) -> None:
        """Takes a channel for a line to the outside, which the dialplan says that it is.

        Unless it is a phone of an extension that was added: one that is only named like an extension can be
        a trunk.
        """
        leg = self.legs.get(channel)
        if leg and leg.extension not in self.decisions.office.extensions:
            leg.extension = None

    # --- what the fallback records

    def tick(self, at: datetime) -> list[Action]:
        """Lets time pass: as for any call, a fallback that is asked again to end, and a mailbox.

        Called about twice a second.
        """
        asked = self._ask_fallback(list(self.talking().values()), at)
        return [*asked, *self._decide_alone(at), *CallKeys.tick(self, at)]

    def take_over(self, heard: timedelta, at: datetime) -> list[Action]:
        """Goes on where the fallback has ended, which has recorded for so long: the capture is one.

        Where the call is over by then, the journal tells of it.
        """
        if not self.takeover or self.capture or self.is_over or not self.legs:
            return []
        talking = self.talking() or dict(self.legs)
        self.record = self._as_answered(self.takeover, at - heard)
        self._recall_announcements(self.takeover)
        self.note("callrec was away when this call began")
        leg = of_legs.captured(list(talking.values()), self.caller)
        id_ = ids.of_fallback_recording(self.record.pbx, self.takeover.channel, self.takeover.told.since)
        actions = self.recorder.take_over(id_, self.takeover.segment(heard, at), leg.id, at)
        if len(talking) > 1:
            actions += self._decide_anew(talking, at, seen=False)
        return [*actions, *self.save_checkpoint()]

    def _ask_fallback(self, talking: list[Leg], at: datetime) -> list[Action]:
        """Asks the fallback to end, where it records what callrec would record by the same rules."""
        if not self.takeover or self.capture:
            return []
        self.takeover.see(talking, at)
        if not self.takeover.is_due(at) or not self._is_wanted(self.takeover, at):
            return []
        return self.takeover.ask(self.linkedid, self.legs)

    def _is_wanted(self, takeover: Takeover, at: datetime) -> bool:
        """Tells whether what the fallback recorded is to be kept, by the rules of all who are known to have
        talked and are gone: when they did is not known."""
        first, leg = self._as_answered(takeover, at), self.legs.get(takeover.channel)
        if not leg or not first.decision or first.decision.mode is not Mode.AUTOMATIC:
            return False
        for gone in takeover.between(self.decisions.office):
            then = self.decisions.answered(first, [leg, gone], takeover.caller(self.legs), at).decision
            if then and then.rule and then.mode is Mode.NEVER:
                return False
        return True

    def _as_answered(self, takeover: Takeover, at: datetime) -> CallRecord:
        """Returns the call as it was decided when it was answered, by who talked then."""
        office = self.decisions.office
        talking, caller = takeover.answering(self.legs, office), takeover.caller(self.legs)
        record = self.decisions.answered(takeover.asked(self.record), talking, caller, at)
        return replace(record, participants=takeover.participants(record, self.legs.values(), office, at))

    def _recall_announcements(self, takeover: Takeover) -> None:
        """Takes over what the dialplan has announced."""
        if self.decisions.gate:
            self.announcer.at_gate(self.decisions.gate)
        for each in filter(None, takeover.told.announced.split("&")):
            sound, begin, end, status = [*each.split(">"), "", "", ""][:4]
            if (begun := epoch(begin)) and (ended := epoch(end)):
                self.announced(sound, begun, takeover.channel, status=None)
                self.announced(sound, ended, takeover.channel, status=status)

    # --- what is captured

    def _answered(self, talking: list[Leg], at: datetime) -> list[Action]:
        # a forwarded call: its extension is nobody who talks
        by = [self._forwarded_by.get(leg.number) for leg in talking if not leg.extension]
        self.record = replace(self.record, extension=next(filter(None, by), self.record.extension))
        self.record = self.decisions.answered(self.record, talking, self.caller, at)
        assert self.record.decision is not None
        leg = of_legs.captured(talking, self.caller)
        return [*self.recorder.decided(self.record.decision.mode, leg.id, at), *self.save_checkpoint()]

    def _decide_anew(self, now: dict[str, Leg], at: datetime, *, seen: bool) -> list[Action]:
        """Decides anew where others talk than before: what their rules say holds from now on (decision 12).

        Where nobody saw it (not `seen`), what is never to be recorded is silent from when their channels
        were made.
        """
        # decision 12: during a consultation by code nothing is decided anew
        if of_legs.is_consultation(now, self.legs) or (self.fallback and not self.capture):
            return []
        talking, before = list(now.values()), self.record
        self.record = self.decisions.decide_anew(before, talking, at, alone=self._staff_are_alone)
        silent_since = at if seen else self.decisions.unseen_since(before, talking, at)  # decision 12
        return self._take_decision(before, talking or list(self.legs.values()), at, silent_since)

    def _take_decision(
        self, before: CallRecord, talking: list[Leg], at: datetime, silent_since: datetime
    ) -> list[Action]:
        """Does what the decision asks for, where that is another one than `before`."""
        decision = in_force(self.record)
        if self.record is before or not decision:
            return []
        may_begin = self.recorder.state in (RecordingState.UNRECORDED, RecordingState.STANDBY)
        leg = of_legs.captured(talking, self.caller)
        actions = self.recorder.decided_anew(decision.mode, leg.id, at, silent_since)
        if may_begin and decision.mode is not Mode.NEVER and self.recorder.is_under_way:
            self.record = replace(self.record, decision=decision)
        return actions

    def _count(self, at: datetime) -> None:
        """Takes note of since when the call has one channel only."""
        self._alone_since = (self._alone_since or at) if len(self.legs) == 1 else None

    def _decide_alone(self, at: datetime) -> list[Action]:
        """Decides by the number to which the only party was sent, whose phone does not ring (any more)."""
        since = self._alone_since
        if not since or not self.legs or not self.record.answered_at or not self.decisions.sent_to:
            return []
        before = self.record
        self.record = self.decisions.decide_anew(before, [], at, alone=False)
        return self._take_decision(before, list(self.legs.values()), at, since)

    @property
    def _staff_are_alone(self) -> bool:
        """Whether the party outside has left a call that others go on with."""
        internal = self.record.direction is Direction.INTERNAL
        return not internal and all(leg.extension for leg in self.legs.values())

    def _follow(self, at: datetime) -> list[Action]:
        """Moves the capture to another channel, when the captured party has left and others go on talking."""
        talking = list(self.talking().values())
        if not self.capture or not self.capture.gone_at or self.recorder.handed_over or len(talking) < 2:
            return []
        return self.capture.move(of_legs.captured(talking, self.caller).id, at)  # decision 3

    def _heard_by(self, sent_to: Mapping[str, frozenset[str]], now: Iterable[str]) -> tuple[str, ...]:
        """Returns the numbers whose dialplan the captured party hears; where nothing is captured, anybody."""
        by = [self.capture.channel] if self.capture and not self.capture.gone_at else now
        return tuple(sorted({number for channel in by for number in sent_to.get(channel or "", ())}))

    def _listen(self, now: dict[str, Leg]) -> None:
        """Tells the capture whom the captured party hears now (decision 9).

        Only where that is one other channel, whose packets Asterisk passes on as they are; several it mixes.
        """
        captured = self.capture.channel if self.capture else None
        others = [id_ for id_ in now if id_ != captured]
        if not self.capture or captured not in now or len(others) != 1:
            return
        known = [each.channel for each in self.record.participants if not each.channel.startswith(OWN_PREFIX)]
        before = [id_ for id_ in known if id_ != captured]
        self.capture.hears(others[0], before[-1] if before else others[0])

    # --- the end

    def _let_go(self, at: datetime) -> list[Action]:
        """Ends the capture of a channel that is no more in this call; it may live on in another.

        Nobody would tell this call of it: it would be captured for ever, whatever is decided there.
        """
        if not self.capture or self.capture.gone_at or self.capture.channel in self.legs:
            return []
        return self.capture.abandon(at)

    def _over(self, at: datetime) -> list[Action]:
        """Ends the call, whose last channel is gone. What the fallback did, the journal tells."""
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
        return [*row, *self._let_go(at), *self.hand_over(), *self.assistance.ended(), *journal]

    def _went_on(self, into: CallRecord) -> None:
        """Takes note that the last one here talks in another call: it was answered there."""
        self.note("the call went on in call {id}", id=into.id)
        self._tell_without_an_answer()
        self._connected_elsewhere = True

    def _tell_without_an_answer(self) -> None:
        caller = of_legs.caller(self._met, self.linkedid)
        self.record = parties.unconnected(self.record, self._met, caller, self.environment.office)

    def _outcome(self) -> Outcome:
        if self.record.answered_at or self._connected_elsewhere:
            return Outcome.ANSWERED
        return OUTCOMES.get(self._dial_status, Outcome.UNANSWERED)
