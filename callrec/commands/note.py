"""callrec note: writes what people know of a call beside it."""

from __future__ import annotations

import click

from callrec.commands.common import desk, say
from callrec.desk.operations import keeping


@click.command()
@click.argument("id_", metavar="ID")
@click.argument("text", metavar="TEXT")
@click.pass_context
def command(ctx: click.Context, id_: str, text: str) -> None:
    """Write a note about a call, recorded or not. It is shown by callrec show, and found by search --note."""
    call = desk(ctx).do(keeping.add_note, id_, text)
    say("the note about call {id} is written", id=call)
