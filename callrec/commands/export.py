"""callrec export: gives recordings out under a request, as a package with all that proves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from callrec.archive.given import Clip
from callrec.commands.common import desk, say, working
from callrec.commands.passphrase import read_passphrase
from callrec.desk.operations import export
from callrec.durations import parse_clip
from callrec.errors import CheckFailed, Refused, WrongUsage
from callrec.evidence.order import PackedKind
from callrec.evidence.package_zip import encrypt
from callrec.failures import why
from callrec.files import Draft, draft, scratch


@click.command()
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option("--request", metavar="NUMBER", required=True, help="The request it is given out for.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.zip",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    help="Where to put it. A file that is there stays.",
)
@click.option(
    "--format", "kind", default="flac", type=click.Choice(["flac", "wav"]), help="The format of the sound."
)
@click.option("--clip", metavar="FROM..TO", help="Only a part, such as 03:10..05:00.")
@click.option(
    "--passphrase-file",
    metavar="FILE",
    help="Encrypt it by the passphrase in a file that only you can read; - is standard input.",
)
@click.pass_context
def command(
    ctx: click.Context,
    ids: tuple[str, ...],
    request: str,
    output: Path,
    kind: PackedKind,
    clip: str | None,
    passphrase_file: str | None,
) -> None:
    """Give recordings out as a package: sound, manifests, proofs, and a page to read and hear.

    Without an ID: all that the request lists. Each is verified first, and written down.
    """
    if output.suffix.lower() != ".zip":
        raise WrongUsage("{path} is no name of a package: write FILE.zip", path=output)
    span = None if clip is None else Clip(*parse_clip(clip))
    passphrase = read_passphrase(passphrase_file)
    with (
        _new(output) as file,
        working(str(output)),
        desk(ctx).do(export.export, request, list(ids), kind, span) as given,
    ):
        _write(file, given, passphrase, f"callrec-{given.about.request}.zip")
        file.publish()
    for id_ in given.about.left_out:
        say("recording {id} was destroyed when its time was over: it is not in the package", id=id_, err=True)
    say("{path}", path=output)


def _write(file: Draft, given: Iterable[bytes], passphrase: str | None, name: str) -> None:
    """Writes a package as it comes; encrypted, once all of it is there."""
    if passphrase is None:
        for chunk in given:
            file.write(chunk)
        return
    with scratch() as whole:
        with whole.open("wb") as plain:
            plain.writelines(given)
        encrypt(whole, file.path, name, passphrase)


@contextmanager
def _new(path: Path) -> Iterator[Draft]:
    """Gives a new file to write. Raises Refused where it is there, CheckFailed where it cannot be written."""
    try:
        with draft(path, new=True) as made:
            yield made
    except FileExistsError as error:
        raise Refused("{path} is there already: nothing was written", path=path) from error
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
