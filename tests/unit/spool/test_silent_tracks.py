"""A side that has no sound where nobody wanted it silent; a quiet one is another matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.manifest import Placement
from callrec.spool.silent_tracks import Loudness, SilentTrack, silent_tracks
from callrec.spool.sound import EXTERNAL_CHANNEL, STAFF_CHANNEL, SilentSpan, examine
from tests.unit.wave import tone

QUIET = 40
"""The loudest sample of a line on which nobody speaks."""


def _found(
    folder: Path,
    external: list[tuple[float, int]],
    staff: list[tuple[float, int]],
    wanted: tuple[SilentSpan, ...] = (),
    placements: tuple[Placement, ...] = (),
) -> list[SilentTrack]:
    """What is found where each side is made of pieces, of so many seconds and so loud."""
    sides = [
        np.concatenate([tone(500, seconds, loud=loud) for seconds, loud in side])
        for side in (external, staff)
    ]
    frames = max(map(len, sides))
    sound = np.column_stack([np.pad(side, (0, frames - len(side))) for side in sides])
    path = folder / "sound.flac"
    soundfile.write(path, sound, 8000)
    loudness = Loudness()
    examine(path, loudness.hear)
    return silent_tracks(loudness.peaks, placements or (Placement(1, 0.0, frames / 8000),), wanted)


def test_two_who_talk(tmp_path: Path) -> None:
    assert _found(tmp_path, [(5, 8000)], [(5, QUIET)]) == []


@pytest.mark.parametrize("rest", [0, 8, 20])
def test_a_side_that_has_no_sound(tmp_path: Path, rest: int) -> None:
    """Exact silence, or what codecs make of it."""
    (found,) = _found(tmp_path, [(5, 8000)], [(5, rest)])
    assert found == SilentTrack(STAFF_CHANNEL, 0.0, 5.0, whole=True)
    assert (
        found.note.text
        == "no sound of what the recorded party heard, from second 0.0 to 5.0 of the recording"
    )


def test_two_sides_that_have_none(tmp_path: Path) -> None:
    found = _found(tmp_path, [(5, 0)], [(5, 0)])
    assert [(each.channel, each.whole) for each in found] == [(EXTERNAL_CHANNEL, True), (STAFF_CHANNEL, True)]
    assert found[0].note.text == "no sound of the recorded party, from second 0.0 to 5.0 of the recording"


def test_one_word_is_sound(tmp_path: Path) -> None:
    assert _found(tmp_path, [(9, 8000)], [(4, 0), (0.2, 8000), (4.8, 0)]) == []


def test_a_moment_of_silence_is_no_loss(tmp_path: Path) -> None:
    assert _found(tmp_path, [(2.9, 8000)], [(2.9, 0)]) == []


def test_silence_on_purpose_does_not_count(tmp_path: Path) -> None:
    assert _found(tmp_path, [(9, 8000)], [(9, 0)], wanted=((0.5, 8.0),)) == []
    assert _found(tmp_path, [(9, 0)], [(9, 0)], wanted=((0.0, 1e6),)) == []
    assert len(_found(tmp_path, [(9, 8000)], [(9, 0)], wanted=((0.0, 4.0),))) == 1


@pytest.mark.parametrize("last_heard", [15.9, 16.1, 31.9, 40.2])
def test_a_long_one_is_looked_at_as_a_short_one(tmp_path: Path, last_heard: float) -> None:
    """However much of it is read at a time."""
    (found,) = _found(tmp_path, [(60.3, 8000)], [(last_heard, 8000), (60.3 - last_heard, 0)])
    begin = np.ceil(last_heard * 2) / 2
    assert found == SilentTrack(STAFF_CHANNEL, begin, 60.3, whole=False)


def test_from_a_transfer_on(tmp_path: Path) -> None:
    """The second segment of two: after a transfer what staff say goes elsewhere."""
    placements = (Placement(1, 0.0, 5.0), Placement(2, 5.02, 6.0))
    (found,) = _found(tmp_path, [(11.1, 8000)], [(5, 8000), (6.1, 0)], placements=placements)
    assert (found.begin_s, round(found.end_s, 2), found.whole) == (5.02, 11.02, True)


def test_to_the_end_while_the_other_goes_on(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, [(20, 8000)], [(5, 8000), (15, 0)])
    assert (found.begin_s, found.end_s, found.whole) == (5.0, 20.0, False)
    assert _found(tmp_path, [(5, 8000), (15, 0)], [(5, 8000), (15, 0)]) == [], "on hold, both of them"
    assert _found(tmp_path, [(12, 8000)], [(5, 8000), (7, 0)]) == [], "who only listens"


def test_a_side_that_is_missing_is_known_already(tmp_path: Path) -> None:
    assert _found(tmp_path, [(5, 8000)], [(5, 0)], placements=(Placement(1, 0.0, 5.0, ("staff",)),)) == []
