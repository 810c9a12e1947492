"""A call and rules to decide it by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from callrec.model.rules import CallFacts, Direction, Mode, Rule, Scope
from callrec.numbers import normalise

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


CALL = CallFacts(Direction.INBOUND, ("2101",), ("shiba",), normalise("+81312345678"), NOW)


def rule(
    id_: int, mode: Mode | str, scope: Scope | str = Scope.EVERYWHERE, target: str | None = None, **more: Any
) -> Rule:
    changed = more.pop("changed_at", NOW)
    return Rule(id_, 1, Scope(scope), target, Mode(mode), changed, "test", **more)
