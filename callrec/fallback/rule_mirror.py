"""Gives the dialplan the rules as it needs them while callrec is away: entries of the PBX's own database.

``callrec-rule/<direction>/<extension>`` = ``mode|announce|prompt&prompt…|answer``, and ``|discard`` after it
where nothing is to be recorded unannounced. Only extensions that differ from ``<direction>/default`` have an
entry of their own. The mode is empty where no rule applies: of an internal call the other extension's rule
may still say something. Rules about callers' numbers cannot be mirrored: without callrec nobody compares
them (decision 4).

``callrec-phone/<endpoint>`` = ``extension``, for every alias: whose phone a channel is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Protocol

import structlog

from callrec.backoff import Backoff
from callrec.errors import CallrecError
from callrec.model.rules import Announce, Decision, Direction, Unannounced
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

FAMILY = "callrec-rule"
PHONES = "callrec-phone"
DEFAULT = "default"
"""The entry of a direction for every extension that has none of its own."""
POLL_SECONDS = 0.5
"""How often is looked whether something is due."""
EVERY_SECONDS = 60.0
"""How long after a copy the next is due, if the rules do not change: hours and dates may."""
BACKOFF = Backoff(1.0, 60.0)
"""Seconds until it is tried again: the PBX may be in trouble."""

Sounds = Callable[[Decision], Sequence[str]]
"""Returns the sounds of a decision's announcement. Raises CallrecError where one is missing."""


class Database(Protocol):
    """The PBX's database (AstDB). Refusals and silence are CallrecErrors."""

    def tree(self, family: str) -> dict[str, str]: ...
    def write(self, family: str, entries: Mapping[str, str]) -> None: ...
    def delete(self, family: str, keys: Iterable[str]) -> None: ...


class RuleMirror(Worker):
    """Keeps the PBX's copy as the rules are: after a change and every minute (hours may matter).

    On a thread of its own: a large office takes seconds, and nothing else may wait for that.
    """

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        office: Callable[[], Office],
        sounds: Sounds,
        link_up: Callable[[], bool],
        problems: Problems,
        *,
        answer_first: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._office, self._sounds = database, office, sounds
        self._link_up, self._problems = link_up, problems
        self._answer_first, self._clock = answer_first, clock
        super().__init__(self.work, lambda: POLL_SECONDS)
        self._tried: Office | None = None
        self._due = clock()
        self._failures = 0

    def work(self) -> None:
        """Copies the rules where that is due. After a failure it waits, longer each time."""
        office = self._office()
        if not self._link_up() or (office is self._tried and self._clock() < self._due):
            return
        self._tried = office
        if self._problems.attempt("mirror", lambda: self._copy(office)):
            self._due, self._failures = self._clock() + EVERY_SECONDS, 0
        else:
            self._due = self._clock() + BACKOFF.after(self._failures)
            self._failures += 1

    def _copy(self, office: Office) -> None:
        wanted = self._wanted(office)
        with self._database() as database:
            changed = synchronise(database, wanted)
            changed += synchronise(database, phones(office), PHONES)
        if changed:
            log.info("the PBX has its copy of the rules", changed=changed)

    def _wanted(self, office: Office) -> dict[str, str]:
        """Returns what the PBX's database should hold now.

        A prompt that is missing is a problem; its calls are recorded, unless the rule says otherwise.
        """
        missing: list[CallrecError] = []

        def sounds(decision: Decision) -> Sequence[str]:
            try:
                return self._sounds(decision)
            except CallrecError as error:
                missing.append(error)
                return ()

        wanted = entries(office, sounds, datetime.now(UTC), answer_first=self._answer_first)
        if missing:
            self._problems.add("prompts", missing[0])
        else:
            self._problems.clear("prompts")
        return wanted


def entries(office: Office, sounds: Sounds, at: datetime, *, answer_first: bool) -> dict[str, str]:
    """Returns what the database should hold at this moment, by keys below the family."""
    found: dict[str, str] = {}
    for direction in Direction:
        default = _entry(office, direction, None, sounds, at, answer_first=answer_first)
        found[f"{direction}/{DEFAULT}"] = default
        for number in office.extensions:
            entry = _entry(office, direction, number, sounds, at, answer_first=answer_first)
            if entry != default:
                found[f"{direction}/{number}"] = entry
    return found


def phones(office: Office) -> dict[str, str]:
    """Returns whose phone each endpoint is that is not named like its extension."""
    return {alias: each.number for each in office.extensions.values() for alias in each.aliases}


def synchronise(database: Database, wanted: dict[str, str], family: str = FAMILY) -> int:
    """Makes a family hold what is wanted, and nothing else. Returns how many entries changed."""
    there = database.tree(family)
    changed = {key: value for key, value in wanted.items() if there.get(key) != value}
    if changed:
        database.write(family, changed)
    stale = there.keys() - wanted.keys()
    if stale:
        database.delete(family, stale)
    return len(changed) + len(stale)


def _entry(
    office: Office,
    direction: Direction,
    number: str | None,
    sounds: Sounds,
    at: datetime,
    *,
    answer_first: bool,
) -> str:
    facts = office.facts(direction, [number] if number else [], None, at)
    decision = office.decide(facts)
    played = sounds(decision) if decision.announce is not Announce.NONE else ()
    mode = "" if decision.rule is None else decision.mode
    strict = [decision.unannounced] if decision.unannounced is Unannounced.DISCARD else []
    answer = "answer" if answer_first else ""
    return "|".join([mode, decision.announce, "&".join(played), answer, *strict])
