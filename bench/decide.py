"""Measures how long a decision takes, and a reload from the database: python -m bench.decide

An office of 60 facilities, 3,000 extensions and 10,000 rules of all scopes and conditions, decided for calls
at random. Prints the results and writes them into docs/benchmarks. Exit code 1 where a decision takes 50 µs
or more at the median, a reload a second or more, or 1,500 questions for an announcement 50 ms or more.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bench import targets
from bench.machine import facts
from bench.report import Row, finish
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

FACILITIES, EXTENSIONS, RULES, CALLS, RELOADS = 60, 3_000, 10_000, 20_000, 5
QUESTIONS = 1_500
DECISION_MICROSECONDS, RELOAD_SECONDS = 50, 1
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = ["", "mon-fri 08:30-17:15", "22:00-06:00", "mon-fri 08:30-12:00 13:00-17:15, sat 09:00-12:00"]
SPANS = [parse_hours(text) if text else () for text in HOURS]
SCOPES = [(Scope.EVERYWHERE, 2), (Scope.FACILITY, 60), (Scope.EXTENSION, 898), (Scope.CALLER, 40)]
"""How many of a thousand rules have which scope: 20 for everywhere, ten for each facility."""


def main() -> int:
    dice = random.Random(1)  # noqa: S311 (a benchmark needs the same office each time)
    with tempfile.TemporaryDirectory() as folder:
        app = App(Settings(catalogue=CatalogueSettings(url=f"sqlite:///{folder}/c.db")))
        app.database.upgrade()
        with app.database.begin() as connection:
            _fill(connection, dice)
        reloads = [_seconds(app.office) for _ in range(RELOADS)]
        office = app.office()
        app.database.close()
    library = Library(shipped("prompts"))
    questions = [_seconds(lambda: _ask(library)) for _ in range(RELOADS)]
    decisions = [_decide(office, dice) * 1e6 for _ in range(CALLS)]
    rows = [
        Row("a decision", "µs", DECISION_MICROSECONDS, decisions, judged=statistics.median),
        Row("a reload from the database (SQLite)", "s", RELOAD_SECONDS, reloads),
        Row(f"{QUESTIONS:,} questions for an announcement", "s", targets.PROMPTS, questions),
    ]
    size = f"{FACILITIES} facilities, {EXTENSIONS:,} extensions, {RULES:,} rules, {CALLS:,} calls"
    return finish("decide", "Decisions", f"`python -m bench.decide`: {size}.", facts(), rows=rows)


def _fill(connection: sa.Connection, dice: random.Random) -> None:
    connection.execute(facilities.insert(), [{"code": _code(n), "name": _code(n)} for n in range(FACILITIES)])
    connection.execute(
        extensions.insert(),
        [
            {"number": _number(n), "facility": _code(n % FACILITIES), "name": "", "service": False}
            for n in range(EXTENSIONS)
        ],
    )
    connection.execute(rules.insert(), [stored(_rule(n, dice)) for n in range(1, RULES + 1)])
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


def _decide(office: Office, dice: random.Random) -> float:
    """Returns the seconds that one decision takes, for a call at random."""
    at = BEGIN + timedelta(minutes=dice.randrange(2 * 365 * 24 * 60))
    extension = _number(dice.randrange(EXTENSIONS))
    call: CallFacts = office.facts(dice.choice(list(Direction)), [extension], normalise(_caller(dice)), at)
    return _seconds(lambda: office.decide(call))


def _ask(library: Library) -> None:
    """Asks for an announcement as often as a copy of the rules for 500 extensions does."""
    for _ in range(QUESTIONS):
        library.get("notice", "ja")


def _seconds(step: object) -> float:
    assert callable(step)
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def _code(number: int) -> str:
    return f"f{number:02}"


def _number(number: int) -> str:
    return str(2000 + number)


def _caller(dice: random.Random) -> str:
    return f"+8131234{dice.randrange(500):04}"


if __name__ == "__main__":
    sys.exit(main())
