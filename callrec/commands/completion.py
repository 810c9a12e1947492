"""callrec completion: prints the script by which a shell completes commands, names and ids."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from callrec.commands import COMPLETE
from callrec.commands.common import tell


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script by which a shell completes what is typed, when Tab is pressed.

    Commands, options, facilities, extensions, rules, requests, announcements, and the ids of recordings
    that a search of yours would find.
    """
    made = get_completion_class(shell)
    assert made is not None
    script = made(ctx.find_root().command, {}, "callrec", COMPLETE)
    for line in ShellComplete.source(script).splitlines():  # that of bash would look for a bash here
        tell(line)
