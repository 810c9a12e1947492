"""Has what commands share: the app of the given configuration, and the writers: for people, whose terminals
obey nothing that stands in data, and for programs. No other file of this package prints."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from callrec import places
from callrec.commands.given import Given
from callrec.commands.table import Table, cell, laid_out
from callrec.desk.operations.searching import conventions, facility_names
from callrec.desk.way import socket_to_use
from callrec.errors import CallrecError, Refused
from callrec.language import translated
from callrec.model.office import UNASSIGNED, Conventions
from callrec.visible import filled, visible

if TYPE_CHECKING:
    from callrec.app import App
    from callrec.desk.direct import Desk
    from callrec.policy.office import OfficeParts
    from callrec.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
Row = dict[str, Any]
_DESK, _OFFICE = "callrec.desk", "callrec.office"
"""Under which a context keeps what was asked once."""


def app(ctx: click.Context, narrowed: Callable[[Settings], Settings] = lambda whole: whole) -> App:
    """Returns the app of the configuration that was named, or found. It is closed with the command.

    `narrowed` takes from the settings what a process that runs for long is not to have. Raises Refused for
    somebody who works through a desk, whose custody log says so then.
    """
    from callrec import settings_file
    from callrec.app import App

    given: Given = ctx.find_root().obj
    if places.find_file(given.config) is None and socket_to_use(given.config, given.desk):
        from callrec.desk.operations.direct import DIRECT

        with suppress(CallrecError):  # NotAllowed, or no desk is there
            desk(ctx).do(DIRECT[str(ctx.info_name)])
        raise Refused(
            "{command} does not go through the desk: ask whoever can read callrec.toml",
            command=ctx.command_path,
        )
    here = App(narrowed(settings_file.load(given.config)))
    ctx.call_on_close(here.close)
    return here


def desk(ctx: click.Context) -> Desk:
    """Returns the desk that commands ask: in this process, or at the other end of a socket."""
    if _DESK not in ctx.meta:
        ctx.meta[_DESK] = _desk(ctx)
    found: Desk = ctx.meta[_DESK]
    return found


def zone(ctx: click.Context) -> ZoneInfo:
    """Returns the zone of the office, in which dates are read and shown."""
    if _OFFICE not in ctx.meta:
        ctx.meta[_OFFICE] = desk(ctx).do(conventions)
    found: Conventions = ctx.meta[_OFFICE]
    return found.zone


def now() -> datetime:
    """Returns this moment, by the clock of who asks."""
    return datetime.now(UTC)


def office_now(ctx: click.Context) -> OfficeParts:
    """Returns what the office is made of now: facilities, extensions, rules, and what the settings say."""
    from callrec.desk.operations.office import office_parts

    return desk(ctx).do(office_parts)


def office_names(ctx: click.Context) -> dict[str, str]:
    """Returns what the facilities are called, by their codes, for who may read the rules."""
    return {each.code: each.name for each in office_now(ctx).facilities}


def names_in_reach(ctx: click.Context) -> dict[str, str]:
    """Returns what the facilities are called, by their codes, for which who asks has any role, and what calls
    are called that belong to none."""
    known = {each.code: each.name for each in desk(ctx).do(facility_names)}
    return {UNASSIGNED: translated("not registered"), **known}


def _desk(ctx: click.Context) -> Desk:
    given: Given = ctx.find_root().obj
    socket = socket_to_use(given.config, given.desk)
    if socket is None:
        from callrec.desk.direct import DirectDesk

        return DirectDesk(app(ctx))
    from callrec.desk.client import RemoteDesk

    return RemoteDesk(socket)


def lists(command: F) -> F:
    """Adds --json and --csv to a command that lists."""
    command = click.option(
        "--csv", "form", flag_value="csv", help="Print CSV with a header, as spreadsheets open it."
    )(command)
    return click.option("--json", "form", flag_value="json", help="Print a JSON array.")(command)


def emit(
    rows: Sequence[Row],
    columns: dict[str, str],
    form: str | None,
    empty: str = "",
    keys: Sequence[str] = (),
    *,
    spare: Sequence[str] = (),
    prose: str = "",
    words: Sequence[str] = (),
    zone: ZoneInfo | None = None,
) -> None:
    """Prints rows: all their keys as JSON or CSV, the columns that are named (key: header) as a table.

    `keys` are those of every row, for the header of a CSV without any; else the columns stand in. Where a
    terminal is too narrow, the columns in `spare` are left out, the first of them first; `prose` may wrap,
    and so may `words`, of them the last one first. Moments are printed as CSV in `zone`.
    """
    if form == "json":
        print_json([plain_row(row) for row in rows])
    elif form == "csv":
        from callrec.commands import spreadsheet

        names = _shown(rows[0] if rows else keys or columns)
        _write(spreadsheet.head(names) + spreadsheet.lines(rows, names, zone))
    elif rows:
        _emit_table(Table(columns, rows, spare, prose, words))
    elif empty:
        say(empty, err=True)


def emit_each(rows: Iterable[Row], keys: Sequence[str], form: str | None) -> None:
    """Prints rows as they come, a line each. If `rows` raises, what was printed is a whole list still."""
    if form == "json":
        _json_each(rows)
        return
    from callrec.commands import spreadsheet

    if form == "csv":
        _write(spreadsheet.head(keys))
    for row in rows:
        if form == "csv":
            _write(spreadsheet.lines([row], keys, None))
        else:
            tell("  ".join(cell(row[key]) for key in keys))


def say(template: str, *, err: bool = False, **values: object) -> None:
    """Prints a sentence in the user's language; with `err` beside the output."""
    _write(filled(translated(template), values) + "\n", err=err)


def tell(line: str, *, err: bool = False) -> None:
    """Prints one line that was put together before. Whatever stands in it, it stays one."""
    _write(visible(line) + "\n", err=err)


def print_json(value: object) -> None:
    """Prints JSON for programs: ASCII only, so that it is right in every encoding."""
    _write(_json(value, indent=2) + "\n")


def working(name: str, *, err: bool = False) -> AbstractContextManager[object]:
    """Shows on a terminal what is being worked on, with `err` beside the output; nothing in a pipe."""
    from rich.console import Console
    from rich.text import Text

    stream = sys.stderr if err else sys.stdout
    console = Console(file=stream, force_terminal=stream.isatty(), highlight=False, markup=False, emoji=False)
    return console.status(Text(visible(name)))


def _write(text: str | bytes, *, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    if isinstance(text, bytes) and hasattr(stream, "buffer"):
        stream.flush()
        stream.buffer.write(text)
    else:  # a stream that somebody put there may know text only
        stream.write(text if isinstance(text, str) else text.decode())
    stream.flush()


def _emit_table(table: Table) -> None:
    text, left_out = laid_out(table)
    _write(text)
    if left_out:
        names = ", ".join(translated(table.columns[key]) for key in left_out)
        say("left out, as the terminal is too narrow: {columns}", columns=names, err=True)


def _shown(keys: Iterable[str]) -> list[str]:
    return [key for key in keys if not key.startswith("_")]


def plain_row(row: Row) -> Row:
    """Returns a row as JSON has it: no keys that only a table shows, times as ISO with offset."""
    return {key: _plain(row[key]) for key in _shown(row)}


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it. JSON has no word for a number that is none."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _json_each(rows: Iterable[Row]) -> None:
    before = "["
    try:
        for row in rows:
            _write(f"{before}\n{_json(plain_row(row))}")
            before = ","
    finally:
        _write("[]\n" if before == "[" else "\n]\n")
