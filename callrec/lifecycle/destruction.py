"""Decides what is destroyed: pure. What is done about it is the matter of callrec.lifecycle.purge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callrec.catalogue.destructions import DueRecording
from callrec.errors import Refused, Sentence

ALWAYS_ALLOWED = 1000
"""So many recordings may go in one run, however small a share of all is allowed."""
CLOCKS_APART = timedelta(days=1)


class Outcome(StrEnum):
    """What becomes, or became, of a recording whose time is over."""

    WOULD_DESTROY = "would-destroy"
    DESTROYED = "destroyed"
    HELD = "held"
    """It is under a legal hold."""
    LOCKED = "locked"
    """The S3 server keeps it for longer, or somebody does since it was to be destroyed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recording, with the rule and the date that decided about it, and what becomes of it."""

    recording: DueRecording
    outcome: Outcome
    problem: Sentence | None = None


def decide(recordings: Iterable[DueRecording], now: datetime) -> list[Verdict]:
    """Returns a verdict on each recording, in the same order: as the catalogue knows, S3 may know better."""
    return [Verdict(each, _outcome(each, now)) for each in recordings]


def _outcome(each: DueRecording, now: datetime) -> Outcome:
    if each.held:
        return Outcome.HELD
    if each.retain_until is None or each.retain_until > now:
        return Outcome.LOCKED
    return Outcome.WOULD_DESTROY


def counted(verdicts: Iterable[Verdict]) -> list[tuple[Verdict, int]]:
    """Returns how many verdicts there are of each facility, rule and outcome; one of them stands for all."""
    every = list(verdicts)
    kinds = Counter(_kind(each) for each in every)
    first = {_kind(each): each for each in reversed(every)}
    return [(first[kind], kinds[kind]) for kind in sorted(kinds)]


def _kind(each: Verdict) -> tuple[str, int, int, str]:
    found = each.recording
    return found.facility or "", found.rule or 0, found.version or 0, each.outcome.value


def limit(at_most: str, archived: int) -> int:
    """Returns how many recordings may go in one run: a share of all has a floor, a number is that number."""
    share = at_most.removesuffix("%")
    if share == at_most:
        return int(at_most)
    return max(archived * int(share) // 100, ALWAYS_ALLOWED)


def require_few(verdicts: Iterable[Verdict], at_most: str, archived: int) -> None:
    """Raises Refused where more would go than may in one run. Of what was begun before nobody asks again."""
    wanted = sum(each.outcome is Outcome.WOULD_DESTROY and not each.recording.begun for each in verdicts)
    if wanted > limit(at_most, archived):
        raise Refused(
            "{count} recordings would be destroyed, of {total}, and destruction.at_most is {most}: look at "
            "them with --dry-run, then say --yes-all",
            count=wanted,
            total=archived,
            most=at_most,
        )


def require_clocks(
    now: datetime, newest: datetime | None, store: datetime, database: datetime | None = None
) -> None:
    """Raises Refused where this machine's clock is behind the custody log, or far from that of the store or
    of the database, where that has one."""
    if newest is not None and now < newest:
        raise Refused(
            "this machine's clock is behind the custody log, which was last written {time}: set the clock",
            time=f"{newest:%Y-%m-%d %H:%M:%S}Z",
        )
    if abs(now - store) > CLOCKS_APART:
        raise Refused(
            "this machine's clock and that of the S3 server, {time}, are more than a day apart: set the one "
            "that is wrong",
            time=f"{store:%Y-%m-%d %H:%M}Z",
        )
    if database is not None and abs(now - database) > CLOCKS_APART:
        raise Refused(
            "this machine's clock and that of the database, {time}, are more than a day apart: set the one "
            "that is wrong",
            time=f"{database:%Y-%m-%d %H:%M}Z",
        )
