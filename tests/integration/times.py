"""Times and lengths: what a machine that stands still for a moment spoils, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.integration.system import Heard
from tests.listen import longest_silence

JOINT_SECONDS = 0.06
"""What a change of phones may cost: three packets."""


class Missed(AssertionError):
    """Something took longer than it may, or a length is off. It is measured twice again, see conftest.py."""


def in_time(met: bool, what: object) -> None:
    """As assert, for times alone."""
    if not met:
        raise Missed(what)


def as_long_as(heard: Heard, seconds: float, why: object = "") -> None:
    """It lasts as long as the talk, within 0.1 s."""
    in_time(abs(heard.seconds - seconds) < 0.1, f"{heard.seconds:.3f} s of {seconds:.3f} s {why}")


def without_a_gap(heard: Heard, capture: dict[str, Any]) -> None:
    """The party outside, who never stopped talking, is heard all the time."""
    in_time(capture["gaps"] == [], capture["gaps"])
    silence = longest_silence(heard.external, heard.rate)
    in_time(silence < JOINT_SECONDS, f"the party outside is not heard for {silence:.3f} s")
