"""The rules as the dialplan needs them while callrec is away: entries of the PBX's own database.

``callrec-rule/<direction>/<extension>`` = ``mode|announce|prompt&prompt…|answer``. Only extensions
that differ from ``<direction>/default`` have an entry of their own. The mode is empty where no rule
applies: of an internal call the other extension's rule may still say something. Rules about callers'
numbers cannot be mirrored: without callrec nobody compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from callrec.model import Announce, Decision, Direction
from callrec.policy.office import Office

FAMILY = "callrec-rule"
DEFAULT = "default"

Sounds = Callable[[Decision], Sequence[str]]


class Database(Protocol):
    """The PBX's database (AstDB)."""

    def tree(self, family: str) -> dict[str, str]: ...
    def put(self, family: str, key: str, value: str) -> None: ...
    def delete(self, family: str, key: str) -> None: ...


def entries(office: Office, sounds: Sounds, at: datetime, *, answer_first: bool) -> dict[str, str]:
    """What the database should hold at this moment."""
    found: dict[str, str] = {}
    for direction in Direction:
        default = _entry(office, direction, None, sounds, at, answer_first=answer_first)
        found[f"{direction}/{DEFAULT}"] = default
        for number in office.extensions:
            entry = _entry(office, direction, number, sounds, at, answer_first=answer_first)
            if entry != default:
                found[f"{direction}/{number}"] = entry
    return found


def synchronise(database: Database, wanted: dict[str, str]) -> int:
    """Makes the database hold what is wanted, and nothing else. Returns how many entries changed."""
    there = database.tree(FAMILY)
    changed = {key: value for key, value in wanted.items() if there.get(key) != value}
    for key, value in changed.items():
        database.put(FAMILY, key, value)
    stale = there.keys() - wanted.keys()
    for key in stale:
        database.delete(FAMILY, key)
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
    return "|".join([mode, decision.announce, "&".join(played), "answer" if answer_first else ""])
