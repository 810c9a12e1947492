"""callrec retain: keeps recordings longer than their rule says."""

from __future__ import annotations

import click

from callrec.commands.common import desk, now, zone
from callrec.commands.keeping_lines import tell_each
from callrec.dates import parse_end
from callrec.desk.operations import keeping
from callrec.lifecycle.keeping import Keeping

WORDS = {
    "longer": "recording {id} is kept until {until}",
    "so already": "recording {id} is kept until {until} already",
}


@click.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--until", metavar="DATE", required=True, help="The last day on which they are kept.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is written down.")
@click.pass_context
def command(ctx: click.Context, ids: tuple[str, ...], until: str, reason: str) -> None:
    """Keep recordings longer. Shorter is never possible."""
    here = desk(ctx)
    end = parse_end(until, zone(ctx), now())
    tell_each(zone(ctx), here.do(keeping.retain, list(ids), end, reason), _retained)


def _retained(done: Keeping) -> str:
    return WORDS["longer" if done.changed else "so already"]
