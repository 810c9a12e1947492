"""Makes the decisions of one call: at the gate, at the answer, and anew whenever others talk.

The rules are those of the call's beginning: a change of the rules is for calls to come. What follows from a
decision is not done here: see `call` and `recorder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callrec.model.calls import CallRecord, DecisionChange
from callrec.model.rules import Decision, Direction, Mode
from callrec.pbx.events import GateEntered
from callrec.policy.combine import combine
from callrec.policy.office import Office
from callrec.recording import legs as of_legs
from callrec.recording import parties
from callrec.recording.legs import Leg


@dataclass(slots=True)
class Decisions:
    """Decides by the rules of `office`, and remembers what was decided of a call before.

    `gate` is the decision before anybody answered, None without a gate; `before` the one that held until the
    party outside left, None while there is one.
    """

    office: Office
    gate: Decision | None = None
    before: Decision | None = None
    _dialled_a_phone: bool = False
    _others: tuple[str, ...] = ()

    def at_gate(self, call: CallRecord, event: GateEntered) -> CallRecord:
        """Returns the call, decided by what the dialplan says at the gate.

        A call that came to another number before brings that decision along. Raises ValueError where the
        dialplan's direction is none.
        """
        call = parties.at_gate(call, event, self.office)
        self._dialled_a_phone = self.office.is_phone(event.extension)
        self.gate = self._decide(call, parties.staff(call), self.gate, event.at)
        return replace(call, decision=self.gate)

    def answered(
        self, call: CallRecord, talking: Sequence[Leg], caller: Leg | None, at: datetime
    ) -> CallRecord:
        """Returns the call, decided by who has answered and by what was decided at the gate."""
        call = parties.answered(replace(call, answered_at=at), talking, caller, self.office)
        return replace(call, decision=self._decide(call, parties.staff(call), self.gate, at))

    def decide_anew(
        self, call: CallRecord, staff: tuple[str, ...], others: tuple[str, ...], at: datetime, *, alone: bool
    ) -> CallRecord:
        """Returns the call with another decision, by these extensions, who talk now (decision 12).

        Unchanged where it was decided by their rules already. The rule of a phone that was dialled counts
        while that phone talks; that of a number that is no phone counts for the whole call. `others` are
        numbers of parties outside who have come in (in a conference): what is never to be recorded of them
        is not. `alone`: nobody outside is left, and staff talk internally.
        """
        same = staff == decided_for(call) and alone is bool(self.before)
        if not staff or (same and others == self._others):
            return call
        self._others = others
        asked = replace(call, direction=Direction.INTERNAL, number=None) if alone else call
        decision = self._decided_for_all(asked, staff, others, at)
        now = in_force(call)
        if same and now and now.mode is decision.mode:
            return call
        self.before = (self.before or now) if alone else None
        return replace(call, decision_changes=(*call.decision_changes, DecisionChange(at, staff, decision)))

    def _decided_for_all(
        self, call: CallRecord, staff: tuple[str, ...], others: tuple[str, ...], at: datetime
    ) -> Decision:
        gate = None if self._dialled_a_phone else self.gate
        asked = [call, *(replace(call, number=number) for number in others)]
        first, *rest = [self._decide(each, staff, gate, at) for each in asked]
        return next((each for each in (first, *rest) if each.mode is Mode.NEVER), first)  # decision 10

    def _decide(
        self, call: CallRecord, staff: Sequence[str], gate: Decision | None, at: datetime
    ) -> Decision:
        decision = self.office.decide(parties.facts(call, staff, self.office, at))
        return combine(gate, decision) if gate else decision  # decision 10


def decided_for(call: CallRecord) -> tuple[str, ...]:
    """Returns the extensions by whose rules the call was decided last."""
    if call.decision_changes:
        return call.decision_changes[-1].extensions
    return of_legs.staff(each for each in call.participants if each.joined_at == call.answered_at)


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
