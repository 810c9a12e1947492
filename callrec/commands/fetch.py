"""callrec fetch: gets a recording out of the archive, proved whole, in the format that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from callrec.archive.given import FORMATS, Clip, Kind
from callrec.commands.common import desk, say, working
from callrec.desk.direct import Desk
from callrec.desk.operations import giving
from callrec.durations import parse_clip
from callrec.errors import CheckFailed, WrongUsage
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
@click.option(
    "--redaction", metavar="N", type=click.IntRange(1), help="Its redaction of this number, in its place."
)
@click.pass_context
def command(
    ctx: click.Context,
    ids: tuple[str, ...],
    output: Path,
    kind: Kind,
    clip: str | None,
    request: str | None,
    redaction: int | None,
) -> None:
    """Fetch recordings with their manifests. Each is verified first, and the fetch is written down."""
    here = desk(ctx)
    span = None if clip is None else Clip(*parse_clip(clip))
    wanted = here.do(giving.recordings_to_fetch, list(ids), span, request)
    if redaction is not None and len(wanted) > 1:
        raise WrongUsage("--redaction is that of one recording: name one")
    try:
        make_folder(output)
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=output, problem=why(error)) from error
    for id_ in wanted:
        with working(id_):
            path = _fetch(here, id_, output, _File(kind, span, redaction), request)
        say("{path}", path=path)


@dataclass(frozen=True, slots=True)
class _File:
    """What is wanted of a recording."""

    kind: Kind
    clip: Clip | None
    redaction: int | None

    def named(self, folder: Path, id_: str) -> tuple[Path, Path]:
        """Returns the paths of the sound and of its manifest."""
        name = id_ if self.redaction is None else f"{id_}.redacted-{self.redaction}"
        return folder / f"{name}{self.clip or ''}.{self.kind}", folder / f"{name}.manifest.json"


def _fetch(here: Desk, id_: str, folder: Path, file: _File, request: str | None) -> Path:
    """Puts a recording and its manifest into a folder. Returns the path of the sound.

    An existing file is replaced only by a whole new one.
    """
    path, other = file.named(folder, id_)
    with (
        _drafts(path, other) as (sound, sidecar),
        here.do(giving.fetch, id_, file.kind, file.clip, request, file.redaction) as given,
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
