"""Lays out help by what signs take on a terminal. Click counts signs, and breaks lines at blanks only."""

from __future__ import annotations

from collections.abc import Iterable

import click

from callrec.commands import examples
from callrec.commands.wrapping import cell_len, terminal_width, wrapped
from callrec.language import translated

MOST_WIDTH, LEAST_WIDTH, MARGIN = 80, 50, 2
"""What a help page takes of a terminal, in columns; Click's own figures."""


class Formatter(click.HelpFormatter):
    """A help page of which no line is wider than the page."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        with_prefix = click.HelpFormatter(width=10_000)  # its words and order are Click's
        with_prefix.write_usage(prog, "", prefix)
        start = f"{with_prefix.getvalue().strip()} "
        first, *more = wrapped(args, self.width - cell_len(start)) or [""]
        self.write(f"{start}{first}".rstrip() + "\n")
        for line in more:
            self.write(" " * cell_len(start) + line + "\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            self.write("\n" if number else "")
            for line in wrapped(paragraph, self.width - self.current_indent):
                self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        terms = dict(rows)
        column = min(max(map(cell_len, terms), default=0), col_max) + col_spacing
        indent = self.current_indent
        for term, said in terms.items():
            lines = wrapped(said, self.width - column - indent)
            fits = cell_len(term) <= column - col_spacing
            first = f"{term}{' ' * (column - cell_len(term))}{lines.pop(0)}" if lines and fits else term
            self.write(" " * indent + first + "\n")
            for line in lines:
                self.write(" " * (column + indent) + line + "\n")


class Context(click.Context):
    """A context whose help is laid out so, and ends with examples."""

    def get_help(self) -> str:
        return super().get_help() + "".join(f"\n{line}" for line in self._examples())

    def _examples(self) -> list[str]:
        """Returns the examples of this command, each on one line however wide, so that it can be copied."""
        _, _, path = self.command_path.partition(" ")
        lines = examples.of(path)
        return ["", translated("Examples") + ":", *(f"  {line}" for line in lines)] if lines else []

    def make_formatter(self) -> Formatter:
        most = self.max_content_width or MOST_WIDTH
        return Formatter(width=self.terminal_width or max(min(terminal_width(), most) - MARGIN, LEAST_WIDTH))
