"""The report of the facilities: what is counted where, and a picture that shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import pytest

from callrec.catalogue import calls, hits, reports, tables
from callrec.catalogue.database import Database
from callrec.catalogue.reports import Activity
from tests.filled_catalogue import DAY, fill, place, recording_row
from tests.unit.program import Done, table
from tests.unit.samples import START, call

Office = Callable[..., Done]


def test_what_is_counted_for_whom(database: Database) -> None:
    fill(database, START)
    place(database, "shiba", START - timedelta(seconds=1))
    place(database, "shiba", START + DAY)
    with database.read() as connection:
        found = reports.activity(connection, START, START + DAY)
        assert reports.activity(connection, START - 9 * DAY, START - 8 * DAY) == {}
    assert found == {
        "shiba": Activity(calls=3, recordings=2, seconds=120.0, kept_by_key=1, incidents=1),
        "azabu": Activity(calls=1, incidents=1),
        "unassigned": Activity(calls=1, recordings=1, seconds=60.0),
    }


def test_help_counts_as_a_key_and_a_call_with_two_recordings_as_one_incident(database: Database) -> None:
    with database.begin() as connection:
        made = call(incident=True)
        calls.save_call(connection, made)
        for because in ("help", "key", "automatic"):
            row = recording_row(made.id, START, seconds=1.0, because=because)
            connection.execute(tables.recordings.insert().values(row))
        hits.rewrite(connection, made.id)
        found = reports.activity(connection, START, START + DAY)
    assert found["shiba"] == Activity(calls=1, recordings=3, seconds=3.0, kept_by_key=2, incidents=1)


@pytest.fixture
def shiba(office_after: Callable[..., Office], tmp_path: Path) -> Iterator[Office]:
    """An office in which something happened today and, so that it is left out, long ago."""
    office = office_after(
        ("facility", "add", "shiba", "--name", "shiba地区総合支所"),
        ("facility", "add", "azabu", "--name", "azabu地区総合支所"),
        ("extension", "add", "2101", "--facility", "shiba"),
        ("extension", "add", "2102", "--facility", "shiba"),
        ("extension", "add", "2201", "--facility", "azabu"),
        ("extension", "add", "6000", "--facility", "shiba", "--service"),
        ("rule", "add", "--facility", "shiba", "--mode", "automatic"),
        ("rule", "add", "--extension", "2102", "--mode", "manual"),
    )
    database = Database(f"sqlite:///{tmp_path}/c.db")
    fill(database, datetime.now(UTC))
    place(database, "shiba", datetime.now(UTC) - 60 * DAY)
    yield office
    database.close()


def test_the_report_of_the_last_days(shiba: Office) -> None:
    rows = {row["facility"]: row for row in json.loads(shiba("facility", "report", "--json").out)}
    assert list(rows) == ["azabu", "shiba", "unassigned"]
    assert rows["shiba"] == {
        "facility": "shiba",
        "name": "shiba地区総合支所",
        "extensions": 2,
        "never": 0,
        "manual": 1,
        "standby": 0,
        "automatic": 1,
        "calls": 3,
        "recordings": 2,
        "minutes": 2.0,
        "kept_by_key": 1,
        "incidents": 1,
    }
    assert (rows["azabu"]["never"], rows["azabu"]["calls"], rows["azabu"]["recordings"]) == (1, 1, 0)
    (_, row, _) = table(shiba("facility", "report", "today", "--csv").out)
    assert (row["calls"], row["minutes"]) == ("3", "2.0")
    assert "shiba地区総合支所" in shiba("facility", "report").out
    long_ago = json.loads(shiba("facility", "report", "2000-01-01..2000-12-31", "--json").out)
    assert [row["calls"] for row in long_ago] == [0, 0]


def test_the_picture_shows_the_calls(shiba: Office) -> None:
    done = shiba("facility", "report", "--chart", "report.png")
    assert done.code == 0 and "the picture is in report.png" in done.out
    image = import_module("matplotlib.image")  # here, as others need not wait for it
    pixels = (image.imread("report.png")[:, :, :3] * 255).round().astype(int)
    automatic, by_key = (_pixels(pixels, colour) for colour in ((0x1F, 0x6F, 0x8B), (0xE0, 0x7A, 0x3F)))
    assert 1.6 < automatic / by_key < 2.4, "two recordings in automatic mode, one kept by key"


def test_an_account_without_a_home_gets_the_picture_alone(shiba: Office) -> None:
    nowhere = {"HOME": "/proc/nowhere", "XDG_CONFIG_HOME": "/proc/nowhere", "MPLCONFIGDIR": ""}
    command = [sys.executable, "-m", "callrec", "--config", "callrec.toml", "facility", "report"]
    done = subprocess.run(
        [*command, "--chart", "report.png"], env={**os.environ, **nowhere}, capture_output=True, check=True
    )
    assert done.stderr == b"" and Path("report.png").read_bytes().startswith(b"\x89PNG")


def _pixels(pixels: Any, colour: tuple[int, int, int]) -> int:
    return int(numpy.all(pixels == colour, axis=2).sum())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--chart", "report.pdf"], "write FILE.png"),
        (["--chart", "nowhere/report.png"], "cannot be written"),
        (["yesterday..2000-01-01"], "ends before it begins"),
        (["soon"], "is not a date"),
    ],
)
def test_what_cannot_be_reported_is_one_line(office: Office, arguments: list[str], complaint: str) -> None:
    done = office("facility", "report", *arguments)
    assert done.code == 2 and complaint in done.complaint
