"""callrec rule export and import: writes and reads the whole office as one TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callrec import toml_text
from callrec.commands.common import app, say
from callrec.commands.office_steps import carry_out, read_input
from callrec.commands.rule_check import warn_of_callers
from callrec.errors import Refused, WrongUsage
from callrec.failures import why
from callrec.files import write_new
from callrec.model.rules import Rule
from callrec.policy.office import Office
from callrec.policy.rules import check
from callrec.rulebook import office_file
from callrec.rulebook.difference import Step, difference

if TYPE_CHECKING:
    from callrec.prompts.library import Library


@click.command("export")
@click.argument("path", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.pass_context
def export(ctx: click.Context, path: Path) -> None:
    """Write facilities, extensions and rules to one TOML file. An existing file is not replaced."""
    here = app(ctx)
    office = here.office()
    _write_new(path, office_file.write(office, here.settings.office.zone))
    say(
        "{facilities} facilities, {extensions} extensions and {rules} rules are in {path}",
        facilities=len(office.facilities),
        extensions=len(office.extensions),
        rules=len(office.rules),
        path=path,
    )


@click.command("import")
@click.argument("path", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_context
def import_(ctx: click.Context, path: Path, dry_run: bool) -> None:
    """Make the office what a TOML file says: what is not in the file is removed. All of it or nothing.

    Removed and changed rules keep their versions. Try it with --dry-run first.
    """
    here = app(ctx)
    callers: list[Rule] = []

    def plan(there: Office) -> Sequence[Step]:
        usable = _Check(here.library, there.rules)
        wanted = office_file.parse(_text(path), here.settings.office.zone, here.now, usable)
        callers.extend(wanted.rules)
        return difference(there, wanted)

    carry_out(here, plan, dry_run=dry_run)
    warn_of_callers(callers, here.office())


def _write_new(path: Path, text: str) -> None:
    try:
        write_new(path, text.encode())
    except FileExistsError as error:
        raise Refused("{path} is there already: give another name", path=path) from error
    except OSError as error:
        raise WrongUsage("{path} cannot be written: {problem}", path=path, problem=why(error)) from error


def _text(path: Path) -> str:
    return toml_text.decoded(read_input(path), path)


class _Check:
    """Raises CallrecError for a rule of a file that makes no sense, or whose announcement does not exist.

    A rule that has it already keeps it: what is missing there is for `callrec doctor` to say.
    """

    def __init__(self, library: Library, there: Iterable[Rule]) -> None:
        self._library = library
        self._there = {(rule.id, rule.prompt, rule.languages) for rule in there}

    def __call__(self, rule: Rule) -> None:
        check(rule)
        if (rule.id, rule.prompt, rule.languages) not in self._there:
            for language in rule.languages:
                self._library.get(rule.prompt, language)
