"""One call: who takes part, what is decided about it, and how it ends. Facts in, actions out.

The tracker tells a call what happens to its channels; the call decides when it is answered, and anew when
others talk. It never waits, and never talks to the PBX: it only watches a call that the PBX owns
(decision 1). Its media, keys, decisions, and what the dialplan does are the layers below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.model.calls import CallRecord, Outcome
from callrec.model.captures import Capture, SilenceReason
from callrec.model.rules import Direction
from callrec.recording import legs as of_legs
from callrec.recording import parties
from callrec.recording.actions import Action, ReadJournal, SaveCall
from callrec.recording.call_dialplan import CallDialplan
from callrec.recording.capture import LiveCapture
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.monitor import State

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}
"""How a call that nobody answered ended, by what Dial() reported."""


@dataclass(slots=True)
class Call(CallDialplan):
    """One call, until nothing more can come of it. Only itself writes to its fields."""

    _connected_elsewhere: bool = False
    _met: dict[str, Leg] = field(default_factory=dict)
    """Every channel that was in this call."""

    @classmethod
    def resumed(cls, linkedid: str, record: CallRecord, environment: Environment) -> Call:
        """Takes up a call that was under way when the controller ended, as it was written down."""
        call = cls(linkedid, record, environment)
        call.saved_open = record.id
        if record.unannounced_at:
            call.recorder.bar(record.unannounced_at)
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
        look = self._in_bridge(at)
        self.decisions.sent_to = self._heard_by(sent_to, now)
        before = None if self.update_participants(now, at) else self.record
        self._count(at)
        if len(now) < 2:
            never = self.record.answered_at and self.decisions.is_sent_to_never(self.record, at)
            actions = self._decide_anew(now, at, seen=seen) if never else []
            return self._saved([*look, *actions, *self.announcer.follow(())], before)
        if not self.record.answered_at and not self.fallback:
            return [*self._answered(list(now.values()), at), *self._end_taken_in(at)]
        asked = self._ask_fallback(list(now.values()), at)
        if not self.record.answered_at:
            return asked
        actions = [*look, *asked, *self._follow(at), *self._decide_anew(now, at, seen=seen)]
        actions += self.assistance.follow(self.legs, now)
        actions += self.capture.renew_snoops(at) if self.capture else []  # decision 9
        actions += self.announcer.follow(now if self.capture and self.capture.channel in now else ())
        return self._saved(actions, before)

    def _saved(self, actions: list[Action], before: CallRecord | None) -> list[Action]:
        """Returns the actions, with a checkpoint where they or the call are others than `before`.

        What is decided can ask the PBX for nothing, and must survive a restart all the same.
        """
        return [*actions, *(self.save_checkpoint() if actions or self.record is not before else [])]

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
        now, before = self.talking(), self.record
        decide = self.record.answered_at and len(now) > 1
        actions = [*(self._decide_anew(now, at, seen=True) if decide else []), *self._follow(at)]
        return [*self._saved(actions, before), *self.hand_over()]

    def abandoned(self, leg: Leg, into: CallRecord, at: datetime, *, met: Iterable[Leg] = ()) -> list[Action]:
        """Takes out a channel that goes on in another call (a transfer), and ends its capture here.

        That of those who are left goes on. `met` are those whom it has come to hear while nobody watched.
        """
        silenced = self.met_unseen(leg.id, met, at)
        self.legs.pop(leg.id, None)
        if not self.legs:
            self._went_on(into)
        self.name(leg)
        self.update_participants(self.talking(), at)
        let_go = [*self._let_go(at), *self._drop_monitor(leg.id)]
        rest = self._without(at) if self.legs else self._over(at)
        return [*silenced, *let_go, *rest, *(self.save_checkpoint() if let_go else [])]

    def name(self, leg: Leg) -> None:
        """Has a channel that goes on in another call go there by the number under which this one is filed."""
        if leg.id in of_legs.filed_under(self.record):
            leg.filed_as = self.record.number

    def met_unseen(self, channel: str, met: Iterable[Leg], at: datetime) -> list[Action]:
        """Silences the capture of a channel from when it may have come to hear somebody who is forbidden.

        For a capture that ends because its channel has gone on in another call while nobody watched.
        """
        if not self.capture or self.capture.channel != channel:
            return []
        if not self.capture.tracks.last or not self.capture.tracks.last.may_be_written:
            return []  # nothing of it was recorded there
        if self.capture.gone_at and self.capture.gone_at < at:  # else it is only noticed now
            return []
        since = self.decisions.forbidden_since(self.record, met, at)
        return self.capture.silence(SilenceReason.NEVER, min(since, at)) if since else []  # decision 12

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """Brings this call up to the channels the PBX has (`there`, ours too), after the link was away."""
        said_again = self.capture.compared(there, at) if self.capture else []
        if not self.legs and not self.is_over:
            self.end_unseen = True
            return [*said_again, *self._over(at)]
        # What became of a whisper is not known: what was not heard to its end is said again.
        broken_off = [*self.tones.break_off(), *self.announcer.break_off()]
        if self.is_over or not self.capture:
            return [*broken_off, *self._let_go(at), *self.hand_over()]
        moved = [*self._let_go(at), *self._follow(at)]
        saved = self.save_checkpoint() if moved else []
        return [*said_again, *broken_off, *moved, *saved, *self.announce_start(at)]

    def missed_the_end(self, there: set[str], at: datetime, *, keys_known: bool) -> None:
        """Takes note that all channels of this call went while nobody watched.

        Without `keys_known` nothing is discarded until the keys that were pressed meanwhile have been read.
        """
        self.end_unseen, self.keys_unknown = True, not keys_known
        if self.monitor and self.monitor.state is State.ASKED:
            self.monitor = None  # it may have been answered: the journal tells of what was recorded
        if self.capture and self.capture.channel and self.capture.channel not in there:
            self.capture.left(self.capture.channel, at, seen=False)

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
        ended = [*self._let_go(at), *self._drop_monitor(), *self.hand_over(), *self.assistance.ended()]
        return [*row, *ended, *journal]

    def _drop_monitor(self, channel: str = "") -> list[Action]:
        """Has destroyed what the dialplan recorded, where nobody took it up: the call is over, or its
        `channel` goes on in another one."""
        if not self.monitor or (channel and channel != self.monitor.channel):
            return []
        return self.monitor.drop(self.linkedid)

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
