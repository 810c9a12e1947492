"""callrec retain: keeps recordings longer than their rule says."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from callrec.commands.common import desk
from callrec.commands.keeping_lines import tell_each
from callrec.dates import parse_end
from callrec.desk.operations import keeping
from callrec.desk.operations.office import office_settings
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
    office = here.do(office_settings)
    end = parse_end(until, office.zone, datetime.now(UTC))
    tell_each(here.do(keeping.retain, list(ids), end, reason), office, _retained)


def _retained(done: Keeping) -> str:
    return WORDS["longer" if done.changed else "so already"]
