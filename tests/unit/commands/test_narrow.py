"""What is listed after the call, on a terminal of 80 columns: names, numbers and reasons as long as an
office's."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from callrec.catalogue import custody, facilities, grants, holds, requests
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.tables import calls, recordings
from callrec.commands.wrapping import terminal_width
from callrec.model.access import EVERYWHERE, Role
from callrec.model.office import Extension, Facility
from callrec.model.requests import RequestKind
from callrec.wording import ACTIONS
from tests.filled_catalogue import place
from tests.unit.program import Done

CODE, NAME = "shibaura-konan", "芝浦港南地区総合支所区民課"
OTHERS = ["shiba", "azabu", "akasaka", "takanawa"]
WHO, DIRECT = "suzuki-ichiro", "callrec (sudo: suzuki-ichiro)"
REASON = (
    "区民部戸籍課の窓口での言動について、総務部総務課法務係から照会があったため、訴訟の終結まで保全する。"
)
GROUND = "個人情報の保護に関する法律第76条第1項（令和8年11月2日付け 8港総総第1234号）"
AT = datetime.now(UTC) - timedelta(days=2)
LISTS = [
    ["search", "--all-calls"],
    ["request", "list"],
    ["hold", "list"],
    ["access", "list"],
    ["access", "show", WHO],
    ["purge", "--dry-run"],
    ["custody", "ID"],
    ["custody", "report", "DAY"],
    ["custody", "report", "DAY", "--by", "person"],
    ["custody", "report", "DAY", "--by", "facility"],
    ["custody", "report", "DAY", "--by", "recording"],
    ["facility", "list"],
    ["extension", "list"],
]


@pytest.fixture
def filled(office: Callable[..., Done], tmp_path: Path) -> Iterator[tuple[Callable[..., Done], str]]:
    """The program, and the id of a recording with which much was done."""
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with database.begin() as connection:
        facilities.add_facility(connection, Facility(CODE, NAME), who=WHO, at=AT)
        facilities.add_extension(connection, Extension("210101", CODE, NAME), who=WHO, at=AT)
    place(database, CODE, AT, seconds=4000.0, because="automatic", incident=True)
    with database.begin() as connection:
        id_ = str(connection.execute(recordings.select()).one().id)
        connection.execute(recordings.update().values(retain_until=AT, retained_because="person"))
        connection.execute(calls.update().values(number="+81901234567890", extension="210101"))
        _keep(connection, id_)
        for who in (WHO, DIRECT, "@kumin-ka-kanrisha"):
            for role in Role:
                grants.grant(connection, who, role, [CODE, *OTHERS], by=DIRECT, at=AT)
    yield office, id_
    database.close()


def _keep(connection: Connection, id_: str) -> None:
    """Holds a recording, opens requests for it, and enters what was done with it."""
    for number in ("2026-0001", None):
        holds.add(connection, id_, REASON, number, who=DIRECT, at=AT)
    requests.open_(
        connection,
        RequestKind.DISCLOSURE,
        for_whom="東京都港区芝浦三丁目在住の請求者本人（代理人弁護士 芝浦太郎）",
        ground=GROUND,
        due=AT.date(),
        reach=EVERYWHERE,
        by=DIRECT,
        at=AT,
        year=2026,
    )
    marks = {"role": "manager", "through": "direct", "request": "2026-0001"}
    for who in (WHO, DIRECT):
        for action in ACTIONS:
            custody.append(connection, id_, action, who=who, at=AT, reason=REASON, **marks)


def test_every_list_fits(filled: tuple[Callable[..., Done], str], monkeypatch: pytest.MonkeyPatch) -> None:
    office, id_ = filled
    meant = {"ID": id_, "DAY": f"{AT:%Y-%m-%d}..today"}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    for language in ("ja", "en"):
        monkeypatch.setenv("CALLREC_LANG", language)
        for listed in LISTS:
            done = office(*(meant.get(each, each) for each in listed))
            assert done.code == 0, done.err
            assert max(map(cell_len, done.out.splitlines())) <= 80, done.out


def test_the_report_says_on_80_columns_who_did_what_with_what(
    filled: tuple[Callable[..., Done], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What wraps is whole, and what has no room is named."""
    office, id_ = filled
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    done = office("custody", "report", f"{AT:%Y-%m-%d}..today", "--by", "recording")
    header, _, *lines = done.out.splitlines()
    assert header.split("  ")[0] == "when" and "recording" in header
    assert done.out.count(id_) == 13 and sum("(sudo:" in line for line in lines) == 6
    assert any("a copy was" in line for line in lines) and any("handed over" in line for line in lines)
    assert "too narrow: role, facility, extension, request, through" in done.err
    assert lines[-1].split() == [id_, "2", "2", "2", "2", "2"]
    monkeypatch.setenv("COLUMNS", "200")
    assert office("custody", "report", f"{AT:%Y-%m-%d}..today").err == ""


@pytest.mark.parametrize("said", ["", "0", "42", "-3", "wide"])
def test_a_terminal_is_as_wide_as_shutil_says(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert terminal_width() == shutil.get_terminal_size().columns
