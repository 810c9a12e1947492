"""Measures how long a decision takes, and a reload from the database: python -m bench.decide [--quick]

An office of 60 facilities, 3,000 extensions and 10,000 rules of all scopes and conditions, decided for calls
at random, beside the same with 1,000 rules. Exit code 1 where a decision takes 50 µs or more at the median, a
reload a second or more, or 1,500 questions for an announcement 50 ms or more.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

import sqlalchemy as sa

from bench import targets
from bench.machine import facts
from bench.pairs import by_round, in_turn, seconds
from bench.report import Ratio, Row, finish
from callrec.app import App
from callrec.catalogue.rules import stored
from callrec.catalogue.tables import extensions, facilities, revision, rules
from callrec.model.rules import CallFacts, Direction, Holidays, Mode, Rule, Scope
from callrec.numbers import normalise
from callrec.policy.hours import parse_hours
from callrec.policy.office import Office
from callrec.prompts.library import Library
from callrec.resources import shipped
from callrec.settings import CatalogueSettings, Settings

FACILITIES, EXTENSIONS, RULES, CALLS = 60, 3_000, (1_000, 10_000), 4_000
QUESTIONS = 1_500
DECISION_MICROSECONDS, RELOAD_SECONDS = 50, 1
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = ["", "mon-fri 08:30-17:15", "22:00-06:00", "mon-fri 08:30-12:00 13:00-17:15, sat 09:00-12:00"]
SPANS = [parse_hours(text) if text else () for text in HOURS]
SCOPES = [(Scope.EVERYWHERE, 2), (Scope.FACILITY, 60), (Scope.EXTENSION, 898), (Scope.CALLER, 40)]
"""How many of a thousand rules have which scope: 20 for everywhere, ten for each facility."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.decide", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a trial")
    quick = parser.parse_args().quick
    with ExitStack() as stack:
        apps = {rules: stack.enter_context(_catalogue(rules)) for rules in RULES}
        few, many = RULES
        reloads = in_turn({str(rules): partial(seconds, app.office) for rules, app in apps.items()})
        offices = {rules: app.office() for rules, app in apps.items()}
    calls = CALLS // 10 if quick else CALLS
    decisions = in_turn({str(rules): partial(_decisions, offices[rules], calls) for rules in RULES})
    library = Library(shipped("prompts"))
    questions = in_turn({"library": lambda: seconds(lambda: _ask(library))})["library"]
    most, least = str(many), str(few)
    longer = [ratio * few / many for ratio in by_round(reloads[most], reloads[least])]
    ratios = [
        Ratio(
            "a decision", f"by {many:,} rules", f"by {few:,}", by_round(decisions[most], decisions[least]), 2
        ),
        Ratio("a reload, for each rule", f"of {many:,}", f"of {few:,}", longer, 1.2),
    ]
    rows = [
        Row("a decision", "µs", DECISION_MICROSECONDS, [each * 1e6 for each in decisions[most]], median),
        Row("a reload from the database (SQLite)", "s", RELOAD_SECONDS, reloads[most]),
        Row(f"{QUESTIONS:,} questions for an announcement", "s", targets.PROMPTS, questions),
    ]
    size = f"{FACILITIES} facilities, {EXTENSIONS:,} extensions, {many:,} rules and {few:,}, {calls:,} calls"
    how = f"`python -m bench.decide`: {size}."
    return finish("decide", "Decisions", how, facts(), ratios=ratios, rows=rows, quick=quick)


@contextmanager
def _catalogue(rules: int) -> Iterator[App]:
    """Gives an app whose catalogue has so many rules, the same each time."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(Settings(catalogue=CatalogueSettings(url=f"sqlite:///{folder}/c.db")))
        app.database.upgrade()
        with app.database.begin() as connection:
            _fill(connection, rules)
        yield app
        app.database.close()


def _fill(connection: sa.Connection, count: int) -> None:
    dice = random.Random(1)  # noqa: S311 (a benchmark needs the same office each time)
    connection.execute(facilities.insert(), [{"code": _code(n), "name": _code(n)} for n in range(FACILITIES)])
    connection.execute(
        extensions.insert(),
        [
            {"number": _number(n), "facility": _code(n % FACILITIES), "name": "", "service": False}
            for n in range(EXTENSIONS)
        ],
    )
    connection.execute(rules.insert(), [stored(_rule(n, dice)) for n in range(1, count + 1)])
    connection.execute(revision.update().values(number=2))


def _rule(id_: int, dice: random.Random) -> Rule:
    (scope,) = dice.choices([scope for scope, _ in SCOPES], [weight for _, weight in SCOPES])
    begin = BEGIN + timedelta(days=dice.randrange(600))
    plain = Rule(id_, 1, scope, _target(scope, dice), dice.choice(list(Mode)), BEGIN, "bench")
    return replace(
        plain,
        direction=dice.choice([None, *Direction]),
        priority=dice.randrange(3),
        hours=dice.choice(SPANS),
        holidays=dice.choice(list(Holidays)),
        effective_from=dice.choice([None, begin]),
        effective_until=dice.choice([None, begin + timedelta(days=365)]),
    )


def _target(scope: Scope, dice: random.Random) -> str | None:
    return {
        Scope.EVERYWHERE: None,
        Scope.FACILITY: _code(dice.randrange(FACILITIES)),
        Scope.EXTENSION: _number(dice.randrange(EXTENSIONS)),
        Scope.CALLER: _caller(dice),
    }[scope]


def _decisions(office: Office, calls: int) -> float:
    """Returns the seconds that a decision takes, the median of those for calls at random."""
    dice = random.Random(2)  # noqa: S311 (for all the same calls)
    return median([_decide(office, dice) for _ in range(calls)])


def _decide(office: Office, dice: random.Random) -> float:
    at = BEGIN + timedelta(minutes=dice.randrange(2 * 365 * 24 * 60))
    extension = _number(dice.randrange(EXTENSIONS))
    call: CallFacts = office.facts(dice.choice(list(Direction)), [extension], normalise(_caller(dice)), at)
    return seconds(lambda: office.decide(call))


def _ask(library: Library) -> None:
    """Asks for an announcement as often as a copy of the rules for 500 extensions does."""
    for _ in range(QUESTIONS):
        library.get("notice", "ja")


def _code(number: int) -> str:
    return f"f{number:02}"


def _number(number: int) -> str:
    return str(2000 + number)


def _caller(dice: random.Random) -> str:
    return f"+8131234{dice.randrange(500):04}"


if __name__ == "__main__":
    sys.exit(main())
