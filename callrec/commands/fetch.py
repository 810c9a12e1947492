"""callrec fetch: gets a recording out of the archive, proved whole, in the format that is asked for."""

from __future__ import annotations

from pathlib import Path

import click

from callrec.archive.retrieval import FORMATS, Clip, Retrieval
from callrec.commands.common import app, say, working
from callrec.durations import parse_clip
from callrec.errors import CheckFailed, WrongUsage
from callrec.failures import why
from callrec.files import make_folder
from callrec.texts import unshown


@click.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where to put it.",
)
@click.option("--format", "kind", default="flac", type=click.Choice(FORMATS), help="The format of the sound.")
@click.option("--clip", metavar="FROM..TO", help="Only a part, such as 03:10..05:00.")
@click.option("--request", metavar="NUMBER", help="The request it is fetched for; it is written down.")
@click.pass_context
def command(
    ctx: click.Context, ids: tuple[str, ...], output: Path, kind: str, clip: str | None, request: str | None
) -> None:
    """Fetch recordings with their manifests. Each is verified first, and the fetch is written down."""
    if unshown(request or ""):
        # it must not look like another line of the log
        raise WrongUsage("the request {text} holds a control character", text=repr(request))
    here = app(ctx)
    retrieval = Retrieval(here.store, here.database, who=here.who)
    span = None if clip is None else Clip(*parse_clip(clip))
    wanted = retrieval.named(ids)  # a wrong one is said before anything is fetched
    for kept in wanted:
        if span:
            span.check(kept.duration_s)
    try:
        make_folder(output)
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=output, problem=why(error)) from error
    for kept in wanted:
        with working(kept.id):
            path = retrieval.fetch(kept.id, output, kind=kind, clip=span, request=request)
        say("{path}", path=path)
