"""callrec serve: runs the controller until it is told to end."""

from __future__ import annotations

import signal
import sys

import click
import structlog

from callrec.commands.common import app
from callrec.serve import Service
from callrec.settings import Settings
from callrec.visible import visible


@click.command()
@click.option("--takeover", is_flag=True, help="Take the PBX over from a controller that is still connected.")
@click.option(
    "--new-pbx", is_flag=True, help="The PBX was made anew, or has taken the place of another of its name."
)
@click.pass_context
def command(ctx: click.Context, takeover: bool, new_pbx: bool) -> None:
    """Watch the PBX and record its calls. One process for each PBX."""
    log_to_stderr()
    service = Service(app(ctx, Settings.of_controller))
    service.prepare(takeover=takeover, new_pbx=new_pbx)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run()


def _visibly(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Writes out what a terminal would obey. The lines of a traceback are its own."""
    return {
        name: "\n".join(map(visible, value.split("\n"))) if name == "exception" else _seen(value)
        for name, value in line.items()
    }


def _seen(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


def log_to_stderr() -> None:
    """Makes the log lines for people on a terminal, and one JSON object a line, in ASCII, anywhere else."""
    shown: list[structlog.typing.Processor] = (
        [_visibly, structlog.dev.ConsoleRenderer()]
        if sys.stderr.isatty()
        else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *shown,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
