"""Says of a call why there is no recording of it, or that there is one.

What is there is never said to be absent: what the catalogue does not have but spool or bucket do is named,
and where nothing explains why a call has no recording, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic.dataclasses import dataclass as checked

from callrec.catalogue.absences import AbsenceScope, KnownCall
from callrec.catalogue.calls import AWAY, ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.model.calls import CallRecord, FeatureCode, KeyResult
from callrec.model.captures import Custody
from callrec.model.rules import Decision, Direction, Mode
from callrec.numbers import normalise

_NO_SOUND = "the call was over before there was sound to record"
_FALLBACK_DESTROYED = "what the dialplan had recorded was destroyed: the rules did not want it recorded"
_KEEPING = (FeatureCode.KEEP, FeatureCode.HELP)


class Reason(StrEnum):
    """Something about a call that says why it has a recording, or has none."""

    KEPT = "kept"
    """It was recorded, and the archive has it."""
    WAITING = "waiting"
    """It was recorded, and waits for the archive."""
    IN_BUCKET = "in-bucket-only"
    """The bucket has a recording of it that the catalogue does not know."""
    STILL_THERE = "still-there"
    """The catalogue says that it is destroyed, and the bucket has it."""
    BEING_DESTROYED = "being-destroyed"
    """Its destruction was begun, and is not finished."""
    MISSING = "missing"
    """The catalogue says that the archive has it, and the bucket does not."""
    UNPROVED = "unproved"
    """The catalogue says that it is destroyed, and what is signed does not."""
    DESTROYED = "destroyed"
    """It was recorded, and destroyed when its time was over."""
    LOST = "lost"
    """It was to be recorded, and its sound was lost."""
    NOT_OVER = "not-over"
    """The call was under way, as far as is known."""
    UNANSWERED = "unanswered"
    """Nobody answered: there was nothing to record."""
    NO_RULE = "no-rule"
    NEVER = "never"
    """The rule says never."""
    NO_KEY = "no-key"
    """It was to be recorded from a key press on, and nobody pressed the key."""
    KEY_REFUSED = "key-refused"
    """Staff pressed the key, and it was refused."""
    DISCARDED = "discarded"
    """It was on standby, nobody pressed the key, and it was destroyed when the call was over."""
    DISCARD_WAITING = "discard-waiting"
    """The same, but that it is destroyed is not confirmed yet."""
    UNANNOUNCED = "unannounced"
    """Its announcement could not be played, and the rule wants nothing recorded then."""
    FALLBACK_DESTROYED = "fallback-destroyed"
    """The dialplan recorded it while callrec was away; the rules did not want it recorded."""
    AWAY = "away"
    """callrec was away while it was under way."""
    NO_SOUND = "no-sound"
    """It was over before there was sound to record."""
    DECIDED_ANEW = "decided-anew"
    """Others talked from then on, by whose rules it was decided anew."""
    UNEXPLAINED = "unexplained"
    """Nothing on record says why there is none."""


_THERE = {Reason.KEPT, Reason.WAITING, Reason.IN_BUCKET, Reason.STILL_THERE}
_NOT_SURE = {
    Reason.BEING_DESTROYED,
    Reason.MISSING,
    Reason.UNPROVED,
    Reason.NOT_OVER,
    Reason.DISCARD_WAITING,
    Reason.UNEXPLAINED,
}


class Status(StrEnum):
    """Whether there is a recording of a call."""

    EXISTS = "exists"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    """It is not sure."""


@checked(frozen=True, slots=True)
class Finding:
    """A reason, with what belongs to it; null where it does not."""

    reason: Reason
    at: datetime | None = None
    """When it came to be so."""
    recording_id: str | None = None
    rule: int | None = None
    version: int | None = None
    mode: Mode | None = None
    because: str | None = None
    """Of a destruction: what set its date: `rule`, `incident` or `person`."""
    until: datetime | None = None
    """Of a recording: until when it is, or was, to be kept."""
    custody_row: int | None = None
    """The row of the custody log that says it."""
    key: str | None = None
    """Of a key that was refused: what it asks for. Of an object: its key in the bucket."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of calls beside their rows, by recordings' ids where nothing else is said."""

    entries: Mapping[str, list[Entry]] = field(default_factory=dict)
    """The custody log of each recording."""
    lost: Mapping[str, Entry] = field(default_factory=dict)
    """What the custody log says of lost recordings, by the ids of calls."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """The recordings in the spool, by the ids of calls."""
    discards: frozenset[str] = frozenset()
    """The calls of which something in the spool waits to be destroyed."""
    missing: frozenset[str] = frozenset()
    """The recordings that the bucket does not have."""
    still_there: frozenset[str] = frozenset()
    """The recordings that were destroyed and that the bucket has."""
    unproved: frozenset[str] = frozenset()
    """The recordings that were destroyed by the catalogue, and not by what is signed."""
    unknown_objects: Mapping[str, str] = field(default_factory=dict)
    """The keys of sounds that only the bucket has, by the ids of calls."""


def concerns(call: CallRecord, scope: AbsenceScope) -> bool:
    """Returns whether a call, which fits the scope otherwise, was with the number that is asked about."""
    if not scope.numbers:
        return True
    outside = [normalise(each.number) for each in call.participants if each.extension is None]
    return not scope.numbers.isdisjoint({call.number, call.dialled, normalise(call.dialled), *outside})


def fits(call: CallRecord, scope: AbsenceScope, facilities: frozenset[str]) -> bool:
    """Returns whether a call that no row is there of is one of a scope."""
    extensions = {call.extension, *(each.extension for each in call.participants)}
    extensions |= {call.number} if call.direction is Direction.INTERNAL else set()
    return (
        call.started_at < scope.end
        and (call.ended_at or call.started_at) >= scope.begin
        and (scope.extension is None or scope.extension in extensions)
        and (scope.facility is None or scope.facility in {call.facility, *facilities})
        and concerns(call, scope)
    )


def findings(known: KnownCall, more: Known) -> list[Finding]:
    """Returns why there is, or is not, a recording of a call: one reason at least."""
    call = known.call
    found = [_of_recording(each, known, more) for each in known.recordings]
    if call.id in more.waiting:
        found.append(Finding(Reason.WAITING, recording_id=more.waiting[call.id]))
    if call.id in more.unknown_objects:
        found.append(Finding(Reason.IN_BUCKET, key=more.unknown_objects[call.id]))
    if call.id in more.lost:
        lost = more.lost[call.id]
        found.append(Finding(Reason.LOST, lost.at, lost.recording_id, custody_row=lost.seq))
    return [*(found or _unrecorded(call, more)), *_besides(call)]


def status(found: list[Finding]) -> Status:
    """Returns what the reasons of a call come to."""
    reasons = {each.reason for each in found}
    if reasons & _THERE:
        return Status.EXISTS
    return Status.UNCERTAIN if reasons & _NOT_SURE else Status.ABSENT


def _of_recording(each: ArchivedRecording, known: KnownCall, more: Known) -> Finding:
    """Returns what became of a recording of which there is a row."""
    common: dict[str, Any] = {"recording_id": each.id, "until": each.retain_until}
    if each.state is Custody.DESTROYED:
        return _destroyed(each, known, more, common)
    if each.id in more.missing and each.id not in known.begun:
        return Finding(Reason.MISSING, key=each.key, **common)
    if each.id in known.begun:
        return Finding(Reason.BEING_DESTROYED, key=each.key, **common)
    return Finding(Reason.KEPT, key=each.key, **common)


def _destroyed(each: ArchivedRecording, known: KnownCall, more: Known, common: dict[str, Any]) -> Finding:
    if each.id in more.still_there:
        return Finding(Reason.STILL_THERE, each.destroyed_at, key=each.key, **common)
    if each.id in more.unproved:
        return Finding(Reason.UNPROVED, each.destroyed_at, key=each.key, **common)
    rows = [row for row in more.entries.get(each.id, []) if row.action == "destroyed"]
    decision = known.call.decision
    return Finding(
        Reason.DESTROYED,
        each.destroyed_at,
        rule=decision.rule if decision else None,
        version=decision.version if decision else None,
        because=each.retained_because.value,
        custody_row=rows[-1].seq if rows else None,
        **common,
    )


def _unrecorded(call: CallRecord, more: Known) -> list[Finding]:
    """Returns why a call has no recording, of which none is on record either."""
    noted = {each.template for each in call.notes}
    rule = _rule(call.decision)
    if call.id in more.discards:
        return [Finding(Reason.DISCARD_WAITING, **rule)]
    if call.outcome is None and call.ended_at is None:
        return [Finding(Reason.NOT_OVER)]
    if call.unannounced_at:
        return [Finding(Reason.UNANNOUNCED, call.unannounced_at, **rule)]
    if _FALLBACK_DESTROYED in noted:
        return [Finding(Reason.FALLBACK_DESTROYED, call.discarded_at, **rule)]
    if call.discarded_at:
        return [Finding(Reason.DISCARDED, call.discarded_at, **rule)]
    if call.answered_at is None:
        return [Finding(Reason.UNANSWERED)]
    if _NO_SOUND in noted:
        return [Finding(Reason.NO_SOUND, **rule)]
    return [_by_rule(call, call.decision)]


def _by_rule(call: CallRecord, decision: Decision | None) -> Finding:
    """Returns why a call that was answered was not recorded, by the decision about it."""
    rule = _rule(decision)
    if decision is None:
        return Finding(Reason.UNEXPLAINED)
    if decision.rule is None:
        return Finding(Reason.NO_RULE)
    if decision.mode is Mode.NEVER:
        return Finding(Reason.NEVER, **rule)
    began = [
        each for each in call.key_presses if each.key in _KEEPING and each.result is not KeyResult.REFUSED
    ]
    # By a manual rule a call for help begins a recording, too: then no key is no explanation.
    if decision.mode is Mode.MANUAL and not began:
        return Finding(Reason.NO_KEY, **rule)
    return Finding(Reason.UNEXPLAINED, **rule)


def _besides(call: CallRecord) -> Iterator[Finding]:
    """Yields what has to be known with it: refused keys, other decisions, that callrec was away."""
    for press in call.key_presses:
        if press.key in _KEEPING and press.result is KeyResult.REFUSED:
            yield Finding(Reason.KEY_REFUSED, press.at, key=press.key.value)
    for change in call.decision_changes:
        yield Finding(Reason.DECIDED_ANEW, change.at, **_rule(change.decision))
    if AWAY in {each.template for each in call.notes}:
        yield Finding(Reason.AWAY)


def _rule(decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return {}
    return {"rule": decision.rule, "version": decision.version, "mode": decision.mode}
