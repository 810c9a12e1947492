"""How a recording stands after all that was done with it: pure, by what custody log or statements say of it.

Both say the same: what was done, when, by whom and with which details. So the same steps, from the same
beginning, have to lead to the same end, and to what the catalogue's rows say; where they do not, something
was changed. The beginning is what the manifest says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from callrec.catalogue.holds import Hold
from callrec.errors import EvidenceBroken
from callrec.manifest import Manifest
from callrec.model.captures import Custody, RetainedBecause


class Event(Protocol):
    """Something that was done with a recording: an entry of the custody log, or a statement."""

    @property
    def action(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def who(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class StatedNote:
    """A note about the call of a recording. `text` is None where only its hash is told, as in the custody
    log."""

    id: str
    call_id: str
    at: datetime
    who: str
    sha256: str
    """Of the text in UTF-8. Empty in what an older callrec wrote into the custody log."""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StatedDestruction:
    """A destruction that was begun. `finished_at` is None until it is over."""

    begun_at: datetime
    begun_by: str
    reason: Mapping[str, Any]
    """What decided: `rule`, `version`, `because`, `retain_until`, and what goes: `sha256`,
    `manifest_sha256`, `key`."""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Afterwards:
    """How a recording stands."""

    recording_id: str
    incident: bool
    retain_until: datetime | None
    retained_because: RetainedBecause
    holds: tuple[Hold, ...] = ()
    """All, also those that were released. The id is empty where what is told does not name it."""
    notes: tuple[StatedNote, ...] = ()
    destruction: StatedDestruction | None = None

    @property
    def hold(self) -> bool:
        """Whether a hold is in force."""
        return any(each.released_at is None for each in self.holds)

    @property
    def destroyed_at(self) -> datetime | None:
        return self.destruction.finished_at if self.destruction else None

    @property
    def state(self) -> Custody:
        return Custody.DESTROYED if self.destroyed_at else Custody.ARCHIVED


def at_first(manifest: Manifest) -> Afterwards:
    """Returns how a recording stands when it is archived."""
    because = RetainedBecause.INCIDENT if manifest.incident else RetainedBecause.RULE
    return Afterwards(manifest.recording_id, manifest.incident, manifest.retain_until, because)


def after(begin: Afterwards, events: Iterable[Event]) -> Afterwards:
    """Returns how it stands after these, in the order in which they were done. What changes nothing of it is
    passed over. Raises EvidenceBroken for what cannot be understood."""
    found = begin
    for each in events:
        if step := STEPS.get(each.action):
            try:
                found = step(found, each)
            except (KeyError, TypeError, ValueError) as error:
                raise EvidenceBroken(
                    "what is said of recording {id} cannot be understood: {action} at {moment}",
                    id=begin.recording_id,
                    action=each.action,
                    moment=each.at.isoformat(),
                ) from error
    return found


# --- the steps


def _held(now: Afterwards, said: Event) -> Afterwards:
    id_, request = str(said.details.get("hold", "")), said.details.get("request") or None
    new = Hold(
        id_, now.recording_id, said.at, said.who, str(said.details["reason"]), request, None, None, None
    )
    return replace(now, holds=(*now.holds, new))


def _released(now: Afterwards, said: Event) -> Afterwards:
    """Those that are named; where none is, all for the same request."""
    these, request = said.details.get("holds"), said.details.get("request") or None

    def ended(each: Hold) -> Hold:
        if each.released_at is not None or not (each.id in these if these else each.request == request):
            return each
        why = str(said.details["reason"])
        return replace(each, released_at=said.at, released_by=said.who, release_reason=why)

    return replace(now, holds=tuple(map(ended, now.holds)))


def _retained(now: Afterwards, said: Event) -> Afterwards:
    return _kept_until(now, said, RetainedBecause.PERSON)


def _marked(now: Afterwards, said: Event) -> Afterwards:
    return replace(_kept_until(now, said, RetainedBecause.INCIDENT), incident=True)


def _kept_until(now: Afterwards, said: Event, because: RetainedBecause) -> Afterwards:
    until = _moment(said.details["until"])
    if until is None or (now.retain_until is not None and until <= now.retain_until):
        return now
    return replace(now, retain_until=until, retained_because=because)


def _cleared(now: Afterwards, said: Event) -> Afterwards:
    return replace(now, incident=False)


def _noted(now: Afterwards, said: Event) -> Afterwards:
    new = _note({"at": said.at.isoformat(), "who": said.who, **said.details, "id": said.details["note"]})
    return replace(now, notes=(*now.notes, new))


def _begun(now: Afterwards, said: Event) -> Afterwards:
    return replace(now, destruction=StatedDestruction(said.at, said.who, said.details))


def _withdrawn(now: Afterwards, said: Event) -> Afterwards:
    return replace(now, destruction=None)


def _destroyed(now: Afterwards, said: Event) -> Afterwards:
    begun = now.destruction or StatedDestruction(said.at, said.who, said.details)
    return replace(now, destruction=replace(begun, finished_at=said.at))


def _rebuilt(now: Afterwards, said: Event) -> Afterwards:
    """All that came before is told at once, in the details: see `plain`."""
    told = said.details["stands"]
    going = told["destruction"]
    return Afterwards(
        now.recording_id,
        bool(told["incident"]),
        _moment(told["retain_until"]),
        RetainedBecause(told["retained_because"]),
        tuple(_hold(now.recording_id, each) for each in told["holds"]),
        tuple(_note(each) for each in told["notes"]),
        going and _destruction(going),
    )


STEPS: Mapping[str, Callable[[Afterwards, Event], Afterwards]] = {
    "held": _held,
    "released": _released,
    "retained": _retained,
    "marked-incident": _marked,
    "cleared-incident": _cleared,
    "noted": _noted,
    "destruction-begun": _begun,
    "destruction-withdrawn": _withdrawn,
    "destroyed": _destroyed,
    "rebuilt": _rebuilt,
}
"""What each action makes of it; those that do not stand here change nothing of how a recording is kept."""


# --- as plain JSON


def plain(now: Afterwards) -> dict[str, Any]:
    """Returns how a recording stands as JSON, as the entry `rebuilt` has it: without the words of notes."""
    going = now.destruction
    return {
        "incident": now.incident,
        "retain_until": _text(now.retain_until),
        "retained_because": now.retained_because.value,
        "holds": [_plain_hold(each) for each in now.holds],
        "notes": [_plain_note(each) for each in now.notes],
        "destruction": going
        and {
            "begun_at": _text(going.begun_at),
            "begun_by": going.begun_by,
            "reason": dict(going.reason),
            "finished_at": _text(going.finished_at),
        },
    }


def _plain_hold(each: Hold) -> dict[str, Any]:
    return {
        "id": each.id,
        "at": _text(each.at),
        "who": each.who,
        "reason": each.reason,
        "request": each.request,
        "released_at": _text(each.released_at),
        "released_by": each.released_by,
        "release_reason": each.release_reason,
    }


def _plain_note(each: StatedNote) -> dict[str, Any]:
    call = {"id": each.id, "call": each.call_id}
    return {**call, "at": _text(each.at), "who": each.who, "text_sha256": each.sha256}


def _hold(recording_id: str, told: Mapping[str, Any]) -> Hold:
    moments = {name: _moment(told[name]) for name in ("at", "released_at")}
    return Hold(**{**told, **moments, "recording_id": recording_id})


def _note(told: Mapping[str, Any]) -> StatedNote:
    at, sha256 = datetime.fromisoformat(told["at"]), str(told.get("text_sha256", ""))
    return StatedNote(told["id"], told["call"], at, told["who"], sha256, told.get("text"))


def _destruction(told: Mapping[str, Any]) -> StatedDestruction:
    begun = datetime.fromisoformat(told["begun_at"])
    return StatedDestruction(begun, told["begun_by"], told["reason"], _moment(told["finished_at"]))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
