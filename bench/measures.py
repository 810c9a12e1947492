"""What a benchmark finds: ratios, figures and the lines of a chart. They are told and kept by `report`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Point = tuple[float, float]


def p95(values: Sequence[float]) -> float:
    """Returns the value that 95 of 100 do not exceed: one that was measured, none in between."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


@dataclass(frozen=True)
class Ratio:
    """How one way compares with another of the same run: the less, the better. One value a round; their
    median is judged by the goal, if there is one."""

    what: str
    of: str
    to: str
    values: Sequence[float]
    goal: float | None = None

    @property
    def name(self) -> str:
        """Tells it from the other ratios of a benchmark."""
        return f"{self.what}: {self.of} to {self.to}"

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def ok(self) -> bool:
        return self.goal is None or self.median <= self.goal

    def plain(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        names = {"what": self.what, "of": self.of, "to": self.to}
        return {**names, "goal": self.goal, "median": self.median, "met": self.ok, "values": [*self.values]}


@dataclass(frozen=True)
class Row:
    """A figure: its values, their unit, and the goal that `judged` of them (the worst) must not exceed."""

    what: str
    unit: str
    goal: float | None
    values: Sequence[float]
    judged: Callable[[Sequence[float]], float] = max

    @property
    def name(self) -> str:
        """Tells it from the other figures of a benchmark."""
        return self.what

    @property
    def ok(self) -> bool:
        return self.goal is None or self.judged(self.values) <= self.goal

    def plain(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        return {
            "what": self.what,
            "unit": self.unit,
            "goal": self.goal,
            "judged": "worst" if self.judged is max else self.judged.__name__,
            "median": median(self.values),
            "p95": p95(self.values),
            "worst": max(self.values),
            "met": self.ok,
            "values": [*self.values],
        }


@dataclass(frozen=True)
class Chart:
    """Lines in a picture, by name, each with its points from left to right. `log`: both axes by powers."""

    file: str
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    log: bool = False

    @property
    def name(self) -> str:
        """Tells it from the other charts of a benchmark."""
        return self.file

    def plain(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        lines = {name: [list(point) for point in points] for name, points in self.lines.items()}
        return {
            "file": self.file,
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "log": self.log,
            "lines": lines,
        }
