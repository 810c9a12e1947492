"""callrec incident: marks recordings as incidents afterwards, or takes the mark away."""

from __future__ import annotations

import click

from callrec.commands.common import desk, zone
from callrec.commands.keeping_lines import tell_each
from callrec.desk.operations import keeping
from callrec.lifecycle.keeping import Keeping

WORDS = {
    "marked": "recording {id} is marked as an incident, and kept until {until}",
    "marked already": "recording {id} is marked as an incident already, and kept until {until}",
    "cleared": "recording {id} is no longer marked as an incident; it is kept until {until} as before",
    "not marked": "recording {id} is not marked as an incident",
}


@click.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is written down.")
@click.option("--clear", is_flag=True, help="Take the mark away. What is kept longer because of it stays so.")
@click.pass_context
def command(ctx: click.Context, ids: tuple[str, ...], reason: str, clear: bool) -> None:
    """Mark recordings as incidents. Each is kept as long as its rule says of incidents, if that is longer."""
    here = desk(ctx)
    wanted = keeping.clear_incidents if clear else keeping.mark_incidents
    tell_each(zone(ctx), here.do(wanted, list(ids), reason), _cleared if clear else _marked)


def _marked(done: Keeping) -> str:
    return WORDS["marked" if done.changed else "marked already"]


def _cleared(done: Keeping) -> str:
    return WORDS["cleared" if done.changed else "not marked"]
