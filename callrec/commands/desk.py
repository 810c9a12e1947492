"""callrec desk: serves those who cannot read callrec.toml, until it is told to end."""

from __future__ import annotations

import signal

import click

from callrec.commands.common import app
from callrec.log_lines import log_to_stderr
from callrec.settings import Settings


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Serve the desk on its Unix socket, for those who cannot read callrec.toml."""
    from callrec.desk.server import DeskServer

    here = app(ctx, Settings.of_desk)
    log_to_stderr(numbers=here.settings.log.numbers)
    here.require_catalogue()
    server = DeskServer(here, here.settings.desk.socket)
    server.prepare()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    server.run()
