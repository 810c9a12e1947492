"""Prints measures as a table, and writes them into the file of results, where each benchmark has a
section."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).with_name("RESULTS.md")
_SECTION = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One measure: its values, their unit, and what `judged` of them (the worst) must stay below."""

    what: str
    unit: str
    target: float
    values: Sequence[float]
    judged: Callable[[Sequence[float]], float] = max

    @property
    def ok(self) -> bool:
        return self.judged(self.values) < self.target

    def cells(self) -> list[str]:
        """Returns the row as a table shows it."""
        numbers = [f"{_short(value)} {self.unit}" for value in (median(self.values), max(self.values))]
        which = "" if self.judged is max else " (median)"
        return [self.what, *numbers, f"< {self.target:g} {self.unit}{which}", "yes" if self.ok else "NO"]


def finish(title: str, how: str, rows: Sequence[Row], machine: dict[str, str]) -> int:
    """Prints the section, and writes it among the results. Returns 1 where a target is missed, else 0."""
    section = _section(title, how, rows, machine)
    print("\n" + section)
    there = _SECTION.split(RESULTS.read_text())[1:] if RESULTS.exists() else []
    kept = [f"## {each.strip()}\n" for each in there if not each.startswith(f"{title}\n")]
    RESULTS.write_text("\n".join(["# Results, by `make bench`\n", *sorted([*kept, section])]))
    return 0 if all(row.ok for row in rows) else 1


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _section(title: str, how: str, rows: Sequence[Row], machine: dict[str, str]) -> str:
    head = ["measure", "median", "worst", "target", "met"]
    table = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    facts = [f"- {name}: {value}" for name, value in machine.items()]
    return "\n".join([f"## {title}", "", how, "", *lines, "", *facts, ""])
