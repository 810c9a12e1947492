"""The checker of recordings finds each loss, in either track and wherever it is, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from bench.phones.sounds import HERTZ, decoded, packets
from bench.soundness import Flaw, Samples, flaws, is_missing, missing

SECONDS = 10.0
MILLISECOND = 8
"""Samples."""
SIDES = sorted(HERTZ)


def track(side: str, seconds: float = SECONDS, *, silence: float = 0.05) -> Samples:
    """What is recorded of a side that says its tone for so long, with some silence before and after."""
    (packet,) = packets("tone", side)
    sound = np.tile(decoded(packet), round(seconds * 50) + 1)[: round(seconds * 8000)]
    quiet = np.zeros(round(silence * 8000), np.int16)
    return np.concatenate([quiet, sound, quiet])


def whats(found: list[Flaw]) -> set[str]:
    return {each.what for each in found}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("off", [0, 20, -20, 39, -39])
def test_a_whole_track_has_no_flaw(side: str, off: int) -> None:
    assert flaws(track(side), HERTZ[side], SECONDS + off / 1000) == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("at", [1.0, 4.321, 9.875])
def test_a_hole_of_one_packet_is_found_where_it_is(side: str, at: float) -> None:
    sound = track(side)
    begin = round(at * 8000)
    sound[begin : begin + 20 * MILLISECOND] = 0
    found = flaws(sound, HERTZ[side], SECONDS)
    assert whats(found) == {"hole"}
    assert found[0].at == pytest.approx(at, abs=0.001)


@pytest.mark.parametrize("side", SIDES)
def test_half_a_packet_of_silence_is_none(side: str) -> None:
    sound = track(side)
    sound[30000 : 30000 + 10 * MILLISECOND] = 0
    assert flaws(sound, HERTZ[side], SECONDS) == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("where", ["begin", "middle", "end"])
def test_a_track_is_too_short_from_41_ms_on(side: str, where: str) -> None:
    whole, missing = track(side, silence=0.0), 41 * MILLISECOND
    cut = {
        "begin": whole[missing:],
        "middle": np.concatenate([whole[:40000], whole[40000 + missing :]]),
        "end": whole[:-missing],
    }
    assert whats(flaws(cut[where], HERTZ[side], SECONDS)) == {"-41 ms"}


@pytest.mark.parametrize("side", SIDES)
def test_a_track_in_which_somebody_else_speaks_has_the_wrong_tone(side: str) -> None:
    other = track(next(each for each in SIDES if each != side))
    assert whats(flaws(other, HERTZ[side], SECONDS)) == {"wrong tone"}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("at", [24000, 24037, 24100])
def test_so_has_one_in_which_that_lasts_for_two_packets(side: str, at: int) -> None:
    sound = track(side)
    other = track(next(each for each in SIDES if each != side))
    sound[at : at + 320] = other[at : at + 320]
    assert whats(flaws(sound, HERTZ[side], SECONDS)) == {"wrong tone"}


def test_both_parties_in_one_track_are_wrong_for_either() -> None:
    both = track("staff") // 2 + track("external") // 2
    both[40000:] = track("staff")[40000:]
    assert whats(flaws(both, HERTZ["external"], SECONDS)) == {"wrong tone"}


def test_a_silent_track_is_one_flaw() -> None:
    assert flaws(np.zeros(8000, np.int16), 500, 1.0) == [Flaw("nothing is heard", 0.0)]


@pytest.mark.parametrize("side", SIDES)
def test_silence_that_was_put_between_takes_nothing_away(side: str) -> None:
    whole = track(side, silence=0.0)
    longer = np.concatenate([whole[:16000], np.zeros(160, np.int16), whole[16000:]])
    assert whats(flaws(longer, HERTZ[side], SECONDS)) == {"hole"}
    assert missing(longer, SECONDS) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("side", SIDES)
def test_silence_in_place_of_what_was_said_does(side: str) -> None:
    sound = track(side)
    for begin in (16000, 24000, 32000):
        sound[begin : begin + 160] = 0
    assert missing(sound, SECONDS) == pytest.approx(0.06, abs=0.002)
    assert is_missing(sound, SECONDS)
    assert not is_missing(track(side), SECONDS)
    assert is_missing(np.zeros(8000, np.int16), 1.0)
