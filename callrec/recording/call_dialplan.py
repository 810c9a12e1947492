"""What the dialplan does in one call: it asks at the gate, dials, and records while callrec is away.

The layer of a call above its decisions (`call_decisions`). The recording of the fallback is taken over as
soon as callrec is back (decision 4): see `takeover`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callrec import ids
from callrec.model.calls import CallRecord
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import Channel, Dialled, FallbackCall, GateEntered, epoch
from callrec.policy.combine import is_final
from callrec.recording import legs as of_legs
from callrec.recording.actions import Action, ReadJournal
from callrec.recording.call_decisions import CallDecisions
from callrec.recording.call_events import CallEvents
from callrec.recording.legs import Leg
from callrec.recording.monitor import Monitor, State, may_be_asked
from callrec.recording.takeover import Takeover
from callrec.recording.topology import LOCAL


@dataclass(slots=True)
class CallDialplan(CallDecisions):
    """A call with its media, keys and decisions, and what the dialplan says of it."""

    _dial_status: str = ""

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
        self._ask_to_record(event)
        sounds = self.announcer.at_gate(self.record.decision) if self.record.decision else ()
        self.take_announcements()
        return sounds, [*self.tell_failure(), *self.save_checkpoint()]

    def _is_monitored(self, channel: str) -> bool:
        """Whether what the dialplan records of a channel was taken up here, or is to be destroyed."""
        taken = self.monitor and self.monitor.channel == channel and self.monitor.state is not State.ASKED
        return bool(taken or (self.capture and self.capture.tracks.monitored))

    def _ask_to_record(self, event: GateEntered) -> None:
        """Has the dialplan record the caller, where it can as callrec would, and nothing is known of the call
        under another id."""
        known = self.monitor or self.fallback or self.saved_open or self.capture or self.record.key_presses
        if known or not may_be_asked(event, self.record.decision, self.legs.get(event.channel.id)):
            return
        self.monitor = Monitor.asked(self.record.pbx, event)
        self.record = replace(self.record, id=self.monitor.call_id)

    def gate_recalled(self, event: GateEntered) -> None:
        """Takes in what was asked at the gate, where that was not heard. It counts for who answers later."""
        own = self._who_calls(event)
        if self.decisions.gate is None and not self.is_over:
            before, record = self.record, self._decided_at_gate(event, own)
            self.record = before if before.answered_at else record

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> list[Action]:
        """Writes down that the dialplan began to play a prompt (`status` None) or ended it."""
        self.announcer.dialplan_said(sound, at, leg, status)
        self.take_announcements()
        failed = self.tell_failure()
        return [*failed, *(self.save_checkpoint() if failed else [])]

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

    # --- the fallback

    def falls_back(self, channel: str, told: FallbackCall) -> list[Action]:
        """Leaves this call to the dialplan's fallback, for callrec did not answer in time.

        The journal will tell of the call, so it gets the id that the journal gives it (decision 4), unless
        something was captured or pressed under the one it has. It is taken over as soon as two
        parties are seen to talk.
        """
        leg, known = self.legs.get(channel), self.takeover
        other = known is not None and known.channel != channel
        if self._is_monitored(channel):
            return []  # that is what its variables tell of
        self.monitor = None  # the journal tells of what the dialplan has recorded
        if (
            known
            and other
            and _weight(told, is_local=leg is None) < _weight(known.told, is_local=known.is_local)
        ):
            return []
        if (other or not self.fallback) and not self.capture and not self.record.key_presses:
            # decision 4: the same id as the journal's entry will have
            self.record = replace(self.record, id=ids.of_fallback_call(self.record.pbx, channel, told.since))
        self.fallback = True
        if leg and (gate := told.gate(leg.channel)):
            self.gate_recalled(gate)
        if not self.capture:
            self.takeover = Takeover(channel, told, is_local=leg is None)
        if not told.file:
            self._recall_announcements(channel, told)
        superfluous, self.saved_open = self.saved_open, ""
        return [ReadJournal(self.linkedid, superfluous)] if superfluous else []

    def takes_in(self, channel: str, told: FallbackCall) -> None:
        """Takes in a channel that the fallback records for a call of its own, which has become part of this.

        The journal tells of that call. Its recording ends as soon as callrec decides here: who may be
        recorded is told by who talks (decision 4).
        """
        if told.file:
            self.taken_in[channel] = Takeover(channel, told)

    def gives_away(self, channel: str) -> FallbackCall | None:
        """Returns what the fallback records of a channel that goes on in another call; None: nothing."""
        own = self.takeover if self.takeover and not self.capture else None
        found = self.taken_in.pop(channel, own)
        return found.told if found and found.channel == channel else None

    def began_with(self, channel: Channel) -> bool:
        """Tells whether a channel that passed the gate may have begun this call; else it came in later.

        A call placed by the PBX passes the gate on the other half of the Local pair it began with.
        """
        return channel.id == self.record.linkedid or channel.technology == LOCAL

    def tick(self, at: datetime) -> list[Action]:
        """Lets time pass: as for any call, a fallback that is asked again to end, and a mailbox.

        Called about twice a second.
        """
        asked = self._ask_fallback(list(self.talking().values()), at)
        return [*asked, *self._decide_alone(at), *CallEvents.tick(self, at)]

    def take_over(self, channel: str, heard: timedelta, at: datetime) -> list[Action]:
        """Goes on where the fallback has ended, which has recorded a channel for so long: the capture is one.

        Where the call is over by then, or the channel began another one, the journal tells of it.
        """
        if not self.takeover or self.takeover.channel != channel or not self.is_recorded_by_fallback:
            return []
        if self.is_over or not self.legs:
            return []
        talking = self.talking() or dict(self.legs)
        self.record = self._as_answered(self.takeover, at - heard)
        self._recall_announcements(self.takeover.channel, self.takeover.told)
        self.note("callrec was away when this call began")
        leg = of_legs.captured(list(talking.values()), self.caller)
        id_ = ids.of_fallback_recording(self.record.pbx, self.takeover.channel, self.takeover.told.since)
        actions = self.recorder.take_over(id_, self.takeover.segment(heard, at), leg.id, at)
        if len(talking) > 1:
            actions += self._decide_anew(talking, at, seen=False)
        return [*actions, *self.refuse_unannounced(at), *self.save_checkpoint()]

    def _ask_fallback(self, talking: list[Leg], at: datetime) -> list[Action]:
        """Asks the fallback to end, where it records what callrec would record by the same rules.

        Where it records nothing callrec decides at once.
        """
        if not self.takeover or self.capture or self.is_over or self.record.unannounced_at:
            return self._end_taken_in(at)
        self.takeover.see(talking, at)
        if self.takeover.seen_at is None:
            return []
        if not self.is_recorded_by_fallback:
            late = [] if self.record.answered_at else self._answered_late(self.takeover, at)
            return [*late, *self._end_taken_in(at)]
        if self.takeover.is_local or not self.takeover.is_due(at):
            return []
        if self._is_wanted(self.takeover, at):
            return self.takeover.ask(self.linkedid, self.legs)
        self._leave_to_journal(self.takeover)
        return self._ask_fallback(talking, at)

    def _leave_to_journal(self, takeover: Takeover) -> None:
        """Leaves what the fallback has recorded to the journal, with its row, and goes on without.

        So it is where its channel is gone, or where it may have recorded somebody who is forbidden.
        """
        self.takes_in(takeover.channel, takeover.told)
        takeover.told = replace(takeover.told, file="")
        self.record = replace(self.record, id=self.environment.new_id())

    def _answered_late(self, takeover: Takeover, at: datetime) -> list[Action]:
        """Decides a call that the fallback does not record: by who talked first, and then by who talks now.

        Where nothing comes to be captured, the journal tells of the call.
        """
        self.record, talking = self._as_answered(takeover, at), self.talking() or dict(self.legs)
        self.note("callrec was away when this call began")
        self._recall_announcements(takeover.channel, takeover.told)
        assert self.record.decision is not None
        leg, barred = of_legs.captured(list(talking.values()), self.caller), self.refuse_unannounced(at)
        actions = self.recorder.decided(self.record.decision.mode, leg.id, at)
        actions += self._decide_anew(talking, at, seen=False)
        return [*barred, *actions, *self.save_checkpoint()]

    def _end_taken_in(self, at: datetime) -> list[Action]:
        """Asks the fallback to end what it records of channels of other calls, once callrec decides here."""
        if not self.record.answered_at or self.is_recorded_by_fallback:
            return []
        due = [each for each in self.taken_in.values() if each.is_due(at)]
        return [action for each in due for action in each.ask(self.linkedid, self.legs)]

    def _is_wanted(self, takeover: Takeover, at: datetime) -> bool:
        """Tells whether what the fallback recorded is to be kept, by the rules of all who are known to have
        talked and are gone: when they did is not known."""
        first, leg = self._as_answered(takeover, at), self.legs.get(takeover.channel)
        if not leg or not first.decision or first.decision.mode is not Mode.AUTOMATIC:
            return False
        for gone in takeover.between(self.decisions.office):
            then = self.decisions.answered(first, [leg, gone], takeover.caller(self.legs), at).decision
            if then and is_final(then):
                return False
        return True

    def _as_answered(self, takeover: Takeover, at: datetime) -> CallRecord:
        """Returns the call as it was decided when it was answered, by who talked then."""
        office = self.decisions.office
        talking, caller = takeover.answering(self.legs, office), takeover.caller(self.legs)
        record = self.decisions.answered(takeover.asked(self.record), talking, caller, at)
        return replace(record, participants=takeover.participants(record, self.legs.values(), office, at))

    def _recall_announcements(self, channel: str, told: FallbackCall) -> None:
        """Takes over what the dialplan has announced, unless it was heard of."""
        if self.announcer.made:
            return
        if self.decisions.gate:
            self.announcer.at_gate(self.decisions.gate)
        for each in filter(None, told.announced.split("&")):
            sound, begin, end, status = [*each.split(">"), "", "", ""][:4]
            if (begun := epoch(begin)) and (ended := epoch(end)):
                self.announced(sound, begun - told.pbx_ahead, channel, status=None)
                self.announced(sound, ended - told.pbx_ahead, channel, status=status)


def _weight(told: FallbackCall, *, is_local: bool) -> tuple[bool, bool, datetime]:
    """Returns which of several channels tells of a call, the one with the most: none of a Local pair; of its
    halves the one that is recorded, or came last, which has the line."""
    return not is_local, bool(told.file), told.since
