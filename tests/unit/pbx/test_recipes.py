"""The recipes of the pages for Asterisk admins: each of their calls passes the gate first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callrec.pbx import ungated
from callrec.pbx.dialplan_listing import Listing, Step
from callrec.pbx.dialplan_ways import GATE

ROOT = Path(__file__).parents[3]
LINE = re.compile(r"(?:exten => ([^,]+),1|same => n),(\w+)\((.*)\)$")


def _recipes(language: str, without: str = "") -> Listing:
    """What the page writes into a dialplan."""
    found: list[Step] = []
    context = ""
    for line in (ROOT / "docs" / language / "pbx.md").read_text("utf-8").splitlines():
        header, step = re.match(r"    \[([\w-]+)\]$", line), LINE.match(line.strip())
        context = header[1] if header else context
        if step and line.startswith("    ") and step[2] and step[3].partition(",")[0] != without:
            name, application, data = step.groups()
            last = found[-1] if found else None
            extension, priority = (
                (name, 1) if name else (last.extension, last.priority + 1) if last else ("", 0)
            )
            found.append(Step(context, extension, priority, application, data))
    return Listing(tuple(found))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_calls_of_the_recipes_pass_the_gate(language: str) -> None:
    recipes = _recipes(language)
    assert recipes == _recipes("en")
    found = ungated.look(recipes, {}, {"trunk"})
    assert found.ungated == () and len(found.callers) == 7


def test_without_it_each_is_found() -> None:
    without = ungated.look(_recipes("en", without=GATE), {}, {"trunk"})
    assert [each.step.context for each in without.ungated] == [
        "from-trunk", "menu", "ring-phone", "groups", "prefixed", "from-phones",
    ]  # fmt: skip
