"""What commands share: the app of the given configuration, and lists as table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table

from callrec import settings
from callrec.app import App
from callrec.language import translated

F = TypeVar("F", bound=Callable[..., Any])
Row = dict[str, Any]


def app(ctx: click.Context) -> App:
    """The app of the configuration that was named, or found."""
    return App(settings.load(ctx.find_root().obj))


def lists(command: F) -> F:
    """Adds --json and --csv to a command that lists."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV with a header.")(command)
    return click.option("--json", "form", flag_value="json", help="Print a JSON array.")(command)


def emit(rows: Sequence[Row], columns: dict[str, str], form: str | None, empty: str = "") -> None:
    """Prints rows: all their keys as JSON or CSV, the columns that are named (key: header) as a table."""
    if form == "json":
        click.echo(json.dumps([plain_row(row) for row in rows], ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(_as_csv(rows), nl=False)
    elif rows:
        _table(rows, columns)
    elif empty:
        click.echo(translated(empty), err=True)


def say(template: str, **values: object) -> None:
    """Prints a sentence in the user's language."""
    click.echo(translated(template).format(**values))


def console() -> Console:
    """A console that neither wraps nor colours what goes into a pipe."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)


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
    """A row as JSON has it: no keys that only a table shows, times as ISO with offset."""
    return {key: _value(value) for key, value in row.items() if not key.startswith("_")}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    plain = [plain_row(row) for row in rows]
    writer = csv.DictWriter(text, list(plain[0]) if plain else [])
    writer.writeheader()
    writer.writerows(plain)
    return text.getvalue()
