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
from callrec.commands import init_owner, init_steps, init_trial
from callrec.commands.common import say
from callrec.commands.given_file import read_file, read_stdin
from callrec.configuration import Answers, beside, check_place, has_password, read_answers, write_file
from callrec.errors import Refused, WrongUsage
from callrec.language import translated
from callrec.permissions import too_wide

QUESTIONS = {
    "database_url": "Where the catalogue is kept (an SQLAlchemy URL).",
    "spool": "The folder where recordings wait for the archive.",
    "ari_url": "The PBX's ARI address.",
    "ari_password": "The password of ARI user callrec (callrec pbx install writes it into init.toml).",
    "ami_host": "The PBX's AMI address.",
    "ami_port": "The PBX's AMI port.",
    "ami_password": "The password of AMI user callrec (callrec pbx install writes it into init.toml).",
    "s3_url": "The S3 server's address.",
    "bucket": "The bucket, made with Object Lock.",
    "access_key": "The S3 access key.",
    "secret_key": "The S3 secret key.",
}
SECRETS = {"ari_password", "ami_password", "secret_key"}
FOLDERS = {"spool", "evidence_keys", "prompts", "desk_socket"}
"""Answers that are paths of this machine."""


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
    "callrec pbx install writes one: init.toml.",
)
@click.option("--make-bucket", is_flag=True, help="Make the bucket, with Object Lock, where there is none.")
@click.option(
    "--user",
    help="The account that everything is to belong to; root gives what goes by /etc/callrec/callrec.toml to "
    "callrec, and makes that account.",
)
@_questions
@click.pass_context
def command(
    ctx: click.Context,
    /,
    non_interactive: bool,
    files: tuple[str, ...],
    make_bucket: bool,
    user: str | None,
    **given: str | None,
) -> None:
    """Write callrec.toml, and create or upgrade the database.

    PBX, S3 server and database are tried with each answer; what does not answer yet is told, and keeps
    nothing from being written. A configuration file that is there is left as it is; then only the database
    is upgraded.

    Secrets are asked for, or read from a file (--answers): never give them as arguments.
    """
    options = {name: value for name, value in given.items() if value is not None}
    given = {**_from_files(files), **options}
    path = (places.find_file(ctx.find_root().obj.config) or places.CONFIGURATION[0]).absolute()
    owner, ask = init_owner.of(path, user), not non_interactive and "-" not in files
    answers = None
    if path.exists():
        if any(given.values()):
            raise Refused("{path} is there already: change it with an editor, nothing was written", path=path)
        say("{path} is there already and stays as it is", path=path)
        url = _ready(path, owner)
    else:
        answers = _answers(path, given, ask=ask)
        url = _written(path, answers, owner)
    say("the database {url} is ready", url=url)
    owner.take(path)
    if make_bucket:
        init_trial.make_bucket(settings_file.load(str(path)))
    if answers and not ask:
        for part in init_trial.PARTS:
            init_trial.works(part, answers, path, asks=False)
    init_steps.tell(path)


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


def _ready(path: Path, owner: init_owner.Owner) -> str:
    """Makes announcements, spool, signing key and database ready; returns where the database is.

    Raises WrongConfiguration, and Unreachable for a database that does not answer.
    """
    here = App(settings_file.load(str(path)))
    owner.look(here.settings)
    with closing(here):
        here.make_way_to_prompts()  # first: the folder around all of it is one that the PBX can go through
        here.make_spool()
        here.furnish()
        here.database.check_makeable()
        here.database.upgrade()  # first: without a key calls are recorded all the same, and wait in the spool
        here.keys.first(here.who, here.now)
        return here.database.shown


def _answers(path: Path, given: dict[str, str | None], *, ask: bool) -> Answers:
    """Returns what was given, and what is typed where somebody is asked."""
    check_place(path)
    say("the configuration goes to {path}", path=path)
    known = {name: _from_the_root(name, value) for name, value in given.items() if value is not None}
    answers = Answers(**known)  # type: ignore[arg-type]  # all that can be given are texts
    for part in init_trial.PARTS if ask else ():
        _ask_until_it_answers(part, answers, set(part.answers) - known.keys(), path)
    answers.prompts = answers.prompts or beside(answers.spool, "prompts")
    return answers


def _written(path: Path, answers: Answers, owner: init_owner.Owner) -> str:
    """Writes a configuration file whose spool and database are ready; returns where the database is."""
    urls: list[str] = []
    write_file(path, answers, lambda draft: urls.append(_ready(draft, owner)))
    say("{path} written; only its owner can read it", path=path)
    return urls[0]


def _ask_until_it_answers(part: init_trial.Part, answers: Answers, asked: set[str], path: Path) -> None:
    """Asks for what of a part is not known, then for all of it, until it answers or nothing else is typed.

    Where nobody sits at a terminal, it is asked for once.
    """
    before = _ask(asked, part, answers)
    while not init_trial.works(part, answers, path, asks=True) and sys.stdin.isatty():
        say("type it again, or press Enter where it is to stay as it is")
        if before == (before := _ask(set(part.answers), part, answers)):
            return


def _ask(names: set[str], part: init_trial.Part, answers: Answers) -> dict[str, str]:
    """Asks for some of the answers of a part; returns all of them. What is not typed anew stays."""
    for name in part.answers:
        if name in names:
            typed = _asked(QUESTIONS[name], getattr(answers, name), secret=name in SECRETS)
            setattr(answers, name, _from_the_root(name, typed))
    return {name: getattr(answers, name) for name in part.answers}


def _asked(text: str, default: str, *, secret: bool) -> str:
    """Returns what is typed as an answer, else the default; of a secret nothing is seen on a terminal.

    Raises WrongUsage where nobody is there to answer.
    """
    hidden = secret and sys.stdin.isatty()
    try:
        return str(
            click.prompt(
                _question(text), default=default, show_default=bool(default) and not secret, hide_input=hidden
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
    if name in FOLDERS and value:
        return str(Path(value).absolute())
    relative = re.fullmatch(r"sqlite:///([^/?:][^?:]*)", value) if name == "database_url" else None
    return f"sqlite:///{Path(relative[1]).absolute()}" if relative else value


def _question(text: str) -> str:
    return translated(text).rstrip(".。")
