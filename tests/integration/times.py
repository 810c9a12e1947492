"""How far times and lengths may be off: ten times the targets, so that only a fault or a hang exceeds it.

A shared machine stands still now and then, and a test that fails by chance hides what it should show.
The targets themselves are held by `make bench` (bench/targets.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bench import targets
from tests.integration.system import Heard
from tests.listen import Samples, longest_silence

SLACK = 10
START_SECONDS = SLACK * targets.FIRST_SAMPLE
KEY_SECONDS = SLACK * targets.KEY
PAUSE_SECONDS = SLACK * targets.PAUSE
STOP_SECONDS = SLACK * targets.STOP
RENEWAL_SECONDS = SLACK * targets.RENEWAL_GAP
LENGTH_SECONDS = SLACK * targets.LENGTH
LINK_SECONDS = SLACK * targets.LINK_LOST
PRESS_CLOCK_SECONDS = SLACK * targets.PRESS_CLOCK


def as_long_as(heard: Heard, seconds: float, why: object = "") -> None:
    """It lasts as long as the talk: no second of it is missing, and none was added."""
    assert abs(heard.seconds - seconds) < LENGTH_SECONDS, f"{heard.seconds:.3f} s of {seconds:.3f} s {why}"


def without_a_gap(heard: Heard, capture: dict[str, Any]) -> None:
    """The party outside, who never stopped talking, is heard all the time.

    A gap that is in the manifest because the machine stood still for a moment is no fault; one that
    never ended, or that can be heard, is.
    """
    for gap in capture["gaps"]:
        assert gap["finished_at"] and seconds_between(gap["started_at"], gap["finished_at"]) < RENEWAL_SECONDS
    silence = longest_silence(heard.external, heard.rate)
    assert silence < RENEWAL_SECONDS, f"the party outside is not heard for {silence:.3f} s"


def first_sample(segment: dict[str, Any]) -> datetime:
    """From when both tracks of a segment are recorded, as the manifest has it."""
    return max(datetime.fromisoformat(segment[side]["started_at"]) for side in ("external", "staff"))


def stretch(rate: int, capture: dict[str, Any], track: Samples, since: datetime, until: datetime) -> Samples:
    """What is heard in a track of a recording from one moment of the PBX's clock until another."""
    segment = capture["segments"][0]
    began = min(datetime.fromisoformat(segment[side]["started_at"]) for side in ("external", "staff"))
    begin, end = (int((each - began).total_seconds() * rate) for each in (since, until))
    assert 0 <= begin < end, "not a stretch of this recording"
    return track[begin:end]


def seconds_between(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
