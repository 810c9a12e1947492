"""What is wrong, and how a controller stands, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from callrec.errors import Sentence
from callrec.health.gauges import Figures
from callrec.problems import Problem

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
FIGURES = Figures(
    pbx="main",
    works=True,
    link_up=True,
    database_away=False,
    live=2,
    lacking=1,
    help_unsent=0,
    stalled=0,
    odd_events=3,
    disk_free_bytes=10**9,
    disk_full_in_s=None,
    custody_head=17,
    heard_at=1000.0,
    certificates={"s3.city.example:443": NOON},
    problems=(Problem("calls: extension … is not recorded (1)", Sentence("0312345678 is ill"), NOON),),
)


def problem(name: str, words: str = "it is away") -> Problem:
    return Problem(name, Sentence(words), NOON)
