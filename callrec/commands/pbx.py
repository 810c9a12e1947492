"""callrec pbx: prints or writes what the PBX has to be told of the keys."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from callrec import settings
from callrec.commands.common import say
from callrec.errors import CheckFailed, Refused
from callrec.pbx import feature_codes
from callrec.settings import KeySettings


@click.group()
def command() -> None:
    """The configuration of the PBX."""


@command.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it; into a folder (/etc/asterisk/callrec), both files are written.",
)
@click.option("--conference", is_flag=True, help="The menu for ConfBridge instead of features.conf.")
@click.option("--force", is_flag=True, help="Replace a file that is there and says something else.")
@click.pass_context
def config(ctx: click.Context, output: Path | None, conference: bool, force: bool) -> None:
    """Print or write the include of features.conf that has the keys of callrec.toml.

    A file that says the same already is left as it is.
    """
    codes = settings.load(ctx.find_root().obj).keys
    name = feature_codes.CONFERENCE if conference else feature_codes.FEATURES
    if output is None:
        click.echo(feature_codes.include(name, codes), nl=False)
        return
    texts = _texts(output, name, codes)
    changed = {path: text for path, text in texts.items() if _read(path) != text}
    if not force:
        _refuse_to_replace(changed)
    for path, text in changed.items():
        _write(path, text)
    _report(texts, changed)


def _texts(output: Path, name: str, codes: KeySettings) -> dict[Path, str]:
    """Returns the files to write, and what is to stand in them."""
    if not output.is_dir():
        return {output: feature_codes.include(name, codes)}
    return {
        output / each: feature_codes.include(each, codes)
        for each in (feature_codes.FEATURES, feature_codes.CONFERENCE)
    }


def _refuse_to_replace(changed: dict[Path, str]) -> None:
    for path in changed:
        if path.exists():
            raise Refused(
                "{path} is there and says something else: look at it, then give --force; nothing was written",
                path=path,
            )


def _read(path: Path) -> str | None:
    """Returns the text of a file; None when there is none."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckFailed("{path} cannot be read: {problem}", path=path, problem=error.strerror) from error


def _write(path: Path, text: str) -> None:
    """Writes a whole file or none of it. One that is replaced keeps its owner and who may read it."""
    target = path.resolve()  # of a link, what it leads to is replaced, not the link
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _as_before(partial, target)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=error.strerror) from error


def _as_before(partial: Path, target: Path) -> None:
    """Gives a file the owner and rights of the one before, else of its folder: Asterisk has its own user."""
    like = target if target.exists() else target.parent
    was, now = like.stat(), partial.stat()
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        os.chown(partial, was.st_uid, was.st_gid)
    partial.chmod(was.st_mode & 0o666)


def _report(texts: dict[Path, str], changed: dict[Path, str]) -> None:
    for path in texts:
        if path in changed:
            say("{path} written", path=path)
        else:
            say("{path} says this already and stays as it is", path=path)
    if changed:
        say('next, on the PBX: asterisk -rx "module reload features", and app_confbridge likewise')
