"""callrec status: it must not show what was as what is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.catalogue.database import Database
from callrec.errors import Sentence
from callrec.model.flaws import Flaw
from callrec.sentences import plain
from callrec.spool import status
from callrec.spool.directory import Spool
from tests.unit.program import Done
from tests.unit.samples import alert, captured_call

WELL: dict[str, Any] = {
    "running": True,
    "pid": 17,
    "link_up": True,
    "link_changed_at": "2026-11-22T00:00:00+00:00",
    "catalogue_away": False,
    "revision": 3,
    "rules_at": "2026-11-22T00:00:00+00:00",
    "live": [],
    "problems": [],
}


@pytest.fixture
def spool(office: Callable[..., Done], tmp_path: Path) -> Spool:
    """The spool of the office, with a controller at work."""
    made = Spool(tmp_path / "spool")
    made.lock()
    return made


def _told(spool: Spool, ago_s: float, **changes: Any) -> None:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    status.write(spool.directory, {**WELL, "at": at.isoformat(), **changes})


def test_a_controller_that_reports_is_well(spool: Spool, office: Callable[..., Done]) -> None:
    _told(spool, 1)
    done = office("status", "--json")
    assert done.code == 0, done.err
    assert datetime.fromisoformat(json.loads(done.out)["reported_at"]).tzinfo


@pytest.mark.parametrize("ago_s", [12, 4000, -4000])
def test_a_controller_that_hangs_is_not_well(spool: Spool, office: Callable[..., Done], ago_s: float) -> None:
    """It has the lock, and its last words were that all is well."""
    _told(spool, ago_s)
    done = office("status")
    assert done.code == 1
    assert "the controller does not report: what is shown is of 20" in done.complaint


@pytest.mark.parametrize("words", [None, "", "[]"])
def test_a_controller_that_never_reported_is_not_well(
    spool: Spool, office: Callable[..., Done], words: str | None
) -> None:
    if words is not None:
        (spool.directory / status.FILE).write_text(words)
    done = office("status")
    assert (done.code, done.complaint) == (1, "callrec: the controller does not report: see its log")


def test_the_database_is_away(spool: Spool, office: Callable[..., Done]) -> None:
    _told(spool, 0, catalogue_away=True, problems=["no answer"])
    done = office("status")
    assert done.code == 1 and "the database is away" in done.complaint
    assert "in force are the rules as they were at 2026-11-22 09:00:00" in done.out


def test_alerts_that_wait_are_counted(spool: Spool, office: Callable[..., Done]) -> None:
    _told(spool, 1)
    spool.save_alert(alert())
    assert json.loads(office("status", "--json").out)["waiting_alerts"] == 1
    assert "help alerts waiting to be sent" in office("status").out


@pytest.mark.parametrize(("unsent", "in_spool"), [(0, 1), (1, 0)], ids=["unbooked", "disk full"])
def test_help_waits_as_long_as_the_controller_says(
    spool: Spool, office: Callable[..., Done], unsent: int, in_spool: int
) -> None:
    """In the spool it also waits for the database; and a full disk has none that waits."""
    _told(spool, 1, help_unsent=unsent)
    if in_spool:
        spool.save_alert(alert())
    assert json.loads(office("status", "--json").out)["waiting_alerts"] == unsent


def test_what_was_noticed_of_calls_is_counted_until_somebody_has_seen_it(
    spool: Spool, office: Callable[..., Done]
) -> None:
    _told(spool, 1)
    for call in ("01a-1", "01a-2"):
        spool.flaws.add(call, Flaw.NO_SOUND)
    done = office("status", "--json")
    (problem,) = json.loads(done.out)["problems"]
    assert done.code == 1 and "in 2 calls of the last day, the latest is 01a-2" in problem
    assert office("status", "--seen").code == 0 and not json.loads(office("status", "--json").out)["problems"]


def test_what_is_to_be_seen_to_after_calls_is_a_problem(
    spool: Spool, office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(spool, 1)
    overdue = Sentence("a copy is overdue: {number}", number="2026-0001")
    monkeypatch.setattr("callrec.desk.operations.status.concerns", lambda *_: [overdue])
    done = office("status", "--json")
    assert json.loads(done.out)["problems"] == ["a copy is overdue: 2026-0001"]
    assert (done.code, done.complaint) == (1, "callrec: a copy is overdue: 2026-0001")


def test_a_damaged_row_does_not_hide_that_there_are_others(
    spool: Spool, office: Callable[..., Done], tmp_path: Path
) -> None:
    _told(spool, 1)
    number = office("request", "open", "--kind", "police", "--for", "x", "--quiet").out.strip()
    assert office("status").code == 0
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE requests SET due = 'gestern'")
    database.close()
    done = office("status")
    assert done.code == 1 and f"row {number} of table requests in the database is damaged" in done.complaint


def test_a_problem_within_a_problem_is_told_in_the_language_of_who_asks(
    spool: Spool, office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(spool, 1)
    held = Sentence("the S3 server has a legal hold on {key}", key="k")
    template = "{count} recordings could not be destroyed, the first is {id}: {problem}"
    left = Sentence(template, count=1, id="01a", problem=held)
    monkeypatch.setattr("callrec.desk.operations.status.concerns", lambda *_: [left])
    monkeypatch.setenv("CALLREC_LANG", "ja")
    (problem,) = json.loads(office("status", "--json").out)["problems"]
    assert "legal hold" not in problem and "保全" in problem


def test_the_controller_can_be_looked_at_without_the_database(
    spool: Spool, office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(spool, 1)
    monkeypatch.setenv("CALLREC_CATALOGUE__URL", "postgresql+psycopg://127.0.0.1:1/callrec")
    assert office("status").code == 0


def test_what_is_wrong_is_told_with_its_beginning(spool: Spool, office: Callable[..., Done]) -> None:
    said = plain(Sentence("extension {extension} should be recorded and is not", extension="2101"))
    name, since = "calls: not recorded", "2026-11-22T00:00:00+00:00"
    _told(spool, 1, illnesses=[{"name": name, "since": since, "said": said}], disk_full_in_s=7300.0)
    done = office("status")
    words = "extension 2101 should be recorded and is not"
    assert (done.code, done.complaint) == (1, f"callrec: {words}")
    assert f"{words} (since 2026-11-22 09:00:00" in done.out and "full in 2 hours" in done.out
    told = json.loads(office("status", "--json").out)
    assert told["problems"] == [words]
    assert told["illnesses"] == [{"name": name, "since": since, "problem": words}]


def test_what_waits_is_shown_with_its_age(spool: Spool, office: Callable[..., Done]) -> None:
    _told(spool, 1, certificates={"s3.city.example:443": "2027-01-31T00:00:00+00:00"})
    spool.discard(captured_call(), whole=True)
    out = office("status").out
    assert "recordings to be destroyed" in out and "1, 0.0 MB, the oldest since 20" in out
    assert "s3.city.example:443 until 2027-01-31" in out
    waits = {each["waits"]: each for each in json.loads(office("status", "--json").out)["waits"]}
    assert waits["discards"]["count"] == 1 and datetime.fromisoformat(waits["discards"]["oldest_at"])


def test_the_day_of_the_key_is_that_of_the_office(
    spool: Spool, office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(spool, 1)
    monkeypatch.setattr(
        "callrec.desk.operations.status._signing_key_at", lambda _: "2026-11-21T23:30:00+00:00"
    )
    assert "2026-11-22" in next(line for line in office("status").out.splitlines() if "signing key" in line)


@pytest.mark.parametrize("ends_well", [True, False])
def test_watch_shows_it_again_until_it_is_interrupted(
    spool: Spool, office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, ends_well: bool
) -> None:
    """Its exit code is that of the last look."""
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) > 2:
            raise KeyboardInterrupt
        _told(spool, 0, link_up=ends_well or len(looks) < 2)

    _told(spool, 0)
    monkeypatch.setattr("callrec.commands.status.time.sleep", sleep)
    done = office("status", "--watch")
    assert done.code == (0 if ends_well else 1)
    assert done.out.count("link to the PBX") == 3
