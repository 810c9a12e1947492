"""`callrec log`: what an admin sees of one call, out of a file that the log was written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.catalogue import calls
from callrec.catalogue.database import Database
from tests.unit.program import Done, table
from tests.unit.samples import CALL_ID, call

Office = Callable[..., Done]
UNKNOWN = "01a20000-0000-7000-8000-0000000000ff"


@pytest.fixture
def log(office: Office, tmp_path: Path) -> Path:
    """A log with a call that the catalogue has, by the PBX's id only, and one that it has not."""
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with database.begin() as connection:
        calls.save_call(connection, call())
    database.close()
    rest = {"level": "info", "timestamp": "2026-11-22T01:00:00Z"}
    lines = [
        {"event": "answered", "linkedid": "1.0", "extension": "2101", **rest},
        {"event": "over", "call": UNKNOWN, **rest, "level": "warning"},
    ]
    (tmp_path / "log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "log"


def test_the_lines_of_a_call_are_listed(office: Office, log: Path) -> None:
    (line,) = json.loads(office("log", CALL_ID[:33], "--file", str(log), "--json").out)
    assert line == {
        "at": "2026-11-22T01:00:00+00:00",
        "level": "info",
        "event": "answered",
        "values": {"linkedid": "1.0", "extension": "2101"},
    }
    shown = office("log", CALL_ID, "--file", str(log)).out
    assert "2026-11-22 10:00:00" in shown and "linkedid=1.0  extension=2101" in shown
    (row,) = table(office("log", CALL_ID, "--file", str(log), "--csv").out)
    assert row["event"] == "answered"


def test_a_call_that_is_not_in_the_catalogue_is_found_by_its_whole_id(office: Office, log: Path) -> None:
    (line,) = json.loads(office("log", UNKNOWN, "--file", str(log), "--json").out)
    assert line["event"] == "over" and line["level"] == "warning"
    assert office("log", UNKNOWN[:-1], "--file", str(log)).code == 1


def test_what_cannot_be_read_is_said_in_one_line(office: Office, log: Path) -> None:
    done = office("log", CALL_ID, "--file", str(log.parent / "gone"))
    assert done.code == 2 and "gone cannot be read" in done.complaint
    log.write_text("")
    done = office("log", CALL_ID, "--file", str(log))
    assert done.code == 1 and "the log says nothing of" in done.complaint


def test_without_a_journal_a_file_is_asked_for(
    office: Office, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(log.parent))
    done = office("log", CALL_ID)
    assert done.code == 3 and "--file" in done.complaint
