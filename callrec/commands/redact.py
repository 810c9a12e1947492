"""callrec redact: makes a second file of a recording in which something is covered."""

from __future__ import annotations

from pathlib import Path

import click

from callrec import toml_text
from callrec.commands.common import desk, say, working
from callrec.desk.operations import redacting
from callrec.errors import CheckFailed, WrongEntries, WrongUsage
from callrec.evidence import spans as wanted_spans
from callrec.failures import why

MOST_BYTES = 1 << 20


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--spans",
    "path",
    metavar="FILE.toml",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What to cover: [[span]] with from, to, track and with.",
)
@click.option("--ground", metavar="TEXT", required=True, help="Why, such as the article of the law.")
@click.option("--request", metavar="NUMBER", help="The request it is made for; it is written down.")
@click.pass_context
def command(ctx: click.Context, id_: str, path: Path, ground: str, request: str | None) -> None:
    """Make a second file of a recording, with silence or a tone over parts of it.

    The recording stays as it is. The file lies beside it in the archive, with a signed manifest that says
    what was covered and why: callrec fetch ID --redaction N gets both.
    """
    try:
        spans = wanted_spans.read(_text(path), path)
        with working(id_, err=True):
            made = desk(ctx).do(redacting.redact, id_, spans, ground, request)
    except WrongEntries as error:
        for line, problem in error.entries:
            say("line {line}: {problem}", line=line or "?", problem=problem.shown(), err=True)
        raise
    say("redaction {number} of recording {id}: {key}", number=made.number, id=made.id, key=made.key)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CheckFailed("{path} cannot be read: {problem}", path=path, problem=why(error)) from error
    if len(data) > MOST_BYTES:
        raise WrongUsage("{path} is no list of spans: it is larger than a megabyte", path=path)
    return toml_text.decoded(data, path)
