"""Compares the ratios of two results of a benchmark: which of them are a step back."""

from __future__ import annotations

from pathlib import Path

from bench import results
from bench.results import Result

STEP_BACK = 1.25
"""How many times the committed ratio the new one may be. A ratio is of two ways in one run, so that it says
little of the machine."""


def compare(name: str, before: Path, now: Path) -> list[str]:
    """Returns a line for each ratio of a benchmark that is worse in the folder `now` than in `before`, or is
    missing there."""
    earlier, later = (results.read(folder / f"{name}.json") for folder in (before, now))
    if earlier is None:
        return []
    return [f"{name}: {line}" for line in steps_back(earlier, later)]


def steps_back(earlier: Result, later: Result | None) -> list[str]:
    """Returns a line for each ratio of a result that is worse in a later one, or was not measured there."""
    found = {results.key(each): each["median"] for each in (later or {"ratios": []})["ratios"]}
    lines = []
    for each in earlier["ratios"]:
        now, what = found.get(results.key(each)), f"{each['what']}, {each['of']} to {each['to']}"
        if now is None:
            lines.append(f"{what}: {each['median']:.2f} is committed, and it was not measured")
        elif now > each["median"] * STEP_BACK:
            lines.append(f"{what}: {now:.2f}, and {each['median']:.2f} is committed")
    return lines
