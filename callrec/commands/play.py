"""callrec play: lets a recording be heard on this machine, and leaves no copy."""

from __future__ import annotations

import click

from callrec.commands import player
from callrec.commands.common import desk, working
from callrec.desk.operations import giving
from callrec.durations import parse_position


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--from", "begin", metavar="TIME", help="Where to begin, such as 03:10.")
@click.option("--request", metavar="NUMBER", help="The request it is heard for; it is written down.")
@click.pass_context
def command(ctx: click.Context, id_: str, begin: str | None, request: str | None) -> None:
    """Hear a recording on this machine. It is verified first, and who heard it is written down.

    No copy is left. It needs a player here: ffplay (in the package ffmpeg), mpv or paplay.
    """
    begin_s = 0.0 if begin is None else parse_position(begin)
    here, found = desk(ctx), player.find()
    with working(id_), here.do(giving.play, id_, begin_s, request) as sound:
        player.play(found, sound)
