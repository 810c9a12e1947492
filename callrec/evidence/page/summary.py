"""Puts the page of a package together, in one language: all that it needs is in it."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from callrec.catalogue.custody import Entry
from callrec.durations import clock
from callrec.evidence.package import INSTRUCTIONS, PAGES, Package, PackedRecording, Proof
from callrec.evidence.page import story
from callrec.evidence.page.events import Event, events
from callrec.evidence.page.moments import day_and_time, offset, time_only
from callrec.evidence.page.waveform import Waveform, outline
from callrec.evidence.page.words import CHECKS, WORDS
from callrec.forms.page import fill
from callrec.language import speaking
from callrec.language import translated as _
from callrec.manifest import Manifest
from callrec.wording import REQUEST_KINDS

WIDTH, HEIGHT = 1000.0, 60.0
"""Of the drawing: its width, and half the height of a side, in the units of the SVG."""
TICKS = 8
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
"""How far apart the marks of the time axis may be, in seconds; at most so many of them."""
BADGE = 3.0
"""The width of a badge, in per cent of the drawing."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A recording of a package with all that the page says of it."""

    packed: PackedRecording
    manifest: Manifest
    manifest_sha256: str
    entries: Sequence[Entry]
    waveform: Waveform
    proof: Proof


def page(
    language: str, package: Package, exhibits: Sequence[Exhibit], keys: dict[str, bytes], zone: ZoneInfo
) -> bytes:
    """Returns the page of a package. `package` is not signed yet: its files are of no matter. `keys` are the
    public keys as PEM, by their ids."""
    with speaking(language):
        words = {key: _(text) for key, text in WORDS.items()}
        return fill(
            "summary.html",
            language=language,
            words=words,
            say=lambda key, **values: words[key].format(**values),
            package=package,
            kind=_(REQUEST_KINDS[package.kind]),
            made=day_and_time(package.made_at, zone),
            keys=list(keys),
            commands=INSTRUCTIONS[language],
            other=next((code, name) for code, name in PAGES.items() if code != language),
            exhibits=[_exhibit(number, each, zone) for number, each in enumerate(exhibits, 1)],
            style=_raw("summary.css"),
            script=_raw("summary.js"),
            script_hash=_hash("summary.js"),
            data={
                "keys": {id_: pem.decode() for id_, pem in keys.items()},
                "words": {key: _(text) for key, text in CHECKS.items()},
            },
        ).encode()


class _Raw(str):
    """Text of our own that goes into the page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@cache
def _raw(name: str) -> _Raw:
    return _Raw((files("callrec.forms") / name).read_text("utf-8"))


def _hash(name: str) -> str:
    """Returns by what the browser knows that the script is the page's own."""
    return base64.b64encode(hashlib.sha256(_raw(name).encode()).digest()).decode()


def _exhibit(number: int, each: Exhibit, zone: ZoneInfo) -> dict[str, Any]:
    manifest, sound = each.manifest, each.waveform
    begin = each.packed.clip[0] if each.packed.clip else 0.0
    happened = [_event(event, each, begin) for event in events(manifest)]
    _number(happened)
    return {
        "number": number,
        "id": each.packed.id,
        "file": each.packed.sound,
        "name": each.packed.sound.rpartition("/")[2],
        "heading": day_and_time(manifest.call.answered_at or manifest.call.started_at, zone),
        "parties": " – ".join((manifest.call.number or "—", manifest.call.extension or "—")),
        "length": clock(manifest.audio.duration_s),
        "clip": [offset(at) for at in each.packed.clip] if each.packed.clip else None,
        "seconds": round(sound.seconds, 3),
        "begin": begin,
        "shapes": _shapes(sound),
        "ticks": _ticks(sound.seconds, begin),
        "events": [{**event, "at": time_only(event["moment"], zone)} for event in happened],
        "who": list(story.who(manifest)),
        "when": list(story.when(manifest, zone)),
        "participants": list(story.participants(manifest, zone)),
        "why": list(story.why(manifest, zone)),
        "rules": list(story.rules(manifest, zone)),
        "announcements": list(story.announcements(manifest, zone)),
        "notes": story.notes(manifest),
        "clocks": list(story.clocks(manifest.clocks, zone)),
        "custody": list(story.custody(list(each.entries), zone)),
        "proofs": list(story.proofs(manifest, each.manifest_sha256)),
        "index": each.proof.index + 1,
        "anchor": each.proof.anchor,
    }


def _shapes(sound: Waveform) -> list[tuple[str, str]]:
    """Returns the outlines of both sides, the external one above."""
    return [
        ("external", outline(sound.external, WIDTH, HEIGHT, HEIGHT * 0.85)),
        ("staff", outline(sound.staff, WIDTH, 3 * HEIGHT, HEIGHT * 0.85)),
    ]


def _ticks(seconds: float, begin: float) -> list[tuple[float, str]]:
    """Returns places of the time axis, in per cent, and what stands there: whole seconds of the recording."""
    step = next((each for each in STEPS_S if seconds / each <= TICKS), STEPS_S[-1])
    first = math.ceil(begin / step)
    places = [n * step for n in range(first, math.floor((begin + seconds) / step) + 1)]
    return [(round(100 * (at - begin) / (seconds or 1), 2), clock(at)) for at in places]


def _event(event: Event, each: Exhibit, begin: float) -> dict[str, Any]:
    """Returns what the page shows of an event: where it stands in the drawing, in per cent, and in the sound,
    in seconds of the file that is in the package."""
    zero, length = each.manifest.capture.began_at, each.manifest.audio.duration_s
    at = (event.began_at - zero).total_seconds()
    to = (event.ended_at - zero).total_seconds() if event.ended_at else length if event.lasts else at
    first, last = max(0.0, at) - begin, min(to, length) - begin
    there = event.in_sound and last >= 0 and first <= each.waveform.seconds
    first, last = max(0.0, first), min(last, each.waveform.seconds)
    share = 100 / (each.waveform.seconds or 1)
    return {
        "kind": event.kind,
        "moment": event.began_at,
        "text": event.text,
        "there": there,
        "seek": round(first, 2),
        "left": round(first * share, 3),
        "width": round(max(0.0, last - first) * share, 3),
        "place": _place(at, to, event) if there else "",
        "before": not event.in_sound or to < 0,
    }


def _number(happened: list[dict[str, Any]]) -> None:
    """Gives each event its number, and its badge a place where it hides no other."""
    free = 0.0
    for place, event in enumerate(happened, 1):
        event["number"] = place
        if event["there"]:
            event["badge"] = min(max(event["left"] + event["width"] / 2, free), 100 - BADGE / 2)
            free = event["badge"] + BADGE


def _place(at: float, to: float, event: Event) -> str:
    begin = offset(max(0.0, at))
    return f"{begin} – {offset(to)}" if event.lasts and to - at >= 0.1 else begin
