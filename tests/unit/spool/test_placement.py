"""Where the tracks of a capture stand in its recording, and which are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callrec.model.captures import CapturedCall, Silence, SilenceReason, Track
from callrec.spool.placement import ends, segment_sounds, with_begins, without_unplaced
from callrec.spool.sound import Wav
from callrec.spool.tracks import Fetched
from tests.unit.samples import END, START, captured_call, segment
from tests.unit.wave import tone, write_wav

BEGIN = START + timedelta(seconds=2)
UNSEEN = Track("callrec/r-1-staff", None, None, "given up")


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
    captured = captured_call(segments=(segment(staff=UNSEEN),), silences=(silence,))
    assert _left(captured, tmp_path) == [True, False]


@pytest.mark.parametrize(
    ("staff", "until"),
    [
        (UNSEEN, BEGIN - timedelta(seconds=1)),
        (replace(UNSEEN, started_at=BEGIN), None),
        (replace(UNSEEN, started_at=BEGIN, finished_at=END), BEGIN - timedelta(seconds=1)),
        (replace(UNSEEN, failed=None), None),
    ],
)
def test_every_other_track_is_in_it(tmp_path: Path, staff: Track, until: datetime | None) -> None:
    """Silence ended before; or it is known when the track began, or the dialplan has made it."""
    silence = Silence(START, until, SilenceReason.PRIVACY)
    captured = captured_call(segments=(segment(staff=staff),), silences=(silence,))
    assert _left(captured, tmp_path) == [True, True]


def test_a_track_is_left_out_that_had_not_begun_when_callrec_ended_it(tmp_path: Path) -> None:
    """Whatever the PBX recorded, it was later; but not where nobody watched."""
    ended = replace(UNSEEN, finished_at=END)
    for staff, there in ((ended, False), (replace(ended, unwatched=True), True)):
        captured = captured_call(segments=(segment(staff=staff),))
        assert _left(captured, tmp_path) == [True, there]


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


def _at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


GONE = Track("s", None, _at(1), "given up", closed_at=_at(9))


def test_a_track_of_which_only_the_end_was_seen_begins_where_its_length_says() -> None:
    capture = captured_call(segments=(segment(staff=GONE), segment(2))).capture
    found = with_begins(capture, {"s": 4.0, "callrec/r-2-staff": 3.0})
    assert found.segments == (segment(staff=replace(GONE, started_at=_at(5))), segment(2))


@pytest.mark.parametrize("track", [replace(GONE, closed_at=None), replace(GONE, started_at=_at(2))])
def test_where_the_end_was_not_seen_or_the_beginning_was_it_stays(track: Track) -> None:
    capture = captured_call(segments=(segment(staff=track),)).capture
    assert with_begins(capture, {"s": 4.0}) == capture
    assert with_begins(capture, {}) == capture


@pytest.mark.parametrize(
    ("ended", "after", "expected"),
    [
        ((5, 7), None, 7.0),  # callrec gave both up, and had the PBX end them
        ((5, None), None, None),  # nobody knows
        ((5, 7), (9, 20), 9.0),  # the next one took its place
        ((5, 7), (9, 8), 8.0),  # but had been ended before it began
        ((5, 7), (None, 8), 8.0),
        ((5, 7), (None, None), 7.0),
    ],
)
def test_what_the_pbx_wrote_after_both_were_given_up_is_not_of_the_segment(
    ended: tuple[int | None, int | None],
    after: tuple[int | None, int | None] | None,
    expected: float | None,
) -> None:
    external, staff = (
        Track(name, None, None if at is None else _at(at), "given up")
        for name, at in zip("es", ended, strict=True)
    )
    begin, end = (None if at is None else _at(at) for at in after or (None, None))
    following = segment(2, external=Track("e2", begin, end), staff=Track("s2", begin, end)) if after else None
    assert ends(segment(external=external, staff=staff), following, BEGIN) == expected


def test_a_segment_that_began_after_callrec_had_ended_it_is_not_heard(tmp_path: Path) -> None:
    """The PBX was late with the recording, and later with its end: what it wrote is of another call."""
    sound = Wav(write_wav(tmp_path / "a.wav", tone(500, 1, 8000), 8000))
    late = [Track(name, _at(8), _at(7)) for name in "es"]
    captured = captured_call(segments=(segment(), segment(2, external=late[0], staff=late[1])))
    found = {(number, side): Fetched(late[0], sound) for number in (1, 2) for side in ("external", "staff")}
    assert [each.segment for each in segment_sounds(captured, found)] == [1]


@pytest.mark.parametrize(
    ("names", "ran", "seconds"),
    [
        ("callrec/fallback-1.0", 0.97, 0.99),
        ("callrec/fallback-1.0", -0.01, None),
        ("callrec/r-1", 0.97, 0.97),
    ],
    ids=["by MixMonitor", "ended before it began", "by snoops"],
)
def test_the_last_packet_before_the_end_of_a_mixmonitor_is_whole(
    tmp_path: Path, names: str, ran: float, seconds: float | None
) -> None:
    sound = Wav(write_wav(tmp_path / "a.wav", tone(500, 1, 8000), 8000))
    end = BEGIN + timedelta(seconds=ran)
    external, staff = (Track(f"{names}-{side}", BEGIN, end) for side in ("external", "staff"))
    captured = captured_call(segments=(segment(external=external, staff=staff),))
    found = {(1, side): Fetched(external, sound) for side in ("external", "staff")}
    heard = [each.frames(8000) / 8000 for each in segment_sounds(captured, found)]
    assert heard == ([] if seconds is None else [seconds])
