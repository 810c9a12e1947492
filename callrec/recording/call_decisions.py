"""Decides one call, at its answer and anew when others talk, and does what was decided.

The layer of a call above its keys (`call_keys`). What is decided is the matter of `decisions`; how a capture
begins, goes silent and ends, of `recorder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec.model.calls import CallRecord
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import OWN_PREFIX
from callrec.recording import legs as of_legs
from callrec.recording.actions import Action, LookAgain
from callrec.recording.call_keys import CallKeys
from callrec.recording.decisions import in_force
from callrec.recording.legs import Leg
from callrec.recording.states import RecordingState

ALONE_FOR = timedelta(seconds=0.5)
"""How long a party must be alone until it is taken to hear what the number it was sent to plays.

In the middle of a transfer it is, until the next phone is called. Silence begins when it was alone at first.
"""


@dataclass(slots=True)
class CallDecisions(CallKeys):
    """A call with its media, keys and decisions."""

    _alone_since: datetime | None = None
    """Since when the call has one channel only, which nobody calls for; None: it has others."""
    _forwarded_by: dict[str | None, str] = field(default_factory=dict)
    """The extension that sends its callers on to a number outside, by that number."""

    def _answered(self, talking: list[Leg], at: datetime) -> list[Action]:
        # a forwarded call: its extension is nobody who talks
        by = [self._forwarded_by.get(leg.number) for leg in talking if not leg.extension]
        self.record = replace(self.record, extension=next(filter(None, by), self.record.extension))
        self.record = self.decisions.answered(self.record, talking, self.caller, at)
        assert self.record.decision is not None
        leg = of_legs.captured(talking, self.caller)
        barred = self.refuse_unannounced(at)  # by what was to be heard before
        begun = self._begun(self.record.decision.mode, leg, at)
        return [*barred, *begun, *self.save_checkpoint()]

    def _begun(self, mode: Mode, leg: Leg, at: datetime) -> list[Action]:
        """Begins what the decision at the answer asks for, with what the dialplan records where that fits;
        else that is destroyed."""
        monitor = self.monitor
        if not monitor or monitor.is_settled:
            return self.recorder.decided(mode, leg.id, at)
        may_begin = self.recorder.state is RecordingState.UNRECORDED
        if mode is Mode.AUTOMATIC and may_begin and monitor.fits(leg, at):
            return [*self.recorder.take_up(monitor, leg, at), *self.announce_start(at)]
        stopped = monitor.stop(self.linkedid) if leg.id == monitor.channel else []
        return [*stopped, *monitor.drop(self.linkedid), *self.recorder.decided(mode, leg.id, at)]

    def _in_bridge(self, at: datetime) -> list[Action]:
        """Tells the capture in which bridge its channel is; where it left one, that is asked again soon."""
        leg = self.legs.get(self.capture.channel or "") if self.capture else None
        left = self.capture and leg and self.capture.in_bridge(leg.bridge, at)
        return [LookAgain(self.linkedid)] if left else []

    def _decide_anew(self, now: dict[str, Leg], at: datetime, *, seen: bool) -> list[Action]:
        """Decides anew where others talk than before: what their rules say holds from now on (decision 12).

        Where nobody saw it (not `seen`), what is never to be recorded is silent from when their channels
        were made.
        """
        # decision 12: during a consultation by code nothing is decided anew
        if of_legs.is_consultation(now, self.legs) or self.is_recorded_by_fallback:
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
        if (
            not since
            or at - since < ALONE_FOR
            or not self.legs
            or not self.record.answered_at
            or not self.decisions.sent_to
        ):
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
