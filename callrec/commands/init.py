"""callrec init: writes the configuration file, and makes a database ready.

Secrets are asked for, or come from a file or standard input: what stands in the arguments can be read by
everybody on this machine, and stays in the shell's history.
"""

from __future__ import annotations

import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from callrec import places, settings_file, toml_text
from callrec.app import App
from callrec.commands.common import say
from callrec.commands.given_file import read_file, read_stdin
from callrec.configuration import Answers, check_place, has_password, read_answers, write_file
from callrec.errors import Refused, WrongUsage
from callrec.language import translated
from callrec.permissions import too_wide

QUESTIONS = {
    "database_url": "Where the catalogue is kept (an SQLAlchemy URL).",
    "spool": "The folder where recordings wait for the archive.",
    "ari_url": "The PBX's ARI address.",
    "ari_password": "The password of ARI user callrec (asterisk/install writes it into init.toml).",
    "ami_host": "The PBX's AMI address.",
    "ami_port": "The PBX's AMI port.",
    "ami_password": "The password of AMI user callrec (asterisk/install writes it into init.toml).",
    "s3_url": "The S3 server's address.",
    "bucket": "The bucket, made with Object Lock.",
    "access_key": "The S3 access key.",
    "secret_key": "The S3 secret key.",
}
SECRETS = {"ari_password", "ami_password", "secret_key"}


def _questions(command: Any) -> Any:
    for name, text in reversed(QUESTIONS.items()):
        secret = name in SECRETS
        option = click.option(
            f"--{name.replace('_', '-')}",
            name,
            help=text,
            hidden=secret,
            callback=_refuse_secret if secret else _refuse_password,
        )
        command = option(command)
    return command


def _refuse_secret(_ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        raise WrongUsage(
            "{option} would show a secret to everybody on this machine: write {name} = … into a file that "
            "only you can read, and give --answers FILE",
            option=option.opts[0],
            name=option.name,
        )
    return value


def _refuse_password(_ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuses an address that has a password in it."""
    if value is not None and has_password(value):
        _refuse_secret(_ctx, option, value)
    return value


@click.command()
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take what is given, else the defaults.")
@click.option(
    "--answers",
    "files",
    metavar="FILE",
    multiple=True,
    help="A file of TOML that only you can read, with answers and secrets; - is standard input. "
    "asterisk/install writes one: init.toml.",
)
@_questions
@click.pass_context
def command(
    ctx: click.Context, /, non_interactive: bool, files: tuple[str, ...], **given: str | None
) -> None:
    """Write callrec.toml, and create or upgrade the database.

    A configuration file that is there is left as it is; then only the database is upgraded.

    Secrets are asked for, or read from a file (--answers): never give them as arguments.
    """
    options = {name: value for name, value in given.items() if value is not None}
    given = {**_from_files(files), **options}
    path = (places.find_file(ctx.find_root().obj.config) or places.CONFIGURATION[0]).absolute()
    if path.exists():
        if any(given.values()):
            raise Refused("{path} is there already: change it with an editor, nothing was written", path=path)
        say("{path} is there already and stays as it is", path=path)
        url = _ready(path)
    else:
        url = _written(path, given, ask=not non_interactive and "-" not in files)
    say("the database {url} is ready", url=url)
    say("next: callrec doctor")


def _from_files(names: tuple[str, ...]) -> dict[str, str | None]:
    """Returns the answers of files; a later one counts more. Raises WrongUsage, Refused."""
    found: dict[str, str | None] = {}
    for name in names:
        found |= read_answers(Path(name), _text(name))
    return found


def _text(name: str) -> str:
    """Returns what is in a file, or on standard input. Raises Refused where others can read it."""
    if too_wide([Path(name)]):
        raise Refused("others can read {path}: chmod 600 {path}, and change what is secret in it", path=name)
    return read_stdin() if name == "-" else toml_text.decoded(read_file(Path(name)), Path(name))


def _ready(path: Path) -> str:
    """Makes spool, signing key and database of a configuration ready; returns where the database is.

    Raises WrongConfiguration, and Unreachable for a database that does not answer.
    """
    here = App(settings_file.load(str(path)))
    with closing(here):
        here.make_spool()
        here.database.upgrade()  # first: without a key calls are recorded all the same, and wait in the spool
        here.keys.first(here.who, here.now)
        return here.database.shown


def _written(path: Path, given: dict[str, str | None], *, ask: bool) -> str:
    """Writes a configuration file whose spool and database are ready; returns where the database is."""
    check_place(path)
    say("the configuration goes to {path}", path=path)
    urls: list[str] = []
    write_file(path, _answers(given, ask=ask), lambda draft: urls.append(_ready(draft)))
    say("{path} written; only its owner can read it", path=path)
    return urls[0]


def _answers(given: dict[str, str | None], *, ask: bool) -> Answers:
    answers = Answers()
    for name, text in QUESTIONS.items():
        value = given.get(name)
        if value is None and ask:
            value = _asked(text, None if name in SECRETS else getattr(answers, name))
        if value is not None:
            setattr(answers, name, _from_the_root(name, value))
    return answers


def _asked(text: str, default: str | None) -> str:
    """Returns what is typed as an answer; of a secret, which has no default, nothing is seen on a terminal.

    Raises WrongUsage where nobody is there to answer.
    """
    hidden = default is None and sys.stdin.isatty()
    try:
        return str(
            click.prompt(
                _question(text), default=default or "", show_default=bool(default), hide_input=hidden
            )
        )
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise WrongUsage(
                "nobody answers: give --non-interactive, and --answers FILE for secrets"
            ) from error
        raise


def _from_the_root(name: str, value: str) -> str:
    """Returns a path, also that in the address of a database, as one that means the same in every folder."""
    if name == "spool" and value:
        return str(Path(value).absolute())
    relative = re.fullmatch(r"sqlite:///([^/?:][^?:]*)", value) if name == "database_url" else None
    return f"sqlite:///{Path(relative[1]).absolute()}" if relative else value


def _question(text: str) -> str:
    return translated(text).rstrip(".。")
