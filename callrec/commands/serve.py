"""callrec serve: runs the controller until it is told to end."""

from __future__ import annotations

import signal

import click

from callrec.commands.common import app
from callrec.log_lines import log_to_stderr
from callrec.serve import Service
from callrec.settings import Settings


@click.command()
@click.option("--takeover", is_flag=True, help="Take the PBX over from a controller that is still connected.")
@click.option(
    "--new-pbx", is_flag=True, help="The PBX was made anew, or has taken the place of another of its name."
)
@click.option(
    "--wait", is_flag=True, help="Wait for a PBX that does not answer yet, as when a machine starts."
)
@click.pass_context
def command(ctx: click.Context, takeover: bool, new_pbx: bool, wait: bool) -> None:
    """Watch the PBX and record its calls. One process for each PBX."""
    here = app(ctx, Settings.of_controller)
    log = log_to_stderr(numbers=here.settings.log.numbers)
    service = Service(here)
    service.prepare(takeover=takeover, new_pbx=new_pbx, wait=wait)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run(last=log.close)
