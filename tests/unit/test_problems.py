"""What a process cannot do is told once when it begins and once when it ends, whatever figures it has."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import callrec
from callrec.errors import PbxUnreachable, Sentence
from callrec.language import speaking
from callrec.problems import Problems

PACKAGE = Path(callrec.__file__).parent
OF_CONTROLLER = [
    PACKAGE / "serve.py",
    *(
        path
        for folder in ("alerts", "app", "archive", "controller", "fallback", "health", "spool")
        for path in sorted((PACKAGE / folder).rglob("*.py"))
    ),
]
"""What runs in the controller, and says what is wrong there to people who read two languages."""
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _at(moment: list[datetime]) -> Problems:
    return Problems(lambda: moment[0])


def test_a_problem_keeps_its_beginning_while_its_words_change() -> None:
    moment = [NOON]
    problems = _at(moment)
    assert problems.add("disk", Sentence("{free} MB are left", free=100))
    moment[0] = NOON + timedelta(hours=1)
    assert not problems.add("disk", Sentence("{free} MB are left", free=100))
    assert problems.add("disk", Sentence("{free} MB are left", free=90)), "the log has the new words"
    (only,) = problems.all()
    assert (only.since, str(only.said)) == (NOON, "90 MB are left")
    problems.clear("disk")
    problems.add("disk", "again")
    assert [each.since for each in problems.all()] == [NOON + timedelta(hours=1)]


def test_a_part_says_what_is_wrong_with_it_now() -> None:
    moment = [NOON]
    problems = _at(moment)
    one, two = (Sentence("extension {number} is not recorded", number=each) for each in (2101, 2102))
    problems.take("calls", [one])
    moment[0] = NOON + timedelta(hours=1)
    problems.take("calls", [one, two])
    problems.take("archive", ["3 of 5 files are missing"])
    assert [(str(each.said), each.since.hour) for each in problems.all()] == [
        ("extension 2101 is not recorded", 12),
        ("3 of 5 files are missing", 13),
        ("extension 2102 is not recorded", 13),
    ]
    assert len({each.kind for each in problems.all()}) == 2, "of whom it is told is no other illness"
    problems.take("archive", ["4 of 5 files are missing"])
    assert [each.since.hour for each in problems.all() if "files" in str(each.said)] == [13]
    problems.take("calls", [two])
    assert [each.since.hour for each in problems.all() if "2102" in str(each.said)] == [13], (
        "its own beginning"
    )
    problems.take("calls", [])
    assert problems.texts() == {"4 of 5 files are missing"}


def test_an_error_is_told_in_the_language_of_whoever_reads() -> None:
    problems = Problems()

    def fails() -> None:
        raise PbxUnreachable(
            "the PBX did not run its dialplan within {seconds} s: is it overloaded?", seconds=5
        )

    problems.attempt("line 1.2", fails)
    (only,) = problems.all()
    assert only.kind == "line …" and "within 5 s" in str(only.said)
    with speaking("ja"):
        assert "5" in only.said.shown() and only.said.shown() != str(only.said)


@pytest.mark.parametrize("path", OF_CONTROLLER, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_of_the_controller_is_said_in_the_language_of_its_process(path: Path) -> None:
    """A letter has a half in each language, and status the language of whoever asks: both need a Sentence."""
    names = {each.id for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Name)}
    assert "translated" not in names
