"""callrec pbx: what callrec has in the configuration of the PBX. `config` prints or writes the keys."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from callrec import settings_file
from callrec.commands.common import say, tell
from callrec.commands.pbx_check import check
from callrec.commands.pbx_install import install
from callrec.commands.pbx_remove import remove
from callrec.errors import CheckFailed, Refused
from callrec.failures import why
from callrec.files import AS_BEFORE, draft, publish
from callrec.pbx import feature_codes
from callrec.settings import KeySettings


@click.group()
def command() -> None:
    """The configuration of the PBX."""


command.add_command(install)
command.add_command(remove)
command.add_command(check)


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
    codes = settings_file.load(ctx.find_root().obj.config).keys
    name = feature_codes.CONFERENCE if conference else feature_codes.FEATURES
    if output is None:
        for line in feature_codes.include(name, codes).splitlines():
            tell(line)
        return
    texts = _texts(output, name, codes)
    changed = {path: text for path, text in texts.items() if _read(path) != text}
    if not force:
        _refuse_to_replace(changed)
    _write(changed)
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
    """Returns the text of a file; None when there is none, or no file, which cannot be replaced either."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return None
        return path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise CheckFailed("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def _write(changed: dict[Path, str]) -> None:
    """Writes the files, whole or not at all. What is replaced keeps its owner, who may be Asterisk's user."""
    with ExitStack() as stack:
        try:
            drafts = [stack.enter_context(draft(path, mode=AS_BEFORE)) for path in changed]
            for made, text in zip(drafts, changed.values(), strict=True):
                made.write(text.encode())
            publish(*drafts)
        except OSError as error:
            raise CheckFailed(
                "{path} cannot be written: {problem}", path=next(iter(changed)), problem=why(error)
            ) from error


def _report(texts: dict[Path, str], changed: dict[Path, str]) -> None:
    for path in texts:
        if path in changed:
            say("{path} written", path=path)
        else:
            say("{path} says this already and stays as it is", path=path)
    if changed:
        say('next, on the PBX: asterisk -rx "module reload features", and app_confbridge likewise')
