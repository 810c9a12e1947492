"""An office through the command line, on SQLite and on PostgreSQL; no PBX is needed."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.app import App
from callrec.catalogue import rules
from callrec.catalogue.database import Database
from callrec.commands import main
from callrec.model.rules import Mode, Rule, Scope
from callrec.settings import CatalogueSettings, Settings
from tests.filled_catalogue import fill
from tests.integration.conftest import DATABASES
from tests.old_database import check_migration
from tests.unit.samples import START

START_OFFICE = """
[[facility]]
code = "shiba"
name = "芝地区総合支所"
[[facility]]
code = "azabu"
name = "麻布地区総合支所"
[[extension]]
number = "２１０１"
facility = "shiba"
name = "窓口1"
[[extension]]
number = 2201
facility = "azabu"
[[extension]]
number = 6000
facility = "shiba"
service = true
"""
Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_LANG", "en")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        (tmp_path / "office.db").touch()
        return f"sqlite:///{tmp_path}/office.db"
    server = sa.make_url(request.getfixturevalue("postgresql"))
    name = f"office_{ids.new().replace('-', '')}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def office(url: str, database: Database, tmp_path: Path) -> Program:
    """The program with that database, and two facilities with two phones and a queue."""
    program = configured(tmp_path / "callrec.toml", url)
    (tmp_path / "start.toml").write_text(START_OFFICE, "utf-8")
    done = program("rule", "import", str(tmp_path / "start.toml"))
    assert done.returncode == 0, done.stderr
    return program


def configured(path: Path, url: str) -> Program:
    """The program with a configuration of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        """In this process: a command needs a tenth of the time a program needs to start."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(["--config", str(path), *arguments])
        return subprocess.CompletedProcess(
            arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue()
        )

    spool = str(path.with_suffix(".spool"))
    done = run("init", "--non-interactive", "--database-url", url, "--spool", spool)
    assert done.returncode == 0, done.stderr
    return run


def told(program: Program, *arguments: str) -> Any:
    """What a command prints as JSON."""
    done = program(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_rule_from_its_first_version_to_its_last(office: Program) -> None:
    added = office(
        *("rule", "add", "--extension", "2101", "--mode", "automatic", "--direction", "inbound"),
        *(
            "--hours",
            "平日 08:30-17:15",
            "--holidays",
            "exclude",
            "--from",
            "R8.4.1",
            "--until",
            "2040-03-31",
        ),
        *("--retain", "30d", "--priority", "1", "--language", "ja,en", "--quiet"),
    )
    assert added.stdout == "1\n", added.stderr
    at = ("--extension", "2101", "--direction", "inbound", "--at")
    explained = told(office, "rule", "explain", *at, "2026-11-24 17:14")
    assert explained == {
        "mode": "automatic",
        "announce": "before-connect",
        "languages": ["ja", "en"],
        "retain_days": 30,
        "unannounced": "record",
        "beep_s": None,
        "rule": 1,
        "version": 1,
        "reason": "extension",
        "considered": [{"rule": 1, "won": True, "why": "won"}],
    }
    for moment, why in (
        ("2026-11-24 17:15", "other-hours"),
        ("2026-11-23 10:00", "on-holiday"),
        ("2026-03-31 10:00", "not-yet"),
        ("2040-04-01 10:00", "over"),
    ):
        assert told(office, "rule", "explain", *at, moment)["considered"][0]["why"] == why
    assert office("rule", "change", "1", "--mode", "standby").returncode == 0
    assert office("rule", "end", "1").returncode == 0
    assert told(office, "rule", "explain", *at, "now")["rule"] is None
    assert office("rule", "remove", "1").returncode == 0
    assert [(each["version"], each["removed"]) for each in told(office, "rule", "history", "1")] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    assert told(office, "rule", "show", "1@2")["mode"] == "standby"
    assert told(office, "rule", "list") == []


def test_callers_and_queues(office: Program) -> None:
    for arguments in (
        ("--everywhere", "--mode", "standby", "--announce", "on-start"),
        ("--extension", "6000", "--mode", "automatic", "--announce", "before-connect"),
        ("--caller", "０９０−１２３４−５６７８", "--mode", "never"),
    ):
        assert office("rule", "add", *arguments).returncode == 0
    both = told(office, "rule", "explain", "--number", "6000", "--extension", "2101")
    assert (both["mode"], both["announce"], both["rule"]) == ("standby", "before-connect", 1)
    caller = told(office, "rule", "explain", "--extension", "2101", "--caller", "09012345678")
    assert (caller["mode"], caller["rule"]) == ("never", 3)
    for long in (("--prompt", "x" * 33), ("--language", "x" * 65)):
        for refused in (("add", "--everywhere", "--mode", "manual"), ("change", "1")):
            assert "there is no prompt" in office("rule", *refused, *long).stderr
    lifted = office("rule", "change", "3", "--mode", "automatic")
    assert lifted.returncode == 4 and "lifted only by removing or ending it" in lifted.stderr


def test_an_export_makes_the_same_office_elsewhere(office: Program, tmp_path: Path) -> None:
    assert (
        office("rule", "add", "--facility", "shiba", "--mode", "automatic", "--hours", "sat,sun").returncode
        == 0
    )
    assert office("rule", "add", "--everywhere", "--mode", "manual", "--until", "2040-03-31").returncode == 0
    assert office("rule", "remove", "1").returncode == 0
    file = str(tmp_path / "office.toml")
    assert office("rule", "export", file).returncode == 0
    other = configured(tmp_path / "other.toml", f"sqlite:///{tmp_path}/other.db")
    trial = other("rule", "import", file, "--dry-run")
    assert trial.returncode == 0 and "6 would be added" in trial.stdout, trial.stderr
    assert told(other, "facility", "list") == []
    assert other("rule", "import", file).returncode == 0
    for noun in ("facility", "extension"):
        assert told(other, noun, "list") == told(office, noun, "list")
    (rule,), (copy,) = told(office, "rule", "list"), told(other, "rule", "list")
    changing = {"version", "changed_at", "changed_by"}
    assert {**rule, **dict.fromkeys(changing)} == {**copy, **dict.fromkeys(changing)}
    assert "nothing to do" in office("rule", "import", file).stdout


def test_a_spreadsheet_of_extensions(office: Program, tmp_path: Path) -> None:
    table = tmp_path / "phones.csv"
    lines = [f"{number},麻布地区総合支所,窓口{number}" for number in range(2202, 2302)]
    table.write_bytes("\r\n".join(["内線番号,施設,名前", *lines, ""]).encode("cp932"))
    done = office("extension", "import", str(table))
    assert done.returncode == 0 and done.stdout.endswith("100 added, 0 changed, 0 removed\n"), done.stderr
    assert len(told(office, "extension", "list", "--facility", "azabu")) == 101
    table.write_bytes("2999,azabu\n21o1,azabu\n2998,nowhere\n".encode("cp932"))
    wrong = office("extension", "import", str(table))
    assert wrong.returncode == 2 and [line[:7] for line in wrong.stderr.splitlines()] == [
        "line 2:",
        "line 3:",
        "callrec",
    ]
    assert len(told(office, "extension", "list")) == 103


def test_check_and_report(office: Program, database: Database) -> None:
    assert office("rule", "add", "--facility", "shiba", "--mode", "automatic").returncode == 0
    assert office("rule", "add", "--facility", "shiba", "--mode", "manual").returncode == 0
    done = office("rule", "check", "--offline", "--json")
    assert done.returncode == 1
    found = [(each["code"], each["subject"]) for each in json.loads(done.stdout)]
    assert found == [("beaten", "1@1"), ("no-rule", "azabu")]
    fill(database, START)
    rows = {row["facility"]: row for row in told(office, "facility", "report", "2026-11-22")}
    assert {
        name: rows["shiba"][name] for name in ("calls", "recordings", "minutes", "kept_by_key", "incidents")
    } == {
        "calls": 3,
        "recordings": 2,
        "minutes": 2.0,
        "kept_by_key": 1,
        "incidents": 1,
    }
    assert (rows["shiba"]["manual"], rows["azabu"]["never"]) == (1, 1)


def test_changes_at_the_same_time_do_not_get_in_each_others_way(database: Database) -> None:
    """Each of many admins gets an id and a version of their own."""
    new = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "")
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                with database.begin() as connection:
                    made = rules.add(connection, replace(new, priority=number), who="test", at=START)
                with database.begin() as connection:
                    rules.change(connection, 1, retain_days=1 + number * 5 + step, who="test", at=START)
                    rules.change(connection, made.id, prompt="other", who="test", at=START)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.read() as connection:
        assert [rule.id for rule in rules.in_force(connection)] == list(range(1, 21))
        assert [each.rule.version for each in rules.history(connection, 1)] == list(range(1, 23))


def test_a_change_while_the_rules_are_read_is_not_missed(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read may be older than the number that is kept of it, never the other way round."""
    app = App(Settings(catalogue=CatalogueSettings(url=url)))
    real = rules.in_force
    new = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "")

    def slow(connection: sa.Connection) -> list[Rule]:
        found = real(connection)
        with database.begin() as other:
            rules.add(other, new, who="test", at=START)
        return found

    monkeypatch.setattr(rules, "in_force", slow)
    office = app.office()
    assert len(office.rules) == 0 and office.revision < app.revision()
    app.database.close()


def test_the_migration_keeps_what_was_there(url: str) -> None:
    database = Database(url)
    check_migration(database)
    database.close()
