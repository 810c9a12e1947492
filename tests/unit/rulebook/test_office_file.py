"""An office as a file and back, and the steps from one office to another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrec.catalogue import offices
from callrec.catalogue.database import Database
from callrec.errors import WrongEntries, WrongUsage
from callrec.model.office import Extension, Facility
from callrec.model.rules import Announce, Direction, Holidays, Mode, Rule, Scope, Unannounced
from callrec.policy.hours import parse_hours
from callrec.policy.office import Office
from callrec.rulebook import office_file
from callrec.rulebook.difference import difference
from callrec.texts import name_key
from tests.unit.samples import START

TOKYO = ZoneInfo("Asia/Tokyo")
WHO: dict[str, Any] = {"who": "test", "at": START}
SECONDS = st.integers(0, 10**8)
TIMES = SECONDS.map(lambda seconds: START + timedelta(seconds=seconds, microseconds=seconds % 999))
MIDNIGHTS = st.integers(0, 999).map(lambda day: datetime(2026, 1, 1, 15, tzinfo=UTC) + timedelta(days=day))
SIGNS = st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"], exclude_characters="\ufffd")
ROOMS = st.sampled_from([None, "", "2900"])
MAILS = st.sampled_from([None, (), ("a@x.example",), ("a@x.example", "b+c@x.example")])
NAMES = st.text(SIGNS, min_size=1, max_size=8).filter(name_key)
SOME_NAMES = {
    count: st.lists(NAMES, min_size=count, max_size=count, unique_by=name_key) for count in range(1, 4)
}
CODES = st.lists(st.sampled_from(["shiba", "azabu", "akasaka"]), min_size=1, unique=True)
NUMBERS = st.lists(st.sampled_from(["2101", "2102", "6000", "*8"]), min_size=1, unique=True)
IDS = st.lists(st.integers(1, 20), max_size=6, unique=True)
ENDS = MIDNIGHTS | TIMES
CONDITIONS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(Mode),
        "direction": st.sampled_from([None, *Direction]),
        "announce": st.sampled_from([None, *Announce]),
        "languages": st.sampled_from([("ja",), ("ja", "en")]),
        "beep_s": st.none() | st.integers(5, 300),
        "unannounced": st.sampled_from(Unannounced),
        "retain_days": st.none() | st.integers(1, 4000),
        "priority": st.integers(-3, 3),
        "hours": st.sampled_from([(), parse_hours("mon-fri 08:30-17:15, sat")]),
        "holidays": st.sampled_from(Holidays),
    }
)
PERIODS = st.tuples(st.none() | ENDS, st.none() | ENDS).filter(
    lambda period: not (period[0] and period[1]) or period[1] > period[0]
)


@st.composite
def offices_of_all_kinds(draw: st.DrawFn) -> Office:
    """Offices as a catalogue can hold them: every target exists, ids are its own."""
    codes = draw(CODES)
    names = draw(SOME_NAMES[len(codes)])
    facilities = [
        Facility(code, name, draw(ROOMS), draw(MAILS)) for code, name in zip(codes, names, strict=True)
    ]
    numbers = draw(NUMBERS)
    extensions = [
        Extension(number, draw(st.sampled_from(codes)), draw(NAMES), draw(st.booleans()))
        for number in numbers
    ]
    extensions = _with_aliases(draw, extensions)
    targets = [(Scope.EVERYWHERE, None), (Scope.CALLER, "+81312345678"), (Scope.CALLER, "110")]
    targets += [(Scope.FACILITY, code) for code in codes] + [(Scope.EXTENSION, number) for number in numbers]
    ids = draw(IDS)
    return Office(facilities, extensions, [_rule(draw, id_, *draw(st.sampled_from(targets))) for id_ in ids])


def _with_aliases(draw: st.DrawFn, extensions: list[Extension]) -> list[Extension]:
    """Other endpoints of phones, each of one phone at most, among them what is an extension elsewhere."""
    names = {"2101-WS", "992101", "DAHDI/33", "2101", "2102"} - {each.number for each in extensions}
    whose = {name: draw(st.sampled_from([None, *(each.number for each in extensions)])) for name in names}
    return [
        each
        if each.service
        else replace(each, aliases=tuple(sorted(name for name in names if whose[name] == each.number)))
        for each in extensions
    ]


def _rule(draw: st.DrawFn, id_: int, scope: Scope, target: str | None) -> Rule:
    begin, end = draw(PERIODS)
    return Rule(
        id_,
        1,
        scope,
        target,
        changed_at=START,
        changed_by="test",
        effective_from=begin,
        effective_until=end,
        **draw(CONDITIONS),
    )


@given(offices_of_all_kinds())
def test_what_is_written_is_read_as_the_same_office(office: Office) -> None:
    again = office_file.parse(office_file.write(office, TOKYO), TOKYO, START)
    assert again.facilities == office.facilities and again.extensions == office.extensions
    assert difference(office, again) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offices_of_all_kinds(), offices_of_all_kinds())
def test_the_steps_lead_from_any_office_to_any_other(database: Database, one: Office, other: Office) -> None:
    for wanted in (one, other, one, Office()):
        with database.begin() as connection:
            steps = difference(offices.locked(connection), wanted)
            offices.apply(connection, steps, **WHO)
            there = offices.locked(connection)
        assert difference(there, wanted) == []
        assert there.facilities == wanted.facilities and there.extensions == wanted.extensions
        assert len(there.rules) == len(wanted.rules)
        assert all(step.words(TOKYO) for step in steps)


Rivals = dict[int, tuple[int, Direction | None]]
RIVALS = st.dictionaries(
    st.integers(1, 6), st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([None, *Direction])), max_size=5
)


def _rivals(drawn: Rivals, *, named: bool = True) -> Office:
    """Rules for the same calls, of which only the newer one beats the other."""
    base = Rule(0, 1, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "test")
    rules = [
        replace(base, id=id_ if named else 0, retain_days=days, direction=direction)
        for id_, (days, direction) in sorted(drawn.items())
    ]
    return Office(rules=rules)


def _kept_for(office: Office) -> list[int]:
    return [office.decide(office.facts(each, ["2101"], None, START)).retain_days for each in Direction]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RIVALS, RIVALS, st.booleans())
def test_after_an_import_calls_are_decided_as_in_the_file(
    database: Database, one: Rivals, other: Rivals, named: bool
) -> None:
    nobody: Rivals = {}
    for drawn in (one, other, nobody):
        wanted = _rivals(drawn, named=named)
        with database.begin() as connection:
            offices.apply(connection, difference(offices.locked(connection), wanted), **WHO)
            there = offices.locked(connection)
        assert _kept_for(there) == _kept_for(_rivals(drawn))
        assert difference(there, wanted) == []


def test_a_fresh_database_gets_the_same_ids(database: Database) -> None:
    rule = Rule(7, 4, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "x")
    with database.begin() as connection:
        offices.apply(connection, difference(offices.locked(connection), Office(rules=[rule])), **WHO)
        (added,) = offices.locked(connection).rules
    assert (added.id, added.version) == (7, 1)


def test_a_rule_that_says_never_is_lifted_by_removing_it_for_all_to_see() -> None:
    never = Rule(7, 1, Scope.EVERYWHERE, None, Mode.NEVER, START, "x")
    steps = difference(Office(rules=[never]), Office(rules=[replace(never, mode=Mode.AUTOMATIC, version=0)]))
    assert [step.sign for step in steps] == ["-", "+"]
    (ended,) = difference(Office(rules=[never]), Office(rules=[replace(never, effective_until=START)]))
    assert ended.sign == "~"


GOOD = """
[[facility]]
code = "shiba"
name = "芝"
"""
WRONG = [
    ('[[facility]]\ncode = "Shiba"\nname = "芝"', 5, "is no code"),
    ('[[facility]]\ncode = "shiba"\nname = "x"', 5, "facility shiba is there twice"),
    ('[[facility]]\ncode = "azabu"', 5, "name is missing"),
    ('[[extension]]\nnumber = "2101"', 5, "facility is missing"),
    ('[[extension]]\nnumber = "2101"\nfacility = "azabu"', 5, "there is no facility azabu in the file"),
    ('[[extension]]\nnumber = "x"\nfacility = "shiba"', 5, "an extension is a number"),
    ('[[extension]]\nnumber = 2101\nfacility = "shiba"\nservice = 1', 5, "service = 1 is of the wrong type"),
    ('[[extension]]\nnumber = 2101\nfacility = "shiba"\naliases = "x"', 5, "aliases = x is of the wrong"),
    ('[[extension]]\nnumber = 2101\nfacility = "shiba"\naliases = ["a b"]', 5, "a b is no endpoint"),
    ('[[extension]]\nnumber = 2101\nfacility = "shiba"\naliases = ["2101"]', 0, "2101 is an extension"),
    ('[[rule]]\nmode = "never"', 5, "say whom"),
    ("[[rule]]\neverywhere = true", 5, "mode is missing"),
    ('[[rule]]\neverywhere = true\nmode = "sometimes"', 5, "sometimes is none of never, manual"),
    ('[[rule]]\nextension = "2101"\nmode = "never"', 5, "there is no extension 2101 in the file"),
    ('[[rule]]\nfacility = "azabu"\nmode = "never"', 5, "there is no facility azabu in the file"),
    ('[[rule]]\neverywhere = true\nmode = "never"\nhours = "x"', 5, "are no hours"),
    ('[[rule]]\neverywhere = true\nmode = "never"\nhours = 5', 5, "wrong type"),
    ('[[rule]]\neverywhere = true\nmode = "never"\nholiday = "only"', 5, "there is no key holiday"),
    ('[[rule]]\neverywhere = true\nmode = "never"\nfrom = 2027-04-01\nuntil = 2027-03-31', 5, "--until must"),
    ('[[rule]]\nid = 99999999999999999999\neverywhere = true\nmode = "never"', 5, "from 1 to 999999999"),
    ('[[rule]]\nid = -1\neverywhere = true\nmode = "never"', 5, "from 1 to 999999999, not -1"),
    ('[[rule]]\neverywhere = true\nmode = "never"\npriority = 3000000000', 5, "--priority can be from"),
    ('[[rule]]\neverywhere = true\nmode = "never"\nretain = "9999y"', 5, "36525 days (100 years) at most"),
    ('[[rules]]\neverywhere = true', 0, "rules is nothing an office has"),
    ('[[extension]]\nnumber = "2101 2102"\nfacility = "shiba"', 5, "2101 2102 is more than one number"),
    ('[[rule]]\ncaller = "03-1234-5678 / 03-8765-4321"\nmode = "never"', 5, "is more than one number"),
    ('[[rule]]\ncaller = "0312345678 0387654321"\nmode = "never"', 5, "is more than one number"),
    ('[[facility]]\ncode = "x"\nname = "x"\nphone = "2900,2901"', 5, "2900,2901 is more than one number"),
    ("rule = 5", 0, "write [[rule]]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "reason"), WRONG)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    whole = text + GOOD if text == "rule = 5" else GOOD + text
    with pytest.raises(WrongEntries) as caught:
        office_file.parse(whole, TOKYO, START)
    ((found, error),) = caught.value.entries
    assert found == line and reason in str(error)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(WrongEntries) as caught:
        office_file.parse("[[rule]]\n[[facility]]\n[[rule]]\n", TOKYO, START)
    assert [line for line, _ in caught.value.entries] == [1, 2, 3]
    with pytest.raises(WrongUsage, match="is not TOML"):
        office_file.parse("[[rule", TOKYO, START)


@pytest.mark.parametrize("text", ["", "# all of it is a remark\n", "rule = []\n"])
def test_a_file_with_nothing_in_it_is_no_office(text: str) -> None:
    with pytest.raises(WrongUsage, match="an import of it would remove the whole office"):
        office_file.parse(text, TOKYO, START)
