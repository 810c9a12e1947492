"""Joins decisions on one call: at the gate and at the answer, and those about several who talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from callrec.model.rules import Announce, Candidate, Decision, Mode, Unannounced

_STRICTNESS = {Announce.NONE: 0, Announce.ON_START: 1, Announce.BEFORE_CONNECT: 2}


def combine(gate: Decision, answering: Decision) -> Decision:
    """Returns what holds for a call that the gate decided by the number dialled, once it is answered.

    The answering extension's decision holds, its consent beep too, with the stricter of both announcements
    (before-connect, then on-start, then none) and the stricter of what becomes of a call that could not be
    announced. Only a rule that says never for the number dialled beats it, as it beats all (decision 10). A
    call that is not recorded is not announced: what the gate has played is in the call's announcements.
    """
    if is_final(gate):
        return _with(gate, answering, "never-beats-all")
    heard = gate if _gate_announces(gate, answering) else answering
    combined = _with(answering, gate, "at-gate")
    combined = replace(combined, announce=heard.announce, languages=heard.languages, prompt=heard.prompt)
    return _strict(combined, (gate, answering))


def of_all(decisions: Sequence[Decision]) -> Decision:
    """Returns what holds while several talk, each with a decision of their own; who matters most first.

    One whose rule says never suffices; else the first of whom any rule is counts, with what is stricter
    where the announcement cannot be played.
    """
    final = (each for each in decisions if is_final(each))
    ruled = (each for each in decisions if each.rule is not None)
    return next(final, None) or _strict(next(ruled, decisions[0]), decisions)


def is_final(decision: Decision) -> bool:
    """Tells whether a decision holds, whoever else talks: a rule says never, and not only no rule."""
    return decision.rule is not None and decision.mode is Mode.NEVER  # decision 10


def _gate_announces(gate: Decision, answering: Decision) -> bool:
    """Tells whether the gate's announcement counts: one that was played before connecting, or is stricter."""
    if answering.mode is Mode.NEVER:
        return False
    played = gate.announce is Announce.BEFORE_CONNECT
    return played or _STRICTNESS[gate.announce] > _STRICTNESS[answering.announce]


def _strict(decision: Decision, joined: Sequence[Decision]) -> Decision:
    """Returns the decision; one of those that are joined suffices for nothing to be recorded unannounced."""
    asked = any(each.unannounced is Unannounced.DISCARD for each in joined)
    recorded = decision.mode is not Mode.NEVER
    return replace(decision, unannounced=Unannounced.DISCARD) if asked and recorded else decision


def _with(decision: Decision, other: Decision, why: str) -> Decision:
    """Returns the decision, with the other's winner among the rules that were considered."""
    known = {each.rule for each in decision.considered}
    if other.rule is None or other.version is None or other.rule in known:
        return decision
    lost = Candidate(other.rule, other.version, won=False, why=why)
    return replace(decision, considered=(*decision.considered, lost))
