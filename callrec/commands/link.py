"""callrec link: gives a URL by which somebody gets a recording out of the archive, for a time."""

from __future__ import annotations

import click

from callrec.commands.common import desk, tell, working
from callrec.desk.operations import links
from callrec.durations import parse_seconds


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--expires", metavar="TIME", default="1h", help="How long it can be used: 1h, or 7d at most.")
@click.option("--request", metavar="NUMBER", required=True, help="The request it is given for.")
@click.pass_context
def command(ctx: click.Context, id_: str, expires: str, request: str) -> None:
    """Print a link to a recording: whoever has it gets the file. The recording is verified first, and the
    link is written down."""
    with working(id_, err=True):
        given = desk(ctx).do(links.link, id_, parse_seconds(expires), request)
    tell(given.url)
