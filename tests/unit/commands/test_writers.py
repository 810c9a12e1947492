"""The writers: whatever stands in data, a line is a line, and programs read what was there."""

from __future__ import annotations

import ast
import io
import json
import math
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from callrec import commands
from callrec.cells import plain
from callrec.commands import common
from callrec.log_lines import log_to_stderr
from callrec.visible import visible
from tests.parsed import nodes_of
from tests.unit.program import Done, has_hidden, table

Office = Callable[..., Done]
EVIL = "\x1b]8;;http://evil.example\x07窓\u202e口\u200b:100:[bold]\x9b31m\r\nroot  ok\u2028"
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("=+-@＝'\t\r\n\x1b\x07\x9b\u2028\u202e\u2066\u200d\udc8e\ufeff🧑:[]/\\,\""),
    ),
    max_size=12,
)


@contextmanager
def printed(encoding: str = "utf-8") -> Iterator[Callable[[], str]]:
    """What is printed into a pipe meanwhile."""
    into = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", into)
        yield lambda: into.buffer.getvalue().decode("utf-8")


@settings(max_examples=60)
@given(TEXTS, TEXTS)
def test_any_text_is_printed_on_its_line_and_read_back(name: str, other: str) -> None:
    rows = [{"name": name, "others": (other, "x")}, {"name": "b", "others": ()}]
    columns = {"name": "name", "others": "extensions"}

    def each(form: str | None) -> None:
        common.emit_each(rows, list(columns), form)

    def at_once(form: str | None) -> None:
        common.emit(rows, columns, form)

    for write in (each, at_once):
        with printed() as out:
            write("json")
            assert out().isascii() and json.loads(out())[0] == {"name": name, "others": [other, "x"]}
        with printed() as out:
            write("csv")
            first, second = table(out())
            assert plain(first["name"]) == visible(name) and second == {"name": "b", "others": ""}
            assert plain(first["others"]) == visible(f"{other},x")
            assert not has_hidden("".join(out().removeprefix("\ufeff").split("\r\n")))
        with printed() as out:
            write(None)
            *_, line, last = out().split("\n")[:-1]
            assert visible(name).rstrip() in line and last.startswith("b") and not has_hidden(line)


def test_no_other_file_prints() -> None:
    """Else one of them would forget what may stand in data."""
    allowed = {"common.py": {"sys.stdout"}, "__init__.py": {"click.echo"}, "demo.py": {"json.dumps"}}
    allowed |= {"spreadsheet.py": {"json.dumps"}, "streams.py": {"sys.stdout"}, "table.py": {"sys.stdout"}}
    allowed["common.py"] |= {"json.dumps"}
    for path in Path(commands.__file__).parent.glob("*.py"):
        names = {ast.unparse(node) for node in nodes_of(path) if _is_name(node)}
        used = names & {"click.echo", "click.secho", "print", "sys.stdout", "json.dumps"}
        assert used <= allowed.get(path.name, set()), path.name


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, (ast.Attribute, ast.Name))


@pytest.fixture
def evil(shiba: Office, tmp_path: Path) -> Office:
    """An office in whose database somebody wrote names that the program itself refuses."""
    assert shiba("rule", "add", "--facility", "shiba", "--mode", "automatic").code == 0
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        connection.execute("update facilities set name = ?", (EVIL,))
        connection.execute("update extensions set name = ?", ("=1+1" + EVIL,))
        connection.execute("update rules set changed_by = ?", (EVIL,))
        connection.commit()
    return shiba


PRINTING = (
    ["facility", "list"],
    ["facility", "report"],
    ["extension", "list"],
    ["rule", "show", "1"],
    ["rule", "history", "1"],
    ["rule", "explain", "--extension", "2101"],
    ["rule", "check", "--offline"],
    ["search", EVIL],
    ["show", EVIL],
    ["fetch", EVIL, "-o", EVIL],
    ["facility", "rename", "shiba", "--name", EVIL],
    ["extension", "import", EVIL],
    [EVIL],
    ["--" + EVIL],
    ["rule", "add", "--mode", EVIL],
    ["rule", "show", "1", EVIL],
)


def test_no_name_is_obeyed_wherever_it_is_printed(evil: Office) -> None:
    for arguments in PRINTING:
        done = evil(*arguments)
        assert not has_hidden("".join((done.out + done.err).split("\n"))), arguments
        assert "\nroot  ok" not in done.out + done.err, arguments
        assert not done.err or done.complaint


def test_a_terminal_that_lacks_signs_gets_them_as_json_has_them() -> None:
    with printed("ascii") as out:
        common.emit([{"name": "芝"}], {"name": "name"}, None)
        assert out().endswith("\n\\u829d\n")


def test_no_emoji_and_no_markup_come_out_of_names(office: Office) -> None:
    office("facility", "add", "shiba", "--name", "会議室:100:階 [bold]x[/bold] [link=http://x]")
    assert "会議室:100:階 [bold]x[/bold] [link=http://x]" in office("facility", "list").out


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "latin-1", "utf-8"])
def test_programs_read_the_same_in_every_encoding(encoding: str) -> None:
    rows = [{"name": "芝\udc8e\u2014", "share": math.nan, "most": [math.inf], "kept": {"text": "é"}}]
    with printed(encoding) as out:
        common.emit(rows, {}, "json")
        assert json.loads(out(), parse_constant=pytest.fail) == [
            {"name": "芝\udc8e\u2014", "share": None, "most": [None], "kept": {"text": "é"}}
        ]


def test_csv_is_utf_8_whatever_the_terminal_has() -> None:
    with printed("cp932") as out:
        common.emit([{"name": "芝—é"}], {"name": "name"}, "csv")
        assert out() == "\ufeffname\r\n芝—é\r\n"


def test_csv_has_moments_as_spreadsheets_read_them_and_numbers_as_numbers() -> None:
    row = {"at": datetime(2026, 11, 22, 1, 2, 3, 4, UTC), "n": -5, "x": -0.5, "held": True, "none": None}
    with printed() as out:
        common.emit(
            [{**row, "number": "+81312345678", "_shown": "x"}], {}, "csv", zone=ZoneInfo("Asia/Tokyo")
        )
        assert out() == (
            "\ufeffat,n,x,held,none,number\r\n2026-11-22 10:02:03,-5,-0.5,True,,'+81312345678\r\n"
        )


@pytest.mark.parametrize("terminal", [True, False])
def test_no_name_is_obeyed_in_the_log(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    into = io.StringIO()
    monkeypatch.setattr(into, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", into)
    writer = log_to_stderr(numbers=False)
    try:
        raise ValueError(EVIL)
    except ValueError:
        structlog.get_logger().exception(EVIL, name=EVIL, count=3)
    writer.close()
    said = into.getvalue()
    assert not any(sign in said for sign in ("\x1b]", "\x07", "\u202e", "\x9b", "\r", "\u2028"))
    assert terminal or (said.isascii() and json.loads(said)["name"] == EVIL)


WITHOUT_MOMENTS = {
    *("facility.py", "facility_report.py", "extension.py", "rule_check.py", "prompt.py"),
    *("doctor.py", "upgrade.py", "pbx_check.py", "custody_whole.py"),
    "request_show.py",  # its CSV has the ids of copies, and days
}
"""The files whose lists have no moment in a CSV."""


def test_a_list_with_moments_has_them_in_the_time_of_the_office() -> None:
    """A CSV is for people: a moment in UTC would be read as one of the day before."""
    without = set()
    for path in sorted(Path(commands.__file__).parent.glob("*.py")):
        for call in (each for each in nodes_of(path) if isinstance(each, ast.Call)):
            if not (isinstance(call.func, ast.Name) and call.func.id == "emit" and len(call.args) > 2):
                continue
            for_people_only = isinstance(call.args[2], ast.Constant)
            if not for_people_only and "zone" not in {each.arg for each in call.keywords}:
                without.add(path.name)
    assert without == WITHOUT_MOMENTS
