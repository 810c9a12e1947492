"""The examples in the help: every command has one, and each does what it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rich.cells import cell_len

from callrec import account
from callrec.commands import examples
from tests import reference
from tests.example_lines import (
    COPY,
    OTHERS,
    RUN_BY_THE_DEMO,
    RUN_ELSEWHERE,
    copy_in,
    parsed,
    story,
    words,
)
from tests.unit.bench import BenchAfter
from tests.unit.commands.example_office import BEGUN, made_up, with_phones
from tests.unit.program import Done

Run = Callable[..., Done]


@pytest.mark.parametrize("path", reference.commands())
def test_every_command_has_an_example(path: str) -> None:
    assert path in examples.EXAMPLES, "write one into callrec/commands/examples.py"


def test_every_example_is_of_a_command_that_there_is() -> None:
    assert set(examples.EXAMPLES) == {"", *reference.commands()}


@pytest.mark.parametrize("path", examples.EXAMPLES)
def test_an_example_is_a_line_of_its_command(path: str) -> None:
    """Click itself reads it: an option that there is not, or a value that none can be, is refused."""
    for line in examples.EXAMPLES[path]:
        assert path in ("", parsed(line).path), line
        assert cell_len(line) <= 78, line


def test_the_help_of_every_command_and_group_has_examples(run: Run) -> None:
    for path in ["", "rule", *reference.commands()]:
        _, _, below = run(*path.split(), "--help").out.partition("\nExamples:\n")
        assert below.splitlines() == [f"  {line}" for line in examples.of(path)] != [], path


@pytest.mark.parametrize("path", sorted(examples.EXAMPLES.keys() - {*RUN_BY_THE_DEMO, *RUN_ELSEWHERE}))
def test_the_examples_do_what_they_say(
    path: str, bench_after: BenchAfter, example_office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench_after(BEGUN.get(path, with_phones))
    if path == "init":
        (tmp_path / "callrec.toml").unlink()
    names = made_up()
    for command, line in story(path):
        monkeypatch.setattr(account, "acting", partial(OTHERS.get, command, "sato"))
        done = example_office(*words(line, names))
        assert done.code == 0, (line, done.err)
        if command == "request hand-over":
            names[COPY] = copy_in(done.out)
