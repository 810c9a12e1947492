"""Makes the story of a failure short: leaves out acts as long as the same thing goes wrong."""

from __future__ import annotations

import time

from tests.simulation.run import Outcome, Plan, of_plan


def shrink(plan: Plan, wrong: str, patience_s: float) -> tuple[Plan, Outcome]:
    """Returns the shortest plan that was found within `patience_s` after which `wrong`'s claim is broken."""
    deadline, acts, best = time.monotonic() + patience_s, list(plan.acts), of_plan(plan)
    size = len(acts) // 2
    while size and time.monotonic() < deadline:
        begin, shorter = 0, False
        while begin < len(acts) and time.monotonic() < deadline:
            fewer = acts[:begin] + acts[begin + size :]
            outcome = of_plan(plan.only(fewer))
            if any(_kind(each) == _kind(wrong) for each in outcome.wrong):
                acts, best, shorter = fewer, outcome, True
            else:
                begin += size
        size = size if shorter and size == 1 else size // 2
    return plan.only(acts), best


def _kind(wrong: str) -> str:
    """Returns which claim is broken; of a bug also which."""
    return wrong.partition(":")[0] if not wrong.startswith("bug") else wrong[-80:]
