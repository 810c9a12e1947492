"""The plan for a roll-out, typed from the page: its commands work, and its table says what is decided."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callrec.app import App
from tests.unit.program import Done
from tests.unit.rule_program import explain

Office = Callable[..., Done]
DOCS = Path(__file__).parents[3] / "docs"
BEFORE = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""When the rules are written: an end that is over is refused."""
PAGES = [DOCS / each / "rollout.md" for each in ("en", "ja")]


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, in its order, without the name of the program."""
    lines = re.findall(r"^    callrec (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def table(page: Path) -> list[list[str]]:
    """The rows of the table of decisions."""
    lines = re.findall(r"^\| (20.*) \|$", page.read_text("utf-8"), re.MULTILINE)
    return [line.split(" | ") for line in lines]


def extensions(page: Path) -> list[str]:
    """The extensions in the head of the table of decisions."""
    head = re.search(r"^\| \S+ (\| \d{4} .*) \|$", page.read_text("utf-8"), re.MULTILINE)
    assert head
    return re.findall(r"\| (\d+)", head[1])


def test_both_languages_have_the_same_plan() -> None:
    english, japanese = PAGES
    assert commands(english) == commands(japanese) and len(commands(english)) > 12
    assert table(english) == table(japanese)
    assert extensions(english) == extensions(japanese)


@pytest.mark.parametrize("page", PAGES, ids=["en", "ja"])
def test_what_the_page_says_happens(
    office: Office, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(App, "now", BEFORE)
    for module in ("rule_check", "policy"):
        monkeypatch.setattr(f"callrec.commands.{module}.now", lambda: BEFORE)
    for each in commands(page):
        done = office(*each)
        to_look_at = each[:2] == ["rule", "check"]  # places of which no rule is in force yet
        assert done.code == int(to_look_at), (each, done.out, done.err)
    for name in ("papers.html", "notice.html", "cards.html", "blank.html"):
        assert Path(name).stat().st_size > 1000
    for moment, *modes in table(page):
        asked = [
            explain(office, "--extension", each, "--direction", "inbound", "--at", moment)["mode"]
            for each in extensions(page)
        ]
        assert asked == modes, moment
    assert len(table(page)) == 7
