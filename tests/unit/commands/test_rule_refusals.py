"""What callrec refuses of an office, in one line, and that nothing was changed then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.unit.program import SHIBA
from tests.unit.rule_program import FACILITY, Office

WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("rule", "add", "--facility", "nowhere", "--mode", "never"), 1, "there is no facility nowhere"),
    ((*FACILITY, "--from", "2040-04-01", "--until", "2040-03-31"), 2, "--until must not be before --from"),
    ((*FACILITY, "--until", "2020-01-01"), 2, "--until 2020-01-01 is over already"),
    ((*FACILITY, "--from", "soon"), 2, "soon is not a date"),
    ((*FACILITY, "--hours", "8-17"), 2, "8-17 are no hours: write for instance mon-fri 08:30-17:15"),
    ((*FACILITY, "--hours", "25:00-26:00"), 2, "are no hours"),
    ((*FACILITY, "--hours", "09:00-09:00"), 2, "begin and end at once"),
    ((*FACILITY, "--holidays", "sometimes"), 2, "'sometimes' is not one of"),
    ((*FACILITY, "--language", ","), 2, "needs a language"),
    ((*FACILITY, "--prompt", "unknown"), 1, "no prompt unknown"),
    ((*FACILITY, "--caller", "0312345678"), 2, "say whom the rule is about, once"),
    (("rule", "add", "--extension", "21o1", "--mode", "never"), 2, "21o1 is no number"),
    (("rule", "add", "--caller", "anyone", "--mode", "never"), 2, "anyone is no number"),
    (
        ("rule", "add", "--everywhere", "--caller", "", "--mode", "never"),
        2,
        "say whom the rule is about, once",
    ),
    (("rule", "add", "--caller", "", "--mode", "never"), 2, '"" is no number'),
    (("rule", "end", "1", "--until", ""), 2, '"" is not a date'),
    (("facility", "report", ""), 2, '"" is not a date'),
    (("extension", "list", "--facility", ""), 1, 'there is no facility ""'),
    (("rule", "add", "--facility", "", "--mode", "never"), 2, "say whom the rule is about"),
    ((*FACILITY, "--mode", "never", "--hours", " "), 2, '"" are no hours'),
    (("rule", "add", "--caller", "03-1234-5678 110", "--mode", "never"), 2, "is more than one number"),
    (("rule", "add", "--extension", "2101 2102", "--mode", "never"), 2, "2101 2102 is more than one number"),
    (("rule", "explain", "--extension", "2101,2102"), 2, "2101,2102 is more than one number"),
    (
        ("rule", "explain", "--extension", "2101", "--caller", "03-1234-5678 110"),
        2,
        "is more than one number",
    ),
    (("rule", "explain", "--number", "6000 6100"), 2, "6000 6100 is more than one number"),
    (("search", "--number", "03-1234-5678 110"), 2, "is more than one number"),
    (("search", "--number", "0312345678,0387654321"), 2, "0312345678,0387654321 is more than one number"),
    (("search", "--extension", "2101 2102"), 2, "2101 2102 is more than one number"),
    (("extension", "add", "2108 2109", "--facility", "shiba"), 2, "2108 2109 is more than one number"),
    (("extension", "move", "2101 2102", "--facility", "shiba"), 2, "2101 2102 is more than one number"),
    (("extension", "remove", "2101/2102"), 2, "2101/2102 is more than one number"),
    (("facility", "support", "shiba", "--phone", "2900 2901"), 2, "2900 2901 is more than one number"),
    ((*FACILITY, "--retain", "36526d"), 2, "--retain can be 36525 days (100 years) at most"),
    ((*FACILITY, "--retain-incident", "9999y"), 2, "--retain-incident can be 36525 days"),
    ((*FACILITY, "--retain", "9" * 400 + "d"), 2, "is not a duration"),
    ((*FACILITY, "--priority", "99999999999999999999"), 2, "--priority can be from -1000000 to 1000000"),
    ((*FACILITY, "--priority", "-3000000000"), 2, "--priority can be from"),
    ((*FACILITY, "--until", "9999-12-31"), 2, "9999-12-31 is not a date"),
    ((*FACILITY, "--from", "0001-01-01"), 2, "0001-01-01 is not a date"),
    ((*FACILITY, "--hours", "08:30-17:15 平日"), 2, "weekdays come after hours"),
    ((*FACILITY, "--beep", "4s"), 2, "--beep can be from 5s to 300s"),
    ((*FACILITY, "--beep", "301s"), 2, "--beep can be from 5s to 300s"),
    ((*FACILITY, "--beep", "15.5s"), 2, "15.5s is not a"),
    ((*FACILITY, "--beep", "15"), 2, "15 is not a duration"),
    ((*FACILITY, "--beep", "often"), 2, "often is not a duration"),
    (("rule", "change", "1", "--beep", "1h"), 2, "--beep can be from 5s to 300s"),
    (("rule", "change", "1", "--beep", "none"), 2, "rule 1 is so already"),
    (("rule", "change", "1", "--retain", "9999y"), 2, "--retain can be 36525 days"),
    (("rule", "change", "99999999999999999999", "--mode", "never"), 1, "there is no rule 9999"),
    (("rule", "end", "99999999999999999999"), 1, "there is no rule 99999999999999999999"),
    (("rule", "remove", "99999999999999999999"), 1, "there is no rule 99999999999999999999"),
    (("rule", "remove", "-1"), 2, "No such option"),
    (("rule", "history", "99999999999999999999"), 1, "there has never been a rule 9999"),
    (("search", "--limit", "99999999999999999999"), 2, "is not in the range"),
    (("rule", "change", "1"), 2, "say what to change"),
    (("rule", "change", "1", "--mode", "automatic"), 2, "rule 1 is so already"),
    (("rule", "change", "1", "--prompt", "unknown"), 1, "no prompt unknown"),
    (("rule", "change", "1", "--until", "2020-01-01"), 2, "is over already"),
    (("rule", "change", "9", "--mode", "never"), 1, "there is no rule 9"),
    (("rule", "end", "9"), 1, "there is no rule 9"),
    (("rule", "end", "1", "--until", "2020-01-01"), 2, "is over already"),
    (("rule", "show", "x"), 2, "x names no rule"),
    (("rule", "show", "1@7"), 1, "rule 1 has no version 7"),
    (("rule", "show", "9"), 1, "there has never been a rule 9"),
    (("rule", "history", "9"), 1, "there has never been a rule 9"),
    (("rule", "explain"), 2, "say which call"),
    (("rule", "explain", "--extension", "2101", "--at", "then"), 2, "then is not a date"),
    (("rule", "explain", "--extension", "2101", "--at", "2026-11-22 25:00"), 2, "is not a time"),
    (("rule", "explain", "--extension", "x"), 2, "x is no number"),
    (("extension", "add", "21a1", "--facility", "shiba"), 2, "an extension is a number"),
    (("extension", "add", "２１０１", "--facility", "shiba"), 4, "there is an extension 2101 already"),
    (("extension", "move", "2101", "--facility", "nowhere"), 1, "there is no facility nowhere"),
    (("facility", "remove", "shiba"), 4, "has 2 extensions: move or remove them first"),
    (("facility", "rename", "shiba", "--name", " "), 2, "needs a name"),
]


@pytest.mark.parametrize(("arguments", "code", "complaint"), WRONG)
def test_bad_input_is_one_line_and_changes_nothing(
    office_after: Callable[..., Office], arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    office = office_after(*SHIBA, (*FACILITY, "--quiet"))
    before = _everything()
    done = office(*arguments)
    assert done.code == code and complaint in done.complaint
    assert _everything() == before


def _everything() -> list[str]:
    """All that the database holds."""
    with closing(sqlite3.connect("c.db")) as connection:
        return list(connection.iterdump())
