"""Where the tracks of a capture stand in its recording, and which are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callrec.model.captures import CapturedCall, Silence, SilenceReason, Track
from callrec.spool.placement import ends, without_unplaced
from callrec.spool.sound import Wav
from callrec.spool.tracks import Fetched
from tests.unit.samples import END, START, captured_call, segment
from tests.unit.wave import tone, write_wav

BEGIN = START + timedelta(seconds=2)
GIVEN_UP = Track("callrec/r-1-staff", None, END, "given up")


def _left(captured: CapturedCall, folder: Path) -> list[bool]:
    """Whether each track of the first segment is in the recording; who is left out has a note."""
    sound = Wav(write_wav(folder / "a.wav", tone(500, 1, 8000), 8000))
    (one,) = captured.capture.segments
    tracks = {"external": one.external, "staff": one.staff}
    found = without_unplaced(captured, {(1, side): Fetched(each, sound) for side, each in tracks.items()})
    there = [found[1, side] for side in ("external", "staff")]
    assert all((each.wav is None) == (each.note is not None) for each in there)
    return [each.wav is not None for each in there]


@pytest.mark.parametrize("until", [None, END])
def test_a_track_whose_beginning_nobody_saw_is_left_out_of_what_had_to_be_silent(
    tmp_path: Path, until: datetime | None
) -> None:
    silence = Silence(BEGIN + timedelta(seconds=3), until, SilenceReason.NEVER)
    captured = captured_call(segments=(segment(staff=GIVEN_UP),), silences=(silence,))
    assert _left(captured, tmp_path) == [True, False]


@pytest.mark.parametrize(
    ("staff", "until"),
    [
        (GIVEN_UP, BEGIN - timedelta(seconds=1)),
        (replace(GIVEN_UP, started_at=BEGIN), None),
        (replace(GIVEN_UP, failed=None), None),
    ],
)
def test_every_other_track_is_in_it(tmp_path: Path, staff: Track, until: datetime | None) -> None:
    """Silence ended before; or it is known when the track began, or the dialplan has made it."""
    silence = Silence(START, until, SilenceReason.PRIVACY)
    captured = captured_call(segments=(segment(staff=staff),), silences=(silence,))
    assert _left(captured, tmp_path) == [True, True]


@pytest.mark.parametrize(
    ("broke_s", "ended_s", "then_s", "expected"),
    [
        (None, 5, None, 5.0),
        (2, 5, None, 5.0),
        (2, 5, 6, 5.0),
        (2, None, 6, 6.0),
        (2, None, None, None),
        (None, None, 6, None),
    ],
)
def test_a_segment_ends_where_callrec_ended_it(
    broke_s: int | None, ended_s: int | None, then_s: int | None, expected: float | None
) -> None:
    """Also where one of its tracks was broken before: the other ran on until then."""

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else BEGIN + timedelta(seconds=seconds)

    external = Track("e", BEGIN, at(broke_s if broke_s else ended_s), "broken" if broke_s else None)
    one = segment(external=external, staff=Track("s", BEGIN, at(ended_s)))
    begun = at(then_s)
    after = segment(2, external=Track("e2", begun), staff=Track("s2", begun)) if begun else None
    assert ends(one, after, BEGIN) == expected
