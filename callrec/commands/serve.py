"""callrec serve: runs the controller until it is told to end."""

from __future__ import annotations

import signal
import sys

import click
import structlog

from callrec.commands.common import app
from callrec.serve import Service


@click.command()
@click.option("--takeover", is_flag=True, help="Take the PBX over from a controller that is still connected.")
@click.pass_context
def command(ctx: click.Context, takeover: bool) -> None:
    """Watch the PBX and record its calls. One process for each PBX."""
    _log_to_stderr()
    service = Service(app(ctx))
    service.prepare(takeover=takeover)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run()


def _log_to_stderr() -> None:
    """Makes the log lines for people on a terminal, and one JSON object a line anywhere else."""
    shown = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            shown,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
