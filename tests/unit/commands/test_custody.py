"""The custody log as people read it: of one recording, and the report that a manager signs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrec import language
from callrec.app import App
from callrec.catalogue import facilities, grants
from callrec.catalogue.custody_report import ReportedAccess
from callrec.catalogue.database import Database
from callrec.commands.custody_form import counted, page
from callrec.desk import wire
from callrec.desk.operation import perform
from callrec.desk.operations import custody as operations
from callrec.desk.operations.custody import CustodyReport
from callrec.errors import NotAllowed, NotFound, OutOfSight, WrongUsage
from callrec.model.access import Caller, Role, Through
from callrec.model.office import Facility
from tests.reported import HOUR, enter, fill
from tests.unit.program import Done, table
from tests.unit.samples import START

Office = Callable[..., Done]
DAY = "2026-11-22"
EVIL = '<script>alert("x")</script>&\x1b\u202e'
KEYS = ["at", "who", "role", "action", "recording_id", "facility", "extension", "request", "through"]


@pytest.fixture
def filled(office: Office, tmp_path: Path) -> Iterator[tuple[Office, dict[str, str]]]:
    database = Database(f"sqlite:///{tmp_path}/c.db")
    yield office, fill(database)
    database.close()


def test_what_was_done_with_one_recording(filled: tuple[Office, dict[str, str]]) -> None:
    office, ids = filled
    rows = json.loads(office("custody", ids["shiba"], "--json").out)
    assert [each["action"] for each in rows] == ["archived", "heard", "fetched", "heard"]
    assert rows[1]["request"] == "2026-0001" and rows[1]["at"] == "2026-11-22T02:00:00+00:00"
    assert (rows[1]["role"], rows[1]["through"], rows[1]["details"]) == ("handler", "desk", {})
    assert table(office("custody", "--csv", ids["shiba"]).out)[0]["at"] == "2026-11-22 10:00:00"
    shown = office("custody", ids["shiba"][:35]).out
    assert "2026-11-22 11:00:00  tanaka" in shown and "heard" in shown
    assert "sha256: a0,b1" in office("custody", ids["azabu"]).out


def test_moments_among_the_details_are_in_the_time_of_the_office(
    filled: tuple[Office, dict[str, str]], tmp_path: Path
) -> None:
    office, ids = filled
    database = Database(f"sqlite:///{tmp_path}/c.db")
    enter(database, "suzuki", ids["shiba"], "retained", 9, before="", until="2028-03-31T15:00:00+00:00")
    database.close()
    assert "until: 2028-04-01 00:00:00\n" in office("custody", ids["shiba"]).out
    (row,) = (
        each
        for each in json.loads(office("custody", ids["shiba"], "--json").out)
        if each["action"] == "retained"
    )
    assert row["details"] == {"before": "", "until": "2028-03-31T15:00:00+00:00"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["00000000-0000"], 1, "there is no recording or call"),
        (["reprot"], 2, "reprot is no id"),
        (["ID"], 2, "ID is no id"),
        ([], 2, "Missing command"),
        (["report"], 2, "Missing argument"),
        (["report", "2026-11-31"], 2, "is not a date"),
        (["report", DAY, "--by", "day"], 2, "day"),
        (["report", DAY, "-o", "report.pdf"], 2, "report.pdf is no name of a page"),
        (["report", DAY, "-o", "no/such/folder.html"], 1, "cannot be written"),
    ],
)
def test_what_cannot_be(office: Office, arguments: list[str], code: int, words: str) -> None:
    done = office("custody", *arguments)
    assert done.code == code and words in done.complaint


def test_help_shows_both_ways(office: Office) -> None:
    shown = office("custody", "--help").out
    assert re.search(r"^  ID +List what was done", shown, re.MULTILINE) and "report" in shown
    assert "Usage: callrec custody ID" in office("custody", "x", "--help").out


def test_the_report_as_programs_read_it(filled: tuple[Office, dict[str, str]]) -> None:
    office, ids = filled
    rows = json.loads(office("custody", "report", f"{DAY}..{DAY}", "--json").out)
    assert len(rows) == 5 and list(rows[0]) == KEYS
    assert rows[0] == {
        "at": "2026-11-22T02:00:00+00:00",
        "who": "tanaka",
        "role": "handler",
        "action": "heard",
        "recording_id": ids["shiba"],
        "facility": "shiba",
        "extension": "2101",
        "request": "2026-0001",
        "through": "desk",
    }
    assert list(table(office("custody", "report", DAY, "--csv").out)[0]) == KEYS


def test_a_month_without_any_is_a_report_too(office: Office) -> None:
    done = office("custody", "report", DAY)
    assert done.code == 0 and "nothing was heard or given out" in done.complaint
    assert json.loads(office("custody", "report", DAY, "--json").out) == []
    assert office("custody", "report", DAY, "-o", "r.html").code == 0
    assert "Nothing was heard or given out" in Path("r.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("by", "order", "totals"),
    [
        ("person", ["suzuki", "suzuki", "tanaka"], [("suzuki", 2), ("tanaka", 3)]),
        ("facility", ["tanaka", "tanaka", "suzuki"], [("azabu", 3), ("shiba", 2)]),
        ("recording", ["tanaka", "suzuki", "tanaka"], []),
    ],
)
def test_what_belongs_together_stands_together(
    filled: tuple[Office, dict[str, str]], by: str, order: list[str], totals: list[tuple[str, int]]
) -> None:
    office, ids = filled
    rows = json.loads(office("custody", "report", DAY, "--by", by, "--json").out)
    assert [each["who"] for each in rows][:3] == order
    counts = counted([ReportedAccess(**{**each, "at": START}) for each in rows], by)
    totals = totals or [(ids["shiba"], 2), (ids["azabu"], 2), (ids["both"], 1)]
    assert [(each[by], each["total"]) for each in counts] == totals
    assert office("custody", "report", DAY, "--by", by).out.count("\n\n") == 1


# --- the page


class _Text(HTMLParser):
    """The tags of a page, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.shown: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.shown.append(data.strip())


def _report() -> CustodyReport:
    each = ReportedAccess(START, EVIL, EVIL, "heard", EVIL, EVIL, EVIL, EVIL, EVIL)
    return CustodyReport([each], 7, ["shiba"], {"shiba": f"芝{EVIL}"})


def test_a_page_to_be_signed(filled: tuple[Office, dict[str, str]], tmp_path: Path) -> None:
    office, ids = filled
    done = office("custody", "report", DAY, "--by", "person", "-o", "r.html")
    assert (done.code, done.out) == (0, "the report is in r.html\n")
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    read = _Text((tmp_path / "r.html").read_text("utf-8"))
    assert (
        "Report of recordings heard and given out" in read.shown and "2026-11-22 – 2026-11-22" in read.shown
    )
    assert "2026-11-22 11:00:00" in read.shown and ids["both"] in read.shown and "2026-0001" in read.shown
    assert any("Refused in this time" in each and each.endswith(": 3") for each in read.shown)
    assert read.tags.count("h3") == 2, "a heading for each person"
    assert not read.links and not set(read.tags) & {"script", "link", "img", "iframe"}


def test_the_page_is_written_beside_json(filled: tuple[Office, dict[str, str]]) -> None:
    office, _ = filled
    assert len(json.loads(office("custody", "report", DAY, "-o", "r.html", "--json").out)) == 5
    assert Path("r.html").exists()


@pytest.mark.parametrize("by", [None, "person", "facility", "recording"])
def test_nothing_in_data_becomes_a_part_of_the_page(by: str | None) -> None:
    text = page(_report(), (START, START + HOUR), by, ZoneInfo("Asia/Tokyo"))
    read = _Text(text)
    assert "script" not in read.tags and "\x1b" not in text and "\u202e" not in text
    assert any("alert" in each for each in read.shown)


def test_the_page_speaks_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_LANG", "ja")
    monkeypatch.setenv("LANGUAGE", "en")  # for it to be as before at the end
    language.use("ja")
    text = page(_report(), (START, START + HOUR), None, ZoneInfo("Asia/Tokyo"))
    assert '<html lang="ja">' in text and "2026-11-22 10:00:00" in text


# --- who may


def test_who_may_see_what(app: App) -> None:
    ids = fill(app.database)
    span = START, START + 24 * HOUR

    def caller(name: str, role: Role | None, *places: str) -> Caller:
        with app.database.begin() as connection:
            if role:
                grants.grant(connection, name, role, places, by="root", at=START)
        return Caller(name, frozenset(), Through.DESK)

    with app.database.begin() as connection:
        facilities.add_facility(connection, Facility("shiba", "芝"), who="root", at=START)
    auditor, manager = caller("a", Role.AUDITOR, "shiba"), caller("m", Role.MANAGER, "shiba")
    found = perform(operations.report_custody, app, manager, *span)
    assert {each.recording_id for each in found.accesses} == {ids["shiba"], ids["both"]}
    assert found.refused == 1 and found.facilities == ["shiba"] and found.names == {"shiba": "芝"}
    assert perform(operations.report_custody, app, auditor, *span).accesses == found.accesses
    assert perform(operations.custody_of, app, auditor, ids["both"])
    with pytest.raises(NotFound) as told:
        perform(operations.custody_of, app, auditor, ids["azabu"])
    with pytest.raises(NotFound) as nothing:
        perform(operations.custody_of, app, auditor, "00000000-0000-7000-8000-000000000000")
    assert told.value.template == nothing.value.template and not isinstance(told.value, OutOfSight)
    for who in (caller("h", Role.HANDLER), caller("r", Role.RULES), caller("n", None)):
        with pytest.raises(NotAllowed):
            perform(operations.report_custody, app, who, *span)
    with pytest.raises(NotAllowed):
        perform(operations.custody_of, app, manager, ids["shiba"])


def test_what_travels_arrives_as_it_was(app: App) -> None:
    ids = fill(app.database)
    direct = Caller("root", frozenset(), Through.DIRECT)
    asked = wire.arguments(operations.report_custody, (START, START + HOUR * 24), {})
    given = wire.read_arguments(operations.report_custody, asked)
    found = perform(operations.report_custody, app, direct, **given)
    assert len(found.accesses) == 5 and found.refused == 3
    assert (
        wire.read_line(operations.report_custody, wire.value_line(operations.report_custody, found)) == found
    )
    rows = perform(operations.custody_of, app, direct, ids["both"])
    assert wire.read_line(operations.custody_of, wire.value_line(operations.custody_of, rows)) == rows
    with pytest.raises(WrongUsage):  # not at our command line, but through the socket
        wire.read_arguments(
            operations.report_custody, b'{"begin":"2026-11-22T00:00","end":"2026-11-23T00:00"}'
        )
