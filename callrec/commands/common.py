"""Has what commands share: the app of the given configuration, and lists as table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table

from callrec import settings_file
from callrec.app import App
from callrec.language import translated

F = TypeVar("F", bound=Callable[..., Any])
Row = dict[str, Any]


def app(ctx: click.Context) -> App:
    """Returns the app of the configuration that was named, or found. It is closed with the command."""
    here = App(settings_file.load(ctx.find_root().obj))
    ctx.call_on_close(here.close)
    return here


def lists(command: F) -> F:
    """Adds --json and --csv to a command that lists."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV with a header.")(command)
    return click.option("--json", "form", flag_value="json", help="Print a JSON array.")(command)


def emit(
    rows: Sequence[Row],
    columns: dict[str, str],
    form: str | None,
    empty: str = "",
    keys: Sequence[str] = (),
) -> None:
    """Prints rows: all their keys as JSON or CSV, the columns that are named (key: header) as a table.

    `keys` are those of every row, for the header of a CSV without any; else the columns stand in.
    """
    if form == "json":
        click.echo(json.dumps([plain_row(row) for row in rows], ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(_as_csv(rows, list(rows[0] if rows else keys or columns)), nl=False)
    elif rows:
        _table(rows, columns)
    elif empty:
        click.echo(translated(empty), err=True)


def emit_each(rows: Iterable[Row], keys: Sequence[str], form: str | None) -> None:
    """Prints rows as they come, a line each. If `rows` raises, what was printed is a whole list still."""
    if form == "json":
        _json_each(rows)
        return
    if form == "csv":
        click.echo(_as_csv([], keys), nl=False)
    for row in rows:
        if form == "csv":
            click.echo("".join(_as_csv([row], keys).splitlines(keepends=True)[1:]), nl=False)
        else:
            click.echo("  ".join(_cell(row[key]) for key in keys))


def say(template: str, *, err: bool = False, **values: object) -> None:
    """Prints a sentence in the user's language; with `err` beside the output."""
    click.echo(translated(template).format(**values), err=err)


def console() -> Console:
    """Returns a console that neither wraps nor colours what goes into a pipe."""
    return _Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError: rich would end the process here, and the program itself knows what to
        do."""
        raise BrokenPipeError


def _table(rows: Sequence[Row], columns: dict[str, str]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in columns.values():
        table.add_column(translated(header), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in columns))
    console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return translated("yes") if value else translated("no")
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def plain_row(row: Row) -> Row:
    """Returns a row as JSON has it: no keys that only a table shows, times as ISO with offset."""
    return {key: _value(value) for key, value in row.items() if not key.startswith("_")}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _json_each(rows: Iterable[Row]) -> None:
    before = "["
    try:
        for row in rows:
            click.echo(f"{before}\n{json.dumps(plain_row(row), ensure_ascii=False)}", nl=False)
            before = ","
    finally:
        click.echo("[]" if before == "[" else "\n]")


def _as_csv(rows: Sequence[Row], keys: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [key for key in keys if not key.startswith("_")])
    writer.writeheader()
    writer.writerows({key: _csv_cell(value) for key, value in plain_row(row).items()} for row in rows)
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(map(str, value)) if isinstance(value, list) else value
