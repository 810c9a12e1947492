"""Finds what a picture of a recording marks: what happened, and where in the sound. For callrec show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from callrec.evidence.page.events import Event, events
from callrec.language import translated as _
from callrec.manifest import Manifest
from callrec.model.calls import Participant

SETTLED = timedelta(seconds=1)
"""Who joins within it after the beginning, or leaves within it before the end, has not come or gone during
the call."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened. `kind` is that of an Event, or party. `place` is where it began and ended in
    the sound, in seconds; None of what was before it."""

    number: int
    kind: str
    at: datetime
    place: tuple[float, float] | None
    text: str


def marks(manifest: Manifest, seconds: float) -> list[Mark]:
    """Returns what happened, in order, in the language that is spoken. `seconds`: the length of the sound."""
    happened = [*events(manifest), *_parties(manifest, seconds)]
    happened.sort(key=lambda each: each.began_at)
    zero = manifest.capture.began_at
    return [
        Mark(number, each.kind, each.began_at, _place(each, zero, seconds), each.text)
        for number, each in enumerate(happened, 1)
    ]


def _place(event: Event, zero: datetime, seconds: float) -> tuple[float, float] | None:
    begin = (event.began_at - zero).total_seconds()
    end = begin if not event.lasts else seconds
    end = (event.ended_at - zero).total_seconds() if event.ended_at else end
    if not event.in_sound or end < 0 or begin > seconds:
        return None
    return max(0.0, begin), min(end, seconds)


def _parties(manifest: Manifest, seconds: float) -> Iterator[Event]:
    """Yields who joined or left while others talked: transfers, conferences, the support phone."""
    zero = manifest.capture.began_at
    first, last = zero + SETTLED, zero + timedelta(seconds=seconds) - SETTLED
    for each in manifest.call.participants:
        if first < each.joined_at <= last:
            yield _party(each.joined_at, _("{who} joins").format(who=_who(each)))
        if each.left_at and first < each.left_at <= last:
            yield _party(each.left_at, _("{who} leaves").format(who=_who(each)))


def _party(at: datetime, text: str) -> Event:
    return Event("party", at, None, False, text, True)


def _who(each: Participant) -> str:
    if each.extension:
        return _("extension {extension}").format(extension=each.extension)
    return each.number or _("other party")
