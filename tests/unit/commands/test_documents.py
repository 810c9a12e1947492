"""The commands in the documents: each is run in an office, or is read by Click and the list says why that is
all; both languages show the same ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path

import pytest

from callrec import account
from callrec.commands import examples
from tests.document_lines import (
    FIRST,
    LINES_NOT_RUN,
    NOT_RUN,
    PAGES,
    RUN_WHOLE,
    UNDER_A_REQUEST,
    Shown,
    commands_in,
    distinct,
    shown,
)
from tests.example_lines import COPY, OTHERS, RECORDING, REQUEST, Parsed, before, copy_in, parsed, words
from tests.unit.bench import BenchAfter
from tests.unit.commands.example_office import BEGUN, made_up, with_phones
from tests.unit.program import Done

Run = Callable[..., Done]
STANDS_FOR = {
    r"\b01a2[0-9a-f]{4}-[0-9a-f-]+|(?<= )ID…?(?= |$)|(?<=log )CALL\b": RECORDING,
    r"(?<![\w-])20\d\d-\d{4}(?![\w-])": REQUEST,
    r"^(callrec rule (?:show|change|end|remove|history) )\d+": r"\g<1>1",
    r"@legal\b": "@soumu",
    r"(?<= )ito\b": "tanaka",
    r"\bphones\.csv\b": "extensions.csv",
    r"\b03:10\b": "00:03",
    r"\bFILE\.zip\b": "package.zip",
    r"(?<=callrec prompt check )FILE|(?<=callrec prompt add )FILE|\bshort-(?:zh|ko)\.wav": "shiba.wav",
}
"""What names in the documents are in the office of the examples."""


def _as_in_the_office(line: str) -> str:
    for pattern, name in STANDS_FOR.items():
        line = re.sub(pattern, name, line)
    return line


def _run_here() -> list[str]:
    return [
        each.line
        for each in distinct()
        if parsed(each.line).path not in NOT_RUN
        and each.line not in LINES_NOT_RUN
        and Path(each.page).name not in RUN_WHOLE
    ]


def test_commands_are_found_in_what_a_shell_reads() -> None:
    found = {
        "callrec status": ["callrec status"],
        "sudo -u callrec /opt/callrec/bin/callrec init": ["callrec init"],
        "CALLREC_LANG=ja callrec show 1   # says why": ["callrec show 1"],
        "callrec search --json | jq .": ["callrec search --json"],
        "callrec doctor && callrec status > now.txt": ["callrec doctor", "callrec status"],
        "sudo systemctl restart callrec": [],
        "same => n,Gosub(callrec-gate,s,1)": [],
    }
    assert {code: list(commands_in(code)) for code in found} == found


@pytest.mark.parametrize("each", shown(), ids=lambda each: f"{each.page}: {each.line}")
def test_a_command_is_one_that_there_is(each: Shown) -> None:
    """Click reads it: an option that there is not, or a value that none can be, is refused."""
    assert parsed(each.line).path


@pytest.mark.parametrize("line", _run_here())
def test_a_command_does_what_it_says(
    line: str, bench_after: BenchAfter, example_office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parsed(line).path
    bench_after(BEGUN.get(path, with_phones))
    if path == "init":
        (tmp_path / "callrec.toml").unlink()
    names = made_up()
    told = "if it cannot be run here, write into tests/document_lines.py why"
    assert path in examples.EXAMPLES, f"give callrec {path} an example first: nothing unknown is run"
    assert not [word for word in words(line, {}) if word.startswith("/")], f"it leaves this folder: {told}"
    for each in (*_first(line, path), _as_in_the_office(line)):
        command = parsed(each).path
        monkeypatch.setattr(account, "acting", partial(OTHERS.get, command, "sato"))
        done = example_office(*words(each, names))
        nothing_found = command == "search" and done.code == 1
        assert done.code == 0 or nothing_found, f"{each}: {done.code}: {done.err}{told}"
        if command == "request hand-over":
            names[COPY] = copy_in(done.out)


def _first(line: str, path: str) -> list[str]:
    """What is done before a line."""
    if line in FIRST:
        return list(FIRST[line])
    needed = [example for _command, example in before(path)]
    if "--request" in line and not needed:
        needed = [examples.EXAMPLES[each][0] for each in UNDER_A_REQUEST]
    return needed


def test_what_is_not_run_is_in_the_documents() -> None:
    lines = {each.line for each in shown()}
    assert {*LINES_NOT_RUN, *FIRST} <= lines, "take out of tests/document_lines.py what no page shows"
    assert {Path(page).name for page in RUN_WHOLE} <= {page.name for page in PAGES}


@pytest.mark.parametrize("name", sorted({page.name for page in PAGES if page.parent.name == "en"}))
def test_both_languages_show_the_same_commands(name: str) -> None:
    """In the same order, with the same options; what stands in them may be in the language of the page."""
    english, japanese = (
        [parsed(each.line) for each in shown() if each.page == f"docs/{language}/{name}"]
        for language in ("en", "ja")
    )
    assert [each.path for each in english] == [each.path for each in japanese]
    different = [pair for pair in zip(english, japanese, strict=True) if not _alike(*pair)]
    assert not different


def _alike(english: Parsed, japanese: Parsed) -> bool:
    pairs = zip_longest(english.given, japanese.given, fillvalue="")
    return all(one == other or not other.isascii() for one, other in pairs)
