"""Makes the decisions of one call: at the gate, at the answer, and anew whenever others talk.

All who talk are asked about, staff by their extensions, others by their numbers: one whose rule says never
suffices. The rules are those of the call's beginning: a change of the rules is for calls to come. What
follows from a decision is not done here: see `call` and `recorder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callrec.model.calls import CallRecord, DecisionChange
from callrec.model.rules import TEST_CALL, Decision, Direction, Mode
from callrec.numbers import Number
from callrec.pbx.events import GateEntered
from callrec.policy.combine import combine, is_final, of_all
from callrec.policy.decide import Defaults, without_rule
from callrec.policy.office import Office
from callrec.recording import legs as of_legs
from callrec.recording import parties
from callrec.recording.legs import Leg
from callrec.recording.topology import LOCAL


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom a decision was about: extensions, numbers outside, and where the call was sent.

    `alone`: staff talk among themselves.
    """

    staff: tuple[str, ...]
    numbers: tuple[Number, ...]
    sent_to: tuple[str, ...] = ()
    alone: bool = False


@dataclass(slots=True)
class Decisions:
    """Decides by the rules of `office`, and remembers what was decided of a call before.

    `gate` is the decision before anybody answered, None without a gate; `before` the one that held until the
    party outside left, None while there is one.
    """

    office: Office
    test_days: int = 1
    gate: Decision | None = None
    before: Decision | None = None
    _dialled_a_phone: bool = False
    sent_to: tuple[str, ...] = ()
    """The numbers to which the call was sent after its answer, and whose dialplan may be heard."""
    _gate_direction: Direction | None = None
    _gate_is_of_people: bool = False
    """Whether the gate's never is of who talks, and not of the number dialled: it leaves with them."""
    _asked: _Asked | None = None

    def at_gate(
        self,
        call: CallRecord,
        event: GateEntered,
        own: str | None,
        legs: Mapping[str, Leg],
        caller: Leg | None,
    ) -> CallRecord:
        """Returns the call, decided by what the dialplan says at the gate; `own` is the calling phone's
        extension.

        A call that came to another number before brings that decision along. What a Local channel asks about
        a phone (a member of a queue, a call that is forwarded) is no number that was dialled: it counts if
        that phone answers. Raises ValueError where the dialplan's direction is none.
        """
        if facility := event.channel.tested:
            decision = of_test_call(self.test_days)
            return replace(call, direction=Direction.INBOUND, facility=facility, decision=decision)
        call = parties.at_gate(call, event, own, legs, caller, self.office)
        before = self._gate_of(call)
        decision = self._decide(call, parties.staff(call), before, event.at)
        dialled_a_phone = self.office.is_phone(call.extension or "")
        if not dialled_a_phone or event.channel.technology != LOCAL:
            self.gate, self._gate_direction = decision, call.direction
            self._dialled_a_phone = dialled_a_phone
            self._gate_is_of_people = is_final(decision) and not self._is_of_number(call, event, before)
        return replace(call, decision=decision)

    def answered(
        self, call: CallRecord, talking: Sequence[Leg], caller: Leg | None, at: datetime
    ) -> CallRecord:
        """Returns the call, decided by all who talk when it is answered, and by what the gate decided.

        A test call is decided at the gate for good, whatever the rules say.
        """
        if call.is_test:
            return replace(call, answered_at=at)
        call = parties.answered(replace(call, answered_at=at), talking, caller, self.office)
        filed, there = parties.staff(call), of_legs.staff(talking)
        if there and call.direction is not Direction.INBOUND:
            # whose phone has left before anybody saw an answer
            filed = tuple(each for each in filed if each in there or not self.office.is_phone(each))
        others = [each for each in there if each not in filed]
        self._asked = asked = self._asked_about(call, talking, alone=False)
        decision = self._decide_for_all(call, (*filed, *others), asked, self._gate_of(call), at)
        return replace(call, decision=decision)

    def is_sent_to_never(self, call: CallRecord, at: datetime) -> bool:
        """Tells whether the call was sent to a number whose rule says never, and that is no phone's."""
        return any(self._never(self._services, call, at))

    def decide_anew(
        self, call: CallRecord, talking: Sequence[Leg], at: datetime, *, alone: bool
    ) -> CallRecord:
        """Returns the call with another decision, by all who talk now (decision 12).

        Unchanged where it was decided about them already, or where without staff nothing else is decided:
        then the rules of those who talked last count on. The rule of a phone that was dialled counts while
        that phone talks; that of a number that is no phone counts for the whole call, or, where the call was
        sent there later, until it is sent on. `alone`: nobody outside is left, and staff talk internally.
        Where nobody at all talks, the number counts to which the call was sent, also that of a phone.
        """
        if call.is_test:
            return call
        asked = self._asked_about(call, talking, alone=alone)
        before, self._asked = self._asked, asked
        if asked == before or (before is None and not asked.sent_to and _are_the_same(call, at)):
            return call
        decision, now = self._decide_about(call, asked, at), in_force(call)
        same_staff = asked.staff == decided_for(call) and alone is bool(self.before)
        if not decision or (now and now.mode is decision.mode and (same_staff or not asked.staff)):
            return call
        self.before = (self.before or now) if alone else None
        change = DecisionChange(at, asked.staff, decision)
        return replace(call, decision_changes=(*call.decision_changes, change))

    def unseen_since(self, call: CallRecord, talking: Sequence[Leg], at: datetime) -> datetime:
        """Returns since when those may have talked for whom nothing is recorded, which was noticed at `at`.

        Who is never to be recorded cannot have talked before their channel was made (decision 12).
        """
        made = self.forbidden_since(call, talking, at) or of_legs.first_made(talking, but=decided_for(call))
        return min(at, made or at)

    def forbidden_since(self, call: CallRecord, talking: Iterable[Leg], at: datetime) -> datetime | None:
        """Returns when the first channel was made of those who are never to be recorded; None: nobody is."""
        forbidden = [leg for leg in talking if any(self._never(_names(leg), call, at))]
        return min((leg.channel.created_at for leg in forbidden), default=None)

    # --- inside

    def _asked_about(self, call: CallRecord, talking: Sequence[Leg], *, alone: bool) -> _Asked:
        there = self._services_heard_by(talking) if talking else self.sent_to
        return _Asked(of_legs.staff(talking), of_legs.numbers(call, talking), there, alone)

    @property
    def _services(self) -> tuple[str, ...]:
        """The numbers that are no phones, to which the call was sent: they count also while others talk."""
        return tuple(
            number for number in self.sent_to if not self.office.is_phone(self.office.person_of(number))
        )

    def _services_heard_by(self, talking: Sequence[Leg]) -> tuple[str, ...]:
        """Returns the services, but for numbers outside where the numbers of all who talk are known.

        Who was called there is among those who talk, or has left.
        """
        if not all(_names(leg) for leg in talking):
            return self._services
        return tuple(each for each in self._services if not (self.office.dialled(each) or "").startswith("+"))

    def _decide_about(self, call: CallRecord, asked: _Asked, at: datetime) -> Decision | None:
        """Decides by all who talk; without staff, that of those who talked last holds, but for a never."""
        if not asked.staff:
            never = self._never((*asked.sent_to, *asked.numbers), call, at)
            return next(never, None) or _by_last_staff(call)
        about = replace(call, direction=Direction.INTERNAL, number=None) if asked.alone else call
        gate = None if self._dialled_a_phone else self._lasting_gate
        return self._decide_for_all(about, asked.staff, asked, gate, at)

    def _decide_for_all(
        self, call: CallRecord, staff: Sequence[str], asked: _Asked, gate: Decision | None, at: datetime
    ) -> Decision:
        unknown = call.number if call.direction is Direction.INTERNAL else None
        each_outside = [replace(call, number=number) for number in asked.numbers or (unknown,)]
        decisions = [self._decide(each, staff, gate, at) for each in each_outside]
        return of_all([*decisions, *self._never(asked.sent_to, call, at)])

    def _never(self, numbers: Iterable[str], call: CallRecord, at: datetime) -> Iterator[Decision]:
        """Yields what a rule decides that says never for one of these numbers, of the office or outside."""
        asked = ((each, replace(call, number=self.office.dialled(each))) for each in numbers)
        about = (self._decide(call, [self.office.person_of(each)], None, at) for each, call in asked)
        return filter(is_final, about)

    def _gate_of(self, call: CallRecord) -> Decision | None:
        """Returns the gate's decision, unless it was about a phone and a call of another direction.

        So it is where a call between staff is forwarded to the outside.
        """
        counts = not self._dialled_a_phone or self._gate_direction is call.direction
        return self._lasting_gate if counts else None

    @property
    def _lasting_gate(self) -> Decision | None:
        """The gate's decision, but for a never of people: they are asked as long as they talk."""
        return None if self._gate_is_of_people else self.gate

    def _is_of_number(self, call: CallRecord, event: GateEntered, before: Decision | None) -> bool:
        """Tells whether a never at the gate is of the number that is dialled, or was dialled before."""
        of_number = before is not None and is_final(before)
        return of_number or any(self._never([event.dialled], replace(call, number=None), event.at))

    def _decide(
        self, call: CallRecord, staff: Sequence[str], gate: Decision | None, at: datetime
    ) -> Decision:
        decision = self.office.decide(parties.facts(call, staff, self.office, at))
        return combine(gate, decision) if gate else decision  # decision 10


def _names(leg: Leg) -> list[str]:
    """Returns the extension or the numbers by which a leg is decided."""
    names = [leg.extension] if leg.extension else [leg.number, leg.filed_as]
    return [each for each in names if each]


def of_test_call(days: int) -> Decision:
    """Returns the decision for a test call, whose recording is kept for so many days."""
    return without_rule(Mode.AUTOMATIC, TEST_CALL, Defaults(days, days))


def decided_for(call: CallRecord) -> tuple[str, ...]:
    """Returns the extensions by whose rules the call was decided last; none while no staff talk."""
    if call.decision_changes:
        return call.decision_changes[-1].extensions
    return of_legs.staff(of_legs.first_to_talk(call))


def in_force(call: CallRecord) -> Decision | None:
    """Returns the decision that holds for who talks now; None where nothing was decided."""
    return call.decision_changes[-1].decision if call.decision_changes else call.decision


def mode_for_keys(call: CallRecord, before: Decision | None, *, captured: bool) -> Mode:
    """Returns the mode that keys go by: that of who talks now, but a recording by rule is no manual one.

    `before` is the decision that held until then, where the key is about what it has recorded. Returns
    `never` before the answer, and where the rule of who talks now says so.
    """
    decision, now = call.decision, before or in_force(call)
    if not call.answered_at or not decision or not now or now.mode is Mode.NEVER:
        return Mode.NEVER
    begun_by = decision.mode if captured else now.mode
    return max(now.mode, begun_by, key=list(Mode).index)


def _are_the_same(call: CallRecord, at: datetime) -> bool:
    """Tells whether those talk who were written down before a restart; what changed was noticed at `at`."""
    if any(each.left_at == at for each in call.participants):
        return False
    return at == call.answered_at or all(each.joined_at != at for each in call.participants)


def _by_last_staff(call: CallRecord) -> Decision | None:
    """Returns what was decided when staff talked last: it holds on where none are left."""
    changes = [each.decision for each in call.decision_changes if each.extensions]
    return changes[-1] if changes else call.decision
