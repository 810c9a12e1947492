"""callrec rule, as tests ask it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.unit.program import Done

Office = Callable[..., Done]
FACILITY = ("rule", "add", "--facility", "shiba", "--mode", "automatic")
OFFICE_HOURS = ("--hours", "mon-fri 08:30-17:15", "--holidays", "exclude")


def add(office: Office, *arguments: str) -> int:
    done = office("rule", "add", *arguments, "--quiet")
    assert done.code == 0, done.err
    return int(done.out)


def explain(office: Office, *arguments: str) -> dict[str, Any]:
    done = office("rule", "explain", *arguments, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def listed(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(office("rule", "list", "--json").out)
    return found
