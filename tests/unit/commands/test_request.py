"""callrec request: what is typed, printed and written into files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec import account
from callrec.catalogue import finding
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE, Role
from tests.filled_catalogue import place
from tests.unit.desk.server_thread import ThroughDesk
from tests.unit.program import Done, has_hidden, table

Office = Callable[..., Done]
KEYS = {
    *("number", "kind", "for", "ground", "state", "opened_by", "approved_by", "due"),
    *("recordings", "copies"),
}


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes another person of who sits at the terminal."""
    return lambda name: monkeypatch.setattr(account, "acting", lambda: name)


@pytest.fixture
def kept(office: Office, tmp_path: Path) -> str:
    database = Database(f"sqlite:///{tmp_path}/c.db")
    place(database, "shiba", datetime(2026, 11, 22, 1, tzinfo=UTC), seconds=90.0, because="key")
    with database.read() as connection:
        found = finding.recording_ids(connection, reach=EVERYWHERE)[-1]
    database.close()
    return found


def shown(office: Office, number: str) -> dict[str, Any]:
    found = json.loads(office("request", "show", number, "--json").out)
    assert isinstance(found, dict) and set(found) == KEYS
    return found


def test_the_usual_way(office: Office, kept: str, person: Callable[[str], None]) -> None:
    due = (datetime.now(UTC) + timedelta(days=30)).date()
    person("sato")
    opening = ("request", "open", "--kind", "police", "--for", "三田警察署", "--ground", "照会書 1234")
    done = office(*opening, "--due", f"{due:%Y/%m/%d}", "--quiet")
    number = done.out.strip()
    assert done.out == f"{number}\n" and number.endswith("-0001") and not done.err
    assert shown(office, number) == {
        "number": number,
        "kind": "police",
        "for": "三田警察署",
        "ground": "照会書 1234",
        "state": "open",
        "opened_by": "sato",
        "approved_by": None,
        "due": due.isoformat(),
        "recordings": [],
        "copies": [],
    }
    assert office("request", "add", number, kept[:13]).code == 0
    assert office("request", "approve", number).code == 4
    person("tanaka")
    assert office("request", "approve", number).out == f"request {number} is approved\n"
    assert office("request", "hand-over", number, "--to", "刑事課", "--medium", "DVD-R").code == 0
    found = shown(office, number)
    assert (found["state"], found["approved_by"], found["recordings"]) == ("handed-over", "tanaka", [kept])
    (copy,) = found["copies"]
    assert (copy["to"], copy["medium"], copy["outcome"]) == ("刑事課", "DVD-R", None)
    assert [each["recording_id"] for each in copy["files"]] == [kept]
    assert datetime.fromisoformat(copy["handed_at"]).tzinfo
    refused = office("request", "close", number)
    assert refused.code == 4 and copy["id"] in refused.complaint
    assert office("request", "return", number, "--copy", copy["id"]).code == 0
    assert shown(office, number)["state"] == "returned"
    assert office("request", "close", number).code == 0
    assert shown(office, number)["state"] == "closed"
    text = office("request", "show", number).out
    assert "approved by: tanaka" in text and "the copy came back" in text and kept in text


def test_a_copy_given_for_good(office: Office, kept: str, person: Callable[[str], None]) -> None:
    number = office("request", "open", "--kind", "disclosure", "--for", "本人", "--quiet").out.strip()
    assert office("request", "add", number, kept).out == f"1 recordings added to request {number}\n"
    assert (
        office("request", "add", number, kept).out
        == f"request {number} lists them already: nothing changes\n"
    )
    person("tanaka")
    office("request", "approve", number)
    assert office("request", "hand-over", number, "--to", "本人", "--medium", "CD-R", "--for-good").code == 0
    (copy,) = shown(office, number)["copies"]
    assert (copy["outcome"], copy["ended_at"]) == ("given", copy["handed_at"])
    text = office("request", "show", number).out
    assert "it need not come back" in text and "still out" not in text
    assert office("request", "return", number).code == 1
    assert office("request", "close", number).code == 0


def test_a_hand_over_that_was_a_mistake(
    office: Office, kept: str, person: Callable[[str], None], tmp_path: Path
) -> None:
    number = office("request", "open", "--kind", "disclosure", "--for", "本人", "--quiet").out.strip()
    office("request", "add", number, kept)
    person("tanaka")
    office("request", "approve", number)
    person("sato")
    giving = ("request", "hand-over", number, "--to", "本人", "--medium", "CD-R")
    assert office(*giving).code == 0
    (copy,) = shown(office, number)["copies"]
    withdrawing = ("request", "withdraw", number, "--copy", copy["id"])
    assert office(*withdrawing).code == 2
    done = office(*withdrawing, "--reason", "返却不要を付け忘れた")
    assert done.out == f"the hand-over of copy {copy['id']} of request {number} is withdrawn\n"
    assert office(*giving, "--for-good").code == office("request", "close", number).code == 0
    assert [each["outcome"] for each in shown(office, number)["copies"]] == ["mistaken", "given"]
    text = office("request", "show", number).out
    assert "withdrawn: the copy was written down by mistake" in text and "it need not come back" in text
    assert "reason: 返却不要を付け忘れた" in office("custody", kept).out
    report = ("custody", "report", "2026-01-01..today", "--by", "recording")
    assert [each["action"] for each in json.loads(office(*report, "--json").out)] == [
        *("handed-over", "copy-mistaken", "handed-over")
    ]
    assert office(*report).out.splitlines()[-1].split() == [kept, "2", "2"]


def test_numbers_are_printed_for_people_unless_they_are_to_be_quiet(office: Office) -> None:
    done = office("request", "open", "--kind", "audit", "--for", "監査委員")
    assert done.out.startswith("request 20") and done.out.endswith("-0001 is open\n")


def test_a_refusal_is_shown_with_its_reason(office: Office, person: Callable[[str], None]) -> None:
    number = office("request", "open", "--kind", "internal", "--for", "x", "--quiet").out.strip()
    person("tanaka")
    assert office("request", "refuse", number, "--reason", "目的外").code == 0
    text = office("request", "show", number).out
    assert "refused by: tanaka" in text and "reason: 目的外" in text
    found = shown(office, number)
    assert found["state"] == "refused" and found["approved_by"] is None


def test_lists(office: Office, kept: str, person: Callable[[str], None], tmp_path: Path) -> None:
    assert json.loads(office("request", "list", "--json").out) == []
    assert office("request", "list").code == 0
    number = office("request", "open", "--kind", "court", "--for", "=1+1", "--quiet").out.strip()
    office("request", "add", number, kept)
    person("tanaka")
    office("request", "approve", number)
    office("request", "hand-over", number, "--to", "裁判所", "--medium", "USB")
    (row,) = json.loads(office("request", "list", "--json").out)
    assert set(row) == KEYS | {"overdue"} and row["overdue"] is False and row["recordings"] == [kept]
    (line,) = table(office("request", "list", "--csv").out)
    assert line["number"] == number and line["for"] == "'=1+1" and line["recordings"] == kept
    assert json.loads(office("request", "list", "--overdue", "--json").out) == []
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        connection.execute("update requests set due = '2020-01-01'")
        connection.commit()
    (late,) = json.loads(office("request", "list", "--overdue", "--json").out)
    assert late["number"] == number and late["overdue"] is True
    assert "overdue" in office("request", "list").out


def test_forms_are_written_for_their_owner(office: Office, kept: str, tmp_path: Path) -> None:
    opening = ("request", "open", "--kind", "disclosure", "--for", "<script>alert(1)</script>", "--quiet")
    number = office(*opening).out.strip()
    done = office("request", "show", number, "--print", "forms.html")
    assert done.code == 0 and "forms.html" in done.out
    written = tmp_path / "forms.html"
    assert written.stat().st_mode & 0o777 == 0o600
    text = written.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "通話録音提供申請書" in text and "<script" not in text
    for nowhere in ("no/such/forms.html", "/proc/forms.html", "."):
        failed = office("request", "show", number, "--print", nowhere)
        assert failed.code == 1 and "cannot be written" in failed.complaint


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["open", "--kind", "other", "--for", "x"], 2),
        (["open", "--kind", "police"], 2),
        (["open", "--kind", "police", "--for", ""], 2),
        (["open", "--kind", "police", "--for", "x" * 201], 2),
        (["open", "--kind", "police", "--for", "x\x1b[31m"], 2),
        (["open", "--kind", "police", "--for", "x", "--ground", "x" * 2001], 2),
        (["open", "--kind", "police", "--for", "x", "--due", "yesterday"], 2),
        (["open", "--kind", "police", "--for", "x", "--due", "平成1年1月1日"], 2),
        (["open", "--kind", "police", "--for", "x", "--due", "soon"], 2),
        (["open", "--kind", "police", "--for", "x", "--due", ""], 2),
        (["show", "2026-0001"], 1),
        (["show", "\x1b[31m"], 1),
        (["approve", "1"], 1),
        (["refuse", "1"], 2),
        (["add", "2026-0001"], 2),
        (["hand-over", "2026-0001", "--to", "x"], 2),
        (["return", "x" * 5000], 1),
    ],
)
def test_what_is_wrong_is_said_in_one_line(office: Office, arguments: list[str], code: int) -> None:
    done = office("request", *arguments)
    assert done.code == code and done.complaint.startswith("callrec: ")
    assert not has_hidden(done.complaint)
    assert json.loads(office("request", "list", "--json").out) == []


def test_who_goes_through_the_desk_writes_the_forms_as_themselves(
    through_desk: ThroughDesk, tmp_path: Path
) -> None:
    refused = through_desk("request", "open", "--kind", "police", "--for", "警察")
    assert refused.code == 4 and "handler / manager" in refused.complaint
    through_desk.grant(Role.HANDLER, Role.MANAGER, facilities=["shiba"])
    opening = ("request", "open", "--kind", "police", "--for", "警察", "--due", "2999-12-31", "--quiet")
    number = through_desk(*opening).out.strip()
    own = through_desk("request", "approve", number)
    assert own.code == 4 and "somebody else" in own.complaint
    assert through_desk("request", "show", number, "--print", "f.html").code == 0
    assert "令和981年12月31日" in (tmp_path / "f.html").read_text("utf-8")
    assert [each["number"] for each in json.loads(through_desk("request", "list", "--json").out)] == [number]
