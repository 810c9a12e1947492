"""Finds the stretches of a recording in which one side has no sound at all, and nobody wanted it so.

A voice in a codec that the PBX only passes on, a leg whose sound goes elsewhere, a phone that sends nothing:
the PBX records them as silence and reports nothing. A room, a line or a muted microphone is not as silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callrec.manifest import Placement
from callrec.model.calls import Note, remark
from callrec.spool.sound import EXTERNAL_CHANNEL, STAFF_CHANNEL, Samples, SilentSpan

WINDOW_S = 0.5
FAINTEST = 33
"""Samples below this (60 dB below the loudest there can be) are no sound: what codecs make of silence."""
LEAST_S = 3.0
"""A segment that is shorter may be silent because nobody has spoken yet."""
LEAST_REST_S = 10.0
"""A track that is silent to the end of its segment while the other goes on is noted from this length on."""

Peaks = NDArray[np.int32]
"""The loudest sample of each window: a row each, with a column for each channel."""


Times = NDArray[np.floating[Any]]
"""Where each window begins, in seconds."""


@dataclass(frozen=True, slots=True)
class SilentTrack:
    """One side of a recording that has no sound, from second to second of it.

    `whole`: in the whole of a segment. Else it had sound before; it may have been on hold.
    """

    channel: int
    begin_s: float
    end_s: float
    whole: bool

    @property
    def note(self) -> Note:
        seconds = {"begin": round(self.begin_s, 1), "end": round(self.end_s, 1)}
        if self.channel == EXTERNAL_CHANNEL:
            return remark(
                "no sound of the recorded party, from second {begin} to {end} of the recording", **seconds
            )
        return remark(
            "no sound of what the recorded party heard, from second {begin} to {end} of the recording",
            **seconds,
        )


class Loudness:
    """How loud a recording is, window by window, as it is heard block by block."""

    def __init__(self) -> None:
        self._found: list[Peaks] = []
        self._rest: Samples = np.zeros((0, 2), dtype=np.int16)

    def hear(self, block: Samples, rate: int) -> None:
        """Takes the next sound, of any length."""
        window, sound = round(rate * WINDOW_S), np.concatenate([self._rest, block])
        whole = len(sound) // window * window
        self._found.append(_loudest(sound[:whole].reshape(-1, window, 2)))
        self._rest = sound[whole:]

    @property
    def peaks(self) -> Peaks:
        """All windows; the last one may be shorter."""
        rest = [_loudest(self._rest[np.newaxis])] if len(self._rest) else []
        return np.concatenate([np.zeros((0, 2), dtype=np.int32), *self._found, *rest])


def silent_tracks(
    peaks: Peaks, placements: Sequence[Placement], wanted: Sequence[SilentSpan]
) -> list[SilentTrack]:
    """Returns the sides that have no sound in the whole of a segment, or to its end.

    `wanted` are the spans that are silent on purpose; they do not count, nor do sides that are missing.
    """
    times: Times = np.arange(len(peaks)) * WINDOW_S
    unwanted = np.ones(len(peaks), dtype=bool)
    for begin, end in wanted:
        unwanted &= (times + WINDOW_S <= begin) | (times >= end)
    return [found for each in placements for found in _of_segment(each, peaks, times, unwanted)]


def _of_segment(
    each: Placement, peaks: Peaks, times: Times, unwanted: NDArray[np.bool_]
) -> Iterator[SilentTrack]:
    end_s = each.offset_s + each.duration_s
    inside = (times >= each.offset_s) & (times + WINDOW_S <= end_s) & unwanted
    sounds = peaks[inside] >= FAINTEST
    for side, channel in (("external", EXTERNAL_CHANNEL), ("staff", STAFF_CHANNEL)):
        if side in each.missing:
            continue
        heard = np.flatnonzero(sounds[:, channel])
        since = int(heard[-1]) + 1 if len(heard) else 0
        rest_s, others_s = ((len(sounds) - since) * WINDOW_S, WINDOW_S * sounds[since:, 1 - channel].sum())
        if not since and rest_s >= LEAST_S:
            yield SilentTrack(channel, each.offset_s, end_s, whole=True)
        elif since and min(rest_s, others_s) >= LEAST_REST_S:
            yield SilentTrack(channel, float(times[inside][since]), end_s, whole=False)


def _loudest(windows: Samples) -> Peaks:
    # One side after the other: across them numpy is a hundred times slower.
    sides = np.ascontiguousarray(windows.transpose(2, 0, 1))
    loud = np.abs(sides).view(np.uint16)  # in which there is a 32768 for -32768
    peaks: Peaks = loud.max(axis=2).T.astype(np.int32)
    return peaks
