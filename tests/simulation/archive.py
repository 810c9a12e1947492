"""What the archiver does, without network and sound files: it keeps what is kept, and destroys the rest.

The steps and their order are those of `callrec.archive`; where sound stands in a file follows
`callrec.spool.sound.join`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any

from callrec.errors import PbxUnreachable
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture, CapturedCall, Segment
from callrec.spool import placement
from callrec.spool.directory import Spool
from callrec.spool.sound import MOST_LATE_S, MOST_OVERLAP_S
from callrec.spool.tracks import Fetched
from tests.simulation.recorder import Recorder
from tests.simulation.truth import Span, Tape, clip, without

RATE = 8000


@dataclass(frozen=True)
class Kept:
    """A recording in the archive, and whose voices are in it when."""

    captured: CapturedCall
    sound: tuple[Span, ...]


class Archive:
    """The bucket and the catalogue."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.rows: dict[str, CallRecord] = {}
        self.kept: dict[str, Kept] = {}

    def knows_call(self, call: str) -> bool:
        """Tells whether there is a row of this call."""
        return call in self.rows

    def has_capture(self, recording: str) -> bool:
        """Tells whether a recording is kept."""
        return recording in self.kept

    def work(self, spool: Spool) -> None:
        """Takes everything out of the spool that is due."""
        discards, waiting = spool.discards(), spool.waiting()
        for id_ in spool.calls():
            call = spool.call_of(id_)
            self.rows[id_] = call
            spool.remove_call(id_)
        for id_ in discards:
            with suppress(PbxUnreachable):
                self._discard(spool, id_)
        for id_ in waiting:
            with suppress(PbxUnreachable):
                self._archive(spool, id_)

    def _discard(self, spool: Spool, id_: str) -> None:
        discarded = spool.discard_of(id_)
        call = discarded.captured.call
        for name in _names(discarded.captured):
            self._destroy(name)
        if discarded.whole:
            self.rows[call.id] = call
            spool.remove_call(call.id)
        spool.remove_discard(id_)

    def _destroy(self, name: str) -> None:
        """Destroys a track, also one that still runs."""
        tape = self._recorder.tapes.get(name)
        if tape and tape.ended is None:
            tape.end(self._recorder.exchange.timeline.now)
        self._recorder.delete_stored(name)

    def _archive(self, spool: Spool, id_: str) -> None:
        captured = spool.captured_call(id_)
        tapes = [self._recorder.tapes.get(name) for name in _names(captured)]
        if id_ not in self.kept:
            if any(tape and tape.ended is None for tape in tapes):
                return  # it is not closed yet
            self.kept[id_] = Kept(captured, tuple(self._joined(captured)))
            self.rows[captured.call.id] = captured.call
        for name in _names(captured):
            self._recorder.delete_stored(name)
        spool.remove(id_)

    def _joined(self, captured: CapturedCall) -> Iterator[Span]:
        """Yields what can be heard in the file: each segment at its place, silent where that is wanted."""
        seconds = {name: tape.length for name, tape in self._recorder.tapes.items()}
        captured = placement.dated(captured, self._fetched(captured))
        capture, end = placement.with_begins(captured.capture, seconds), 0.0
        segments = capture.segments
        placed = [
            (
                max(0.0, (begin - capture.began_at).total_seconds()),
                self._sides(segment, begin, capture),
                placement.ends(segment, after, begin),
            )
            for segment, after in zip_longest(segments, segments[1:])
            for begin in [segment.began_at or capture.started_at]
        ]
        for number, (offset, sides, ends) in enumerate(placed):
            length = max((lead + tape.length for lead, tape in sides), default=0.0)
            if ends is not None and 0 <= length - ends <= MOST_LATE_S:
                length = ends
            if length <= 0:
                continue  # nothing of it is left, and it moves nothing
            begin = max(end, offset)
            end = begin + length
            overlap = end - placed[number + 1][0] if number + 1 < len(placed) else 0.0
            end -= overlap if 0 < overlap <= MOST_OVERLAP_S else 0.0
            for lead, tape in sides:
                yield from _heard(tape, begin + lead, end, placement.silences(capture))

    def _fetched(self, captured: CapturedCall) -> dict[tuple[int, str], Fetched]:
        """Returns the tracks as the spool has them, as far as their lengths go."""
        found = {}
        for segment in captured.capture.segments:
            for side, track in (("external", segment.external), ("staff", segment.staff)):
                tape = self._recorder.tapes.get(track.name)
                wav: Any = SimpleNamespace(frames=round(tape.length * RATE), rate=RATE) if tape else None
                found[segment.number, side] = Fetched(track, wav)
        return found

    def _sides(self, segment: Segment, begin: datetime, capture: Capture) -> list[tuple[float, Tape]]:
        found = [(track, self._recorder.tapes.get(track.name)) for track in (segment.external, segment.staff)]
        return [
            (placement.lead(track, begin), tape)
            for track, tape in found
            if tape and not placement.is_unplaced(track, segment, capture)
        ]


def _heard(tape: Tape, place: float, end: float, silences: list[tuple[float, float]]) -> Iterator[Span]:
    """Yields what of a track is heard whose first sample stands at `place` in a file; times are true ones."""
    for written, span in tape.placed():
        shift = span.begin - (place + written)
        whole = clip(span, span.begin, end + shift)
        if whole:
            holes = [(first + shift, last + shift) for first, last in silences]
            for first, last in without((whole.begin, whole.end), holes):
                yield Span(first, last, span.voices, span.group)


def _names(captured: CapturedCall) -> list[str]:
    return [
        track.name for segment in captured.capture.segments for track in (segment.external, segment.staff)
    ]
