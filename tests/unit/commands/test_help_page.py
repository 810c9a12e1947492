"""Help by what signs take on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from callrec import language
from callrec.commands import COMMANDS, program
from callrec.commands.wrapping import wrapped
from tests.unit.program import Done

CLICK = ("Usage", "[OPTIONS]", "[ARGS]", "Options", "Show this", "required", "default:")
"""Words of Click itself."""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("録音を、再生する", ["録音を、", "再生する"]),
        ("あいうえ。お", ["あいう", "え。お"]),
        ("あいう（え", ["あいう", "（え"]),
        ("see --min-duration x", ["see", "--min-du", "ration x"]),
        ("録音 callrec を", ["録音", "callrec", "を"]),
        ("first\n  second", ["first", "second"]),
        ("日本\n語", ["日本語"]),
        ("", []),
    ],
)
def test_lines_end_where_people_end_them(text: str, lines: list[str]) -> None:
    assert wrapped(text, 8) == lines


@given(st.text("録音をー、。（）「」 ab-cé👍か\u3099\n"), st.integers(2, 30))
def test_no_line_is_too_wide_and_no_sign_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width and line == line.strip() for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_no_line_of_any_help_is_wider_than_a_terminal(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, spoken: str
) -> None:
    monkeypatch.setenv("CALLREC_LANG", spoken)
    monkeypatch.setenv("COLUMNS", "80")
    run("--help")  # puts its words into this language
    root = program.context_class(program, info_name="callrec", **program.context_settings)
    for command, context in _all_below(root):
        monkeypatch.setattr(command, "_help_option", None)  # Click keeps the one of the first language
        page = context.get_help()
        assert all(cell_len(line) <= 80 for line in page.splitlines()), page
        assert spoken == "en" or not [word for word in CLICK if word in page], page


def _all_below(root: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    yield program, root
    for name in COMMANDS:
        command = program.get_command(root, name)
        assert command is not None
        context = command.context_class(command, root, name)
        yield command, context
        if isinstance(command, click.Group):
            for sub, each in command.commands.items():
                yield each, each.context_class(each, context, sub)
