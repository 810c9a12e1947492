"""rule export and import, extension import: shown before it is done, and done whole or not at all."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from callrec.catalogue import facilities
from tests.unit.program import Done, table

Office = Callable[..., Done]


@pytest.fixture
def shiba(office_after: Callable[..., Office]) -> Office:
    """An office with a facility, an extension and two rules."""
    return office_after(
        ("facility", "add", "shiba", "--name", "芝地区総合支所"),
        ("extension", "add", "2101", "--facility", "shiba", "--name", "窓口1"),
        ("rule", "add", "--facility", "shiba", "--mode", "automatic", "--hours", "mon-fri 08:30-17:15"),
        ("rule", "add", "--caller", "0312345678", "--mode", "never", "--until", "2040-03-31"),
    )


def on_a_terminal(*arguments: str) -> tuple[str, str]:
    """What the program writes to a terminal on stderr, and what to a file on stdout."""
    mine, theirs = pty.openpty()
    with Path("out.txt").open("wb") as out:
        running = subprocess.Popen([sys.executable, "-m", "callrec", *arguments], stdout=out, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the other end is closed
        while True:
            shown += os.read(mine, 4096)
    os.close(mine)
    assert running.wait() == 0
    return shown.decode(), Path("out.txt").read_text("utf-8")


def state(office: Office) -> list[str]:
    return [office(noun, "list", "--json").out for noun in ("facility", "extension", "rule")]


def test_an_export_is_the_office(shiba: Office) -> None:
    assert shiba("rule", "export", "office.toml").code == 0
    before = state(shiba)
    done = shiba("rule", "import", "office.toml")
    assert (done.code, done.out) == (0, "nothing to do: the office is so already\n")
    assert state(shiba) == before
    again = shiba("rule", "export", "office.toml")
    assert again.code == 4 and "is there already" in again.complaint


def test_rules_of_a_file_are_added_in_its_order(shiba: Office) -> None:
    """Of two that are alike the newer one wins: that is the one further down."""
    shiba("rule", "export", "office.toml")
    text = Path("office.toml").read_text("utf-8")
    for days in range(1, 10):
        target = ("everywhere = true", 'facility = "shiba"', 'caller = "110"')[days % 3]
        mode = "never" if days % 4 == 0 else "manual"
        text += f'[[rule]]\n{target}\nmode = "{mode}"\npriority = {days % 2}\nretain = "{days}d"\n'
    Path("office.toml").write_text(text, "utf-8")
    assert shiba("rule", "import", "office.toml").code == 0
    added = [each for each in json.loads(shiba("rule", "list", "--json").out) if each["id"] > 2]
    assert [each["retain_days"] for each in added] == list(range(1, 10))


def test_an_id_that_is_taken_does_not_make_a_rule_newer_than_the_next(shiba: Office) -> None:
    rules = '[[rule]]\nid = {}\neverywhere = true\nmode = "{}"\n'
    for file in (rules.format(20, "standby"), rules.format(1, "manual") + rules.format(7, "automatic")):
        Path("office.toml").write_text(file, "utf-8")
        assert shiba("rule", "import", "office.toml").code == 0
    assert json.loads(shiba("rule", "explain", "--extension", "2101", "--json").out)["mode"] == "automatic"


def test_a_trial_shows_what_an_import_then_does(shiba: Office) -> None:
    shiba("rule", "export", "office.toml")
    text = Path("office.toml").read_text("utf-8")
    text = text.replace("automatic", "manual").replace("窓口1", "窓口2").split("[[rule]]\nid = 2")[0]
    text += '[[facility]]\ncode = "azabu"\nname = "麻布"\n[[rule]]\nfacility = "azabu"\nmode = "standby"\n'
    Path("office.toml").write_text(text, "utf-8")
    before = state(shiba)
    trial = shiba("rule", "import", "office.toml", "--dry-run")
    assert trial.out.splitlines() == [
        "+ facility azabu: 麻布",
        "~ extension 2101: shiba, 窓口1 → shiba, 窓口2",
        "- rule 2@1: number outside +81312345678, until 2040-03-31, not recorded",
        "~ rule 1@1: mode: recorded automatically → recorded when staff press the key",
        "+ rule new: facility azabu, kept only if staff press the key",
        "a trial, nothing was changed: 2 would be added, 2 changed, 1 removed",
    ]
    assert state(shiba) == before
    done = shiba("rule", "import", "office.toml")
    assert done.out.splitlines()[:-1] == trial.out.splitlines()[:-1]
    assert done.out.splitlines()[-1] == "2 added, 2 changed, 1 removed"
    rules = json.loads(shiba("rule", "list", "--json").out)
    assert [(rule["id"], rule["version"], rule["mode"]) for rule in rules] == [
        (1, 2, "manual"),
        (3, 1, "standby"),
    ]
    assert json.loads(shiba("rule", "history", "2", "--json").out)[-1]["removed"] is True


@pytest.mark.parametrize(
    ("text", "told", "code", "complaint"),
    [
        ('[[rule]]\neverywhere = true\nmode = "x"\n', "line 1: x is none of", 2, "1 entries are wrong"),
        (
            '[[rule]]\neverywhere = true\nmode = "never"\nprompt = "x"\n',
            "line 1: there is no prompt x",
            2,
            "1",
        ),
        ("[[rule", "", 2, "is not TOML"),
        (b"\xff\xfe", "", 2, "is not UTF-8"),
        (None, "", 2, "office.toml cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    shiba: Office, text: str | bytes | None, told: str, code: int, complaint: str
) -> None:
    if text is not None:
        Path("office.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    before = state(shiba)
    done = shiba("rule", "import", "office.toml")
    *lines, last = done.err.strip().splitlines()
    assert done.code == code and complaint in last and all(told in line for line in lines)
    assert bool(lines) == bool(told) and state(shiba) == before


def test_a_rule_whose_announcement_was_lost_stays_as_it_is(
    shiba: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path))
    (tmp_path / "prompts.toml").touch()
    shiba("rule", "export", "office.toml")
    assert shiba("rule", "import", "office.toml").out.startswith("nothing to do")
    with Path("office.toml").open("a") as file:
        file.write('[[rule]]\neverywhere = true\nmode = "manual"\n')
    assert "there is no prompt notice" in shiba("rule", "import", "office.toml").err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_extensions_of_a_spreadsheet(shiba: Office, encoding: str) -> None:
    table = "内線番号,施設,名前\r\n２１０２,芝地区総合支所,窓口②\r\n2101,shiba,受付\r\n"
    Path("phones.csv").write_bytes(table.encode(encoding))
    trial = shiba("extension", "import", "phones.csv", "--dry-run")
    assert trial.code == 0 and "1 would be added, 1 changed" in trial.out
    assert len(json.loads(shiba("extension", "list", "--json").out)) == 1
    done = shiba("extension", "import", "phones.csv")
    assert done.code == 0 and "+ extension 2102: shiba, 窓口②" in done.out
    assert {
        each["number"]: each["name"] for each in json.loads(shiba("extension", "list", "--json").out)
    } == {
        "2101": "受付",
        "2102": "窓口②",
    }


def test_an_import_is_shown_on_a_terminal(shiba: Office) -> None:
    lines = "".join(f"{number},shiba\n" for number in range(3000, 3600))
    Path("phones.csv").write_text(lines)
    shown, told = on_a_terminal("--config", "callrec.toml", "extension", "import", "phones.csv")
    assert "phones.csv" in shown and "phones" not in told
    assert told.endswith("600 added, 0 changed, 0 removed\n")
    Path("phones.csv").write_text(lines.replace("shiba", "shiba,moved"))
    assert shiba("extension", "import", "phones.csv").err == ""


def test_one_bad_line_and_no_extension_is_imported(shiba: Office) -> None:
    Path("phones.csv").write_text("2102,shiba\n21o3,shiba\n2104,nowhere\n")
    before = state(shiba)
    done = shiba("extension", "import", "phones.csv")
    assert done.code == 2 and done.err.splitlines() == [
        "line 2: 21o3 is none: an extension is a number of at most 32 digits, such as 2101",
        "line 3: there is no facility nowhere: see callrec facility list",
        "callrec: 2 entries are wrong: nothing was changed",
    ]
    assert state(shiba) == before


def test_an_error_in_the_middle_undoes_what_came_before(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of many steps fails, as a full disk would make it."""
    before, real = state(shiba), facilities.add_extension

    def failing(connection: object, new: object, **more: object) -> object:
        if getattr(new, "number", "") == "2199":
            raise OSError(28, "No space left on device")
        return real(connection, new, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(facilities, "add_extension", failing)
    Path("phones.csv").write_text("".join(f"{number},shiba\n" for number in range(2102, 2200)))
    assert shiba("extension", "import", "phones.csv").code == 1
    assert state(shiba) == before


def test_what_is_listed_for_a_spreadsheet_is_read_back(office: Office) -> None:
    office("facility", "add", "shiba", "--name", "芝")
    names = {"2101": "-窓口1", "2102": "=1+1", "2103": "＋別館", "2104": "'@", "2105": '"a", b', "*8": "+81"}
    for number, name in names.items():
        assert office("extension", "add", number, "--facility", "shiba", "--name", name).code == 0
    listed = office("extension", "list", "--csv").out
    Path("phones.csv").write_text(listed, "utf-8", newline="")
    assert not [row["name"] for row in table(listed) if row["name"][0] in "=+-@＋"]
    assert office("extension", "import", "phones.csv").out == "nothing to do: the office is so already\n"
