"""callrec request: opens requests for recordings, decides on them, tells what was given out and came back.

`request_show` lists and shows them, and prints their forms.
"""

from __future__ import annotations

import click

from callrec.commands.common import desk, now, say, tell, zone
from callrec.commands.request_show import list_, show
from callrec.dates import parse_date
from callrec.desk.operations import requests as operations
from callrec.model.requests import RequestKind


@click.group()
def command() -> None:
    """Requests for recordings: opened, approved, handed over, returned."""


command.add_command(list_)
command.add_command(show)


@command.command("open")
@click.option(
    "--kind", required=True, type=click.Choice([each.value for each in RequestKind]), help="What it is for."
)
@click.option("--for", "for_whom", required=True, metavar="WHO", help="Who is to get the recordings.")
@click.option("--ground", default="", metavar="TEXT", help="The legal ground, or the document that asks.")
@click.option("--due", metavar="DATE", help="The day until which copies are to come back.")
@click.option("--quiet", is_flag=True, help="Print only the number.")
@click.pass_context
def open_(ctx: click.Context, kind: str, for_whom: str, ground: str, due: str | None, quiet: bool) -> None:
    """Open a request. Another person, a manager, approves or refuses it."""
    asked = desk(ctx)
    day = None if due is None else parse_date(due, now().astimezone(zone(ctx)).date())
    made = asked.do(operations.open_request, RequestKind(kind), for_whom, ground, day)
    if quiet:
        tell(made.number)
    else:
        say("request {number} is open", number=made.number)


@command.command()
@click.argument("request", metavar="NUMBER")
@click.pass_context
def approve(ctx: click.Context, request: str) -> None:
    """Approve a request that another person opened."""
    done = desk(ctx).do(operations.approve_request, request)
    say("request {number} is approved", number=done.number)


@command.command()
@click.argument("request", metavar="NUMBER")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the form.")
@click.pass_context
def refuse(ctx: click.Context, request: str, reason: str) -> None:
    """Refuse a request that another person opened."""
    done = desk(ctx).do(operations.refuse_request, request, reason)
    say("request {number} is refused", number=done.number)


@command.command()
@click.argument("request", metavar="NUMBER")
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.pass_context
def add(ctx: click.Context, request: str, ids: tuple[str, ...]) -> None:
    """List recordings in a request."""
    new = desk(ctx).do(operations.add_to_request, request, list(ids))
    if new:
        say("{count} recordings added to request {number}", count=len(new), number=request)
    else:
        say("request {number} lists them already: nothing changes", number=request)


@command.command("hand-over")
@click.argument("request", metavar="NUMBER")
@click.option("--to", "to_whom", required=True, metavar="WHO", help="Who got it.")
@click.option("--medium", required=True, metavar="TEXT", help="On what, such as DVD-R or USB.")
@click.option("--for-good", is_flag=True, help="The copy need not come back.")
@click.pass_context
def hand_over(ctx: click.Context, request: str, to_whom: str, medium: str, for_good: bool) -> None:
    """Write down that what was fetched under a request was given out, with the SHA-256 of each file.

    Of a recording of which nothing was fetched, the file in the archive counts.
    """
    copy = desk(ctx).do(operations.hand_over, request, to_whom, medium, for_good)
    say(
        "copy {id} of request {number} is handed over: {count} files",
        id=copy.id,
        number=copy.request,
        count=len(copy.files),
    )


@command.command()
@click.argument("request", metavar="NUMBER")
@click.option("--copy", metavar="ID", required=True, help="Which copy.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is written down.")
@click.pass_context
def withdraw(ctx: click.Context, request: str, copy: str, reason: str) -> None:
    """Withdraw a hand-over that was written down by mistake. Write down what is right by another.

    What was written stays on record, with who withdrew it and why.
    """
    done = desk(ctx).do(operations.withdraw_copy, request, copy, reason)
    say("the hand-over of copy {id} of request {number} is withdrawn", id=done.id, number=done.request)


@command.command("return")
@click.argument("request", metavar="NUMBER")
@click.option("--copy", metavar="ID", help="Only this copy, where there are several.")
@click.pass_context
def return_(ctx: click.Context, request: str, copy: str | None) -> None:
    """Write down that copies came back."""
    for each in desk(ctx).do(operations.return_copies, request, copy):
        say("copy {id} of request {number} is returned", id=each.id, number=each.request)


@command.command()
@click.argument("request", metavar="NUMBER")
@click.option("--copy", metavar="ID", help="Only this copy, where there are several.")
@click.pass_context
def destroyed(ctx: click.Context, request: str, copy: str | None) -> None:
    """Write down that whoever had the copies destroyed them."""
    for each in desk(ctx).do(operations.destroyed_copies, request, copy):
        say("copy {id} of request {number} is destroyed", id=each.id, number=each.request)


@command.command()
@click.argument("request", metavar="NUMBER")
@click.pass_context
def close(ctx: click.Context, request: str) -> None:
    """Close a request of which no copy is out: nothing can be fetched under it any more."""
    done = desk(ctx).do(operations.close_request, request)
    say("request {number} is closed", number=done.number)
