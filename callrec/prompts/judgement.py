"""Judges whether a sound can be used as an announcement.

What a caller could not hear, not understand or would not wait for is a fault, and refused; of the rest people
are warned. Each bound stands here with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callrec.errors import WrongUsage
from callrec.model.calls import Note, remark
from callrec.prompts.decoder import LONGEST_SECONDS, Sound, decoded
from callrec.prompts.measures import Measures, measure

SILENT_DBFS = -50.0
"""Below this nothing was recorded but the noise of a microphone, which would only be made loud."""
QUIET_DBFS, SOFT_DBFS = -35.0, -27.0
"""As played, where words are at -20: at -35 the noise of a street covers them, at -27 they are faint."""
OUT_OF_BAND_DB = 15.0
"""So much quieter on a telephone than in the file: what there is, is too low or too high for it."""
CANCELLED = 0.05
"""One part in twenty is left of the power of channels that cancel each other; of unlike ones all of it."""
LEAST_SECONDS = 0.5
"""So long is the shortest announcement that says something."""
LONGEST_EDGE_S, LONG_EDGE_S = 2.0, 1.0
"""Silence at the beginning or the end: after two seconds a caller takes the line for dead."""
LONGEST_PAUSE_S, LONG_PAUSE_S = 5.0, 2.0
"""Silence between words, when something was heard already."""
CLIPPED, SOMEWHAT_CLIPPED = 0.01, 0.001
"""Share of clipped samples: one in a hundred distorts every word; a good recording has not one in a
thousand."""
NOISE_SPREAD_DB, NOISE_FLATNESS = 3.0, 0.5
"""A level that does not change and a spectrum without peaks: noise. Speech changes by 20 dB and more."""
DROWNED_DB = 10.0
"""Where the sound is never so much quieter than its words, noise or music goes on beneath them."""
FAINT_DBFS = -40.0
"""What is made louder from below this becomes ten times louder, and its noise with it."""
DULL_RATE = 8000
"""Samples a second that a telephone has."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a caller would hear of a file, and what is wrong with that."""

    sound: Sound
    measures: Measures
    faults: tuple[WrongUsage, ...]
    """Why it cannot be used, the most telling first. Empty: it can."""
    warnings: tuple[Note, ...]


def judged(path: Path) -> Judgement:
    """Reads a file of sound and judges it. Raises as `decoder.decoded` does, where nothing can be heard."""
    return judge(decoded(path), path)


def judge(sound: Sound, path: Path) -> Judgement:
    """Judges a sound that came out of a file."""
    found = measure(sound)
    faults = tuple(_faults(found, path))
    return Judgement(sound, found, faults, () if faults else tuple(_warnings(found)))


def _faults(of: Measures, path: Path) -> Iterator[WrongUsage]:
    if of.seconds > LONGEST_SECONDS:
        yield WrongUsage("{path} is too long: an announcement may last 60 s at most", path=path)
    if of.mixed_part < CANCELLED:
        yield WrongUsage(
            "{path} is silent on a telephone: its channels cancel each other out (one of them is the "
            "opposite of the other); save one of them alone",
            path=path,
        )
    elif max(of.full_level, of.level) < SILENT_DBFS:
        yield WrongUsage("{path} is silent: nobody would hear the announcement", path=path)
    else:
        yield from _barely_heard(of, path)
        yield from _cut_words(of, path)
        yield from _long_silences(of, path)


def _barely_heard(of: Measures, path: Path) -> Iterator[WrongUsage]:
    if of.level < SILENT_DBFS or (of.heard < QUIET_DBFS and of.full_level > of.level + OUT_OF_BAND_DB):
        yield WrongUsage(
            "{path} has nothing that a telephone carries: there is sound, but hardly any from 300 to 3400 Hz",
            path=path,
        )
    elif of.heard < QUIET_DBFS:
        yield WrongUsage(
            "{path} is too quiet: its words would be at {level} dBFS, since single moments are much louder",
            path=path,
            level=f"{of.heard:.0f}",
        )
    if of.spread < NOISE_SPREAD_DB and of.flatness > NOISE_FLATNESS:
        yield WrongUsage("{path} is nothing but noise: nobody would hear words in it", path=path)


def _cut_words(of: Measures, path: Path) -> Iterator[WrongUsage]:
    if of.torn_at is not None:
        yield WrongUsage(
            "{path} is damaged: the sound breaks off at {at} s and goes on later; get a whole copy of it",
            path=path,
            at=f"{of.torn_at:.2f}",
        )
    if of.clipped > CLIPPED:
        yield WrongUsage(
            "{path} is clipped: {share} % of it is cut off at the highest level; record it less loud",
            path=path,
            share=f"{100 * of.clipped:.1f}",
        )
    if of.words < LEAST_SECONDS:
        yield WrongUsage(
            "{path} is too short: something can be heard for {seconds} s only",
            path=path,
            seconds=f"{of.words:.2f}",
        )


def _long_silences(of: Measures, path: Path) -> Iterator[WrongUsage]:
    if of.silence_begin > LONGEST_EDGE_S:
        yield WrongUsage(
            "{path} is silent for {seconds} s at the beginning: a caller would take the line for dead",
            path=path,
            seconds=f"{of.silence_begin:.1f}",
        )
    if of.silence_end > LONGEST_EDGE_S:
        yield WrongUsage(
            "{path} is silent for {seconds} s at the end: a caller would take the line for dead",
            path=path,
            seconds=f"{of.silence_end:.1f}",
        )
    if of.longest_pause > LONGEST_PAUSE_S:
        yield WrongUsage(
            "{path} is silent for {seconds} s between its words: a caller would take the line for dead",
            path=path,
            seconds=f"{of.longest_pause:.1f}",
        )


def _warnings(of: Measures) -> Iterator[Note]:
    if of.silence_begin > LONG_EDGE_S:
        yield remark("it is silent for {seconds} s at the beginning", seconds=f"{of.silence_begin:.1f}")
    if of.silence_end > LONG_EDGE_S:
        yield remark("it is silent for {seconds} s at the end", seconds=f"{of.silence_end:.1f}")
    if of.longest_pause > LONG_PAUSE_S:
        yield remark("it is silent for {seconds} s between its words", seconds=f"{of.longest_pause:.1f}")
    if of.clipped > SOMEWHAT_CLIPPED:
        yield remark("it is clipped in places: record it less loud")
    if of.level < FAINT_DBFS:
        yield remark("it was recorded very quietly: its noise is made louder with it")
    if of.heard < SOFT_DBFS:
        yield remark("it will be heard faintly: single moments of it are much louder than the words")
    if of.spread < DROWNED_DB:
        yield remark("it is never quiet between the words: noise or music may drown them")
    if of.rate < DULL_RATE:
        yield remark("it is dull: a telephone has 8000 samples a second, it has {rate}", rate=of.rate)
