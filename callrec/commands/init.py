"""callrec init: writes the configuration file, and makes a database ready."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from callrec import settings_file
from callrec.app import App
from callrec.commands.common import say
from callrec.configuration import Answers, check_place, write_file
from callrec.errors import Refused
from callrec.language import translated
from callrec.settings_file import PLACES

QUESTIONS = {
    "database_url": "Where the catalogue is kept (an SQLAlchemy URL).",
    "spool": "The folder where recordings wait for the archive.",
    "ari_url": "The PBX's ARI address.",
    "ari_password": "The password of ARI user callrec (printed by asterisk/install).",
    "ami_host": "The PBX's AMI address.",
    "ami_port": "The PBX's AMI port.",
    "ami_password": "The password of AMI user callrec (printed by asterisk/install).",
    "s3_url": "The S3 server's address.",
    "bucket": "The bucket, made with Object Lock.",
    "access_key": "The S3 access key.",
    "secret_key": "The S3 secret key.",
}
SECRETS = {"ari_password", "ami_password", "secret_key"}


def _questions(command: Any) -> Any:
    for name, text in reversed(QUESTIONS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, help=text)(command)
    return command


@click.command()
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take what is given, else the defaults.")
@_questions
@click.pass_context
def command(ctx: click.Context, /, non_interactive: bool, **given: str | None) -> None:
    """Write callrec.toml, and create or upgrade the database.

    A configuration file that is there is left as it is; then only the database is upgraded.
    """
    path = (settings_file.find_file(ctx.find_root().obj) or PLACES[0]).absolute()
    if path.exists():
        if any(given.values()):
            raise Refused("{path} is there already: change it with an editor, nothing was written", path=path)
        say("{path} is there already and stays as it is", path=path)
        url = _ready(path)
    else:
        url = _written(path, given, ask=not non_interactive)
    say("the database {url} is ready", url=url)
    say("next: callrec doctor")


def _ready(path: Path) -> str:
    """Makes the spool and the database of a configuration ready; returns where the database is.

    Raises WrongConfiguration, and Unreachable for a database that does not answer.
    """
    here = App(settings_file.load(str(path)))
    with closing(here):
        here.spool  # noqa: B018 (makes its folders)
        here.database.upgrade()
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
        value = given[name]
        if value is None and ask:
            shown = None if name in SECRETS else getattr(answers, name)
            value = click.prompt(
                _question(text), default=shown or "", show_default=bool(shown), hide_input=name in SECRETS
            )
        if value is not None:
            setattr(answers, name, value)
    return answers


def _question(text: str) -> str:
    return translated(text).rstrip(".。")
