"""The examples in the help: every command has one, and each does what it says."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import pytest
from rich.cells import cell_len

from callrec import account
from callrec.app import App
from callrec.catalogue import facilities
from callrec.commands import examples, program
from callrec.model.office import Extension, Facility
from tests import reference
from tests.example_lines import (
    COPY,
    OTHERS,
    RECORDING,
    REQUEST,
    RUN_BY_THE_DEMO,
    RUN_ELSEWHERE,
    copy_in,
    lay_out,
    story,
    words,
)
from tests.unit.bench import PROMPTS, Bench, BenchAfter
from tests.unit.evidence import packages
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID, START

Run = Callable[..., Done]


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound card that writes what is played into a file."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(tmp_path / "played"))
    monkeypatch.setenv("SDL_DISKAUDIODELAY", "0")


@pytest.fixture
def office(
    run: Run, bench: Bench, empty_office: Path, tmp_path: Path, card: None, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The program of an office, with the files that are named."""
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    packages.keys_of_bench(tmp_path / "bench-keys")
    monkeypatch.setenv("CALLREC_EVIDENCE__KEYS", str(tmp_path / "bench-keys"))
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path / "prompts"))
    shutil.copytree(PROMPTS, tmp_path / "prompts")
    monkeypatch.setattr(App, "store", bench.store)
    lay_out(tmp_path, RECORDING_ID, (PROMPTS / "ja/notice.wav").read_bytes())
    return run


def _with_phones(bench: Bench) -> None:
    _with_facilities(bench)
    with bench.database.begin() as connection:
        for number in ("2101", "2102"):
            facilities.add_extension(connection, Extension(number, "shiba"), who="test", at=START)


def _with_facilities(bench: Bench) -> None:
    packages.archive(bench)
    with bench.database.begin() as connection:
        for code in ("shiba", "azabu"):
            facilities.add_facility(connection, Facility(code, code), who="test", at=START)


BEGUN = {"facility add": packages.archive, "extension add": _with_facilities}
"""What there is before the example of a command; before all others there is `_with_phones`."""


def _names() -> dict[str, str]:
    """What there is in the places of what is made up."""
    return {
        RECORDING: RECORDING_ID[:13],
        REQUEST: f"{datetime.now(UTC).year}-0001",
        "tanaka": pwd.getpwuid(os.getuid()).pw_name,
        "@soumu": f"@{grp.getgrgid(os.getgid()).gr_name}",
    }


@pytest.mark.parametrize("path", reference.commands())
def test_every_command_has_an_example(path: str) -> None:
    assert path in examples.EXAMPLES, "write one into callrec/commands/examples.py"


def test_every_example_is_of_a_command_that_there_is() -> None:
    assert set(examples.EXAMPLES) == {"", *reference.commands()}


@pytest.mark.parametrize("path", examples.EXAMPLES)
def test_an_example_is_a_line_of_its_command(path: str) -> None:
    """Click itself reads it: an option that there is not, or a value that none can be, is refused."""
    for line in examples.EXAMPLES[path]:
        context = program.make_context("callrec", words(line, {}))
        while isinstance(context.command, click.Group):
            rest = [*context._protected_args, *context.args]
            name, command, rest = context.command.resolve_command(context, rest)
            assert name and command
            context = command.make_context(name, rest, context)
        assert path in ("", context.command_path.removeprefix("callrec ")), line
        assert cell_len(line) <= 78, line


def test_the_help_of_every_command_and_group_has_examples(run: Run) -> None:
    for path in ["", "rule", *reference.commands()]:
        _, _, below = run(*path.split(), "--help").out.partition("\nExamples:\n")
        assert below.splitlines() == [f"  {line}" for line in examples.of(path)] != [], path


@pytest.mark.parametrize("path", sorted(examples.EXAMPLES.keys() - {*RUN_BY_THE_DEMO, *RUN_ELSEWHERE}))
def test_the_examples_do_what_they_say(
    path: str, bench_after: BenchAfter, office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench_after(BEGUN.get(path, _with_phones))
    if path == "init":
        (tmp_path / "callrec.toml").unlink()
    names = _names()
    for command, line in story(path):
        monkeypatch.setattr(account, "acting", partial(OTHERS.get, command, "sato"))
        done = office(*words(line, names))
        assert done.code == 0, (line, done.err)
        if command == "request hand-over":
            names[COPY] = copy_in(done.out)
