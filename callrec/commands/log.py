"""callrec log: what the log says of one call, step by step."""

from __future__ import annotations

from pathlib import Path

import click

from callrec import log_reader
from callrec.commands.common import desk, emit, lists, zone
from callrec.commands.given_file import lines_of
from callrec.dates import spoken
from callrec.desk.operations import log
from callrec.errors import WrongUsage
from callrec.failures import why
from callrec.log_reader import LogLine

COLUMNS = {"_time": "time", "level": "level", "event": "event", "_details": "details"}


@click.command()
@click.argument("id_", metavar="CALL")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    help="A file with the log, where callrec serve writes it into one; else the journal of the machine.",
)
@lists
@click.pass_context
def command(ctx: click.Context, id_: str, path: Path | None, form: str | None) -> None:
    """What the log says of one call: each step with its time, by the id of the call or a recording of it."""
    found = desk(ctx).do(log.call_log, id_) if path is None else _of_file(ctx, id_, path)
    rows = [_row(ctx, each) for each in found]
    emit(rows, COLUMNS, form, prose="_details", spare=["level"], zone=zone(ctx))


def _of_file(ctx: click.Context, id_: str, path: Path) -> list[LogLine]:
    ids = desk(ctx).do(log.ids_of_call, id_)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return log_reader.of_call(ids, log_reader.of_lines(lines_of(file, path)))
    except OSError as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def _row(ctx: click.Context, line: LogLine) -> dict[str, object]:
    values = [f"{name}={value}" for name, value in line.values.items() if name != "call"]
    return {
        "at": line.at,
        "_time": spoken(line.at, zone(ctx)),
        "level": line.level,
        "event": line.event,
        "_details": "  ".join(values),
        "values": line.values,
    }
