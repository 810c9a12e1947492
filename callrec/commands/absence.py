"""callrec absence: writes a signed page that says why there is no recording of calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from callrec import language
from callrec.catalogue.absences import AbsenceScope
from callrec.commands.common import desk, now, print_json, say, working
from callrec.dates import parse_end, parse_moment
from callrec.desk.operations import absences
from callrec.desk.operations.absences import AbsencePage
from callrec.desk.operations.searching import conventions
from callrec.errors import CheckFailed, Refused, WrongUsage
from callrec.failures import why
from callrec.files import draft
from callrec.model.office import Conventions
from callrec.numbers import normalise, read_number
from callrec.signing import parsed


@click.command()
@click.option("--extension", metavar="NUMBER", help="Calls this extension took part in.")
@click.option("--number", metavar="NUMBER", help="Calls with this number outside.")
@click.option("--facility", metavar="CODE", help="Calls of this facility.")
@click.option("--from", "begin", metavar="MOMENT", required=True, help="From when, such as 2026-11-22 10:30.")
@click.option(
    "--to", "end", metavar="MOMENT", required=True, help="Until when: a moment, or a day, which is included."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(path_type=Path, readable=False),
    help="The page to write; a new one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the signed document of the page.")
@click.pass_context
def command(
    ctx: click.Context,
    extension: str | None,
    number: str | None,
    facility: str | None,
    begin: str,
    end: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write a signed page that says of calls why there is no recording of them, or that there is one.

    It names each call that was, with the rule in force and what became of its recording, how far the records
    are whole, and what callrec cannot know. That it was made is written down.
    """
    if output is None and not as_json:
        raise WrongUsage("say where to write the page: -o FILE.html")
    if output and output.suffix.lower() != ".html":
        raise WrongUsage("{path} is no name of a page: write FILE.html", path=output)
    here = desk(ctx)
    office = here.do(conventions)
    scope = _scope(office, extension, number, facility, begin, end)

    def ask() -> AbsencePage:
        with working(str(output or "absence"), err=True):
            return here.do(absences.absence, scope, "ja" if language.choose() == "ja" else "en")

    made = _written(output, ask) if output else ask()
    if as_json:
        print_json(parsed(made.document.encode()))
    elif output:
        say("{path}", path=output)


def _scope(
    office: Conventions,
    extension: str | None,
    number: str | None,
    facility: str | None,
    begin: str,
    end: str,
) -> AbsenceScope:
    """Returns what is meant. An option that is there but empty is read too: it must not mean any."""
    read = partial(read_number, outside=True)
    return AbsenceScope(
        parse_moment(begin, office.zone, now()),
        parse_end(end, office.zone, now()),
        None if extension is None else read_number(extension, outside=False),
        facility,
        None if number is None else normalise(read(number)),
        None if number is None else normalise(number, office.prefixes),
    )


def _written(path: Path, ask: Callable[[], AbsencePage]) -> AbsencePage:
    """Writes the page that is asked for. Where it cannot be written, nothing is asked."""
    try:
        with draft(path, new=True) as file:
            made = ask()
            file.write(made.html.encode())
            file.publish()
    except FileExistsError as error:
        raise Refused("{path} is there already: give another name", path=path) from error
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
    return made
