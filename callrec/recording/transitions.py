"""Tells what has become of a call since it was last looked at: one line for each step, for the log.

A step is told from what is written down of the call in any case, so the log says what rows and manifests say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from callrec.model.calls import CallRecord, DecisionChange
from callrec.model.captures import Capture, Segment
from callrec.model.rules import Decision
from callrec.recording import actions as do


class Step(NamedTuple):
    """What happened, in English, and its values."""

    event: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """A call and what is captured of it, as written down at one moment. `end`: what becomes of what was
    captured; empty while the call goes on, or where nothing was."""

    call: CallRecord
    capture: Capture | None = None
    end: str = ""


def account_of(action: do.SpoolAction) -> Account | None:
    """Returns the account that an action for the spool writes down; None where it writes none."""
    match action:
        case do.SaveOpenCall(call=call):
            return Account(call)
        case do.SaveCheckpoint(checkpoint=checkpoint):
            return Account(checkpoint.call, checkpoint.capture)
        case do.HandOver(captured=captured):
            return Account(captured.call, captured.capture, "to be archived")
        case do.Discard(captured=captured, whole=whole):
            end = "to be destroyed" if whole else "to be destroyed in part"
            return Account(captured.call, captured.capture, end)
        case do.SaveCall(call=call):
            return Account(call)
        case _:
            return None


def steps(before: Account | None, after: Account) -> Iterator[Step]:
    """Yields what happened between two accounts of one call, in order; `before` None: all so far."""
    known, call = before.call if before else None, after.call
    if call.answered_at and not (known and known.answered_at):
        yield Step(
            "answered", {"direction": call.direction, "extension": call.extension, "number": call.number}
        )
    if call.decision and not (known and known.decision):
        yield Step("decided", _decision(call.decision))
    for change in _new(known and known.decision_changes, call.decision_changes):
        yield Step("decided anew", _change(change))
    yield from _captured(before.capture if before else None, after.capture)
    yield from _happened(known, call)
    if call.ended_at and not (known and known.ended_at):
        yield Step("over", {"outcome": call.outcome, "extension": call.extension, "facility": call.facility})
    if after.capture and after.end and not (before and before.end == after.end):
        kept = after.capture.kept_because
        yield Step(after.end, {"recording": after.capture.recording_id, "kept_because": kept})


def _captured(before: Capture | None, after: Capture | None) -> Iterator[Step]:
    if after is None:
        return
    known = {each.number: each for each in before.segments} if before else {}
    for segment in after.segments:
        yield from _of_segment(after.recording_id, known.get(segment.number), segment)
    for gap in _new(before and before.gaps, after.gaps):
        yield Step("gap", {"recording": after.recording_id, "reason": gap.reason})
    for silence in _new(before and before.silences, after.silences):
        yield Step("silent", {"recording": after.recording_id, "reason": silence.reason})


def _of_segment(recording: str, before: Segment | None, after: Segment) -> Iterator[Step]:
    which = {"recording": recording, "segment": after.number}
    if before is None:
        yield Step("record", {**which, "standby": after.standby})
    for side in ("external", "staff"):
        known, track = before and getattr(before, side), getattr(after, side)
        if track.started_at and not (known and known.started_at):
            yield Step("recording", {**which, "side": side, "at": track.started_at.isoformat()})
        if track.failed and not (known and known.failed):
            yield Step("track failed", {**which, "side": side, "problem": track.failed})


def _happened(before: CallRecord | None, after: CallRecord) -> Iterator[Step]:
    for press in _new(before and before.key_presses, after.key_presses):
        yield Step(
            "key pressed", {"key_code": press.key, "result": press.result, "extension": press.extension}
        )
    for playing in _new(before and before.announcements, after.announcements):
        yield Step(
            "announcement", {"prompt": playing.prompt, "language": playing.language, "leg": playing.leg}
        )
    for note in _new(before and before.notes, after.notes):
        yield Step("note", {"note": note.text})


def _decision(made: Decision) -> dict[str, Any]:
    return {"mode": made.mode, "rule": made.rule, "version": made.version, "reason": made.reason}


def _change(change: DecisionChange) -> dict[str, Any]:
    return {**_decision(change.decision), "extensions": ", ".join(change.extensions)}


def _new(before: Any, after: Any) -> Any:
    """Returns the items of a growing tuple that were not there before."""
    return islice(after, len(before or ()), None)
