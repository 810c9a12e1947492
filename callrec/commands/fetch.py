"""callrec fetch: gets a recording out of the archive, proved whole, in the format that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from callrec.archive.given import FORMATS, Clip, Kind
from callrec.commands.common import desk, say, working
from callrec.desk.direct import Desk
from callrec.desk.operations import giving
from callrec.durations import parse_clip
from callrec.errors import CheckFailed
from callrec.failures import why
from callrec.files import Draft, draft, make_folder, publish


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
    ctx: click.Context, ids: tuple[str, ...], output: Path, kind: Kind, clip: str | None, request: str | None
) -> None:
    """Fetch recordings with their manifests. Each is verified first, and the fetch is written down."""
    here = desk(ctx)
    span = None if clip is None else Clip(*parse_clip(clip))
    wanted = here.do(giving.recordings_to_fetch, list(ids), span, request)
    try:
        make_folder(output)
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=output, problem=why(error)) from error
    for id_ in wanted:
        with working(id_):
            path = _fetch(here, id_, output, kind, span, request)
        say("{path}", path=path)


def _fetch(here: Desk, id_: str, folder: Path, kind: Kind, clip: Clip | None, request: str | None) -> Path:
    """Puts a recording and its manifest into a folder. Returns the path of the sound.

    An existing file is replaced only by a whole new one.
    """
    path = folder / f"{id_}{clip or ''}.{kind}"
    with (
        _drafts(path, folder / f"{id_}.manifest.json") as (sound, sidecar),
        here.do(giving.fetch, id_, kind, clip, request) as given,
    ):
        for chunk in given:
            sound.write(chunk)
        sidecar.write(given.about.manifest)
        publish(sidecar, sound)
    return path


@contextmanager
def _drafts(path: Path, other: Path) -> Iterator[tuple[Draft, Draft]]:
    """Gives two files to write. Raises CheckFailed when they cannot be written."""
    try:
        with draft(path) as one, draft(other) as two:
            yield one, two
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
