"""callrec policy: writes the office's own papers about its recording, and cards for its phones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from callrec.commands.common import desk, now, say
from callrec.dates import in_era, parse_date, parse_moment
from callrec.desk.operations.policy import PolicyFacts, card_facts, policy_facts
from callrec.errors import NotFound, WrongUsage
from callrec.forms.page import write
from callrec.forms.policy import Paper, phone_cards, policy_papers
from callrec.model.office import Extension
from callrec.model.rules import Mode
from callrec.rulebook import papers
from callrec.settings import KeySettings

_output = click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    help="The page to write, to be printed by a browser.",
)


@click.group()
def command() -> None:
    """The office's own papers about its recording, made of the rules in force."""


@command.command()
@click.option("--office", "name", default="〇〇区", show_default=True, help="What the office is called.")
@click.option("--on", "day", metavar="DATE", help="The day as of which the rules are taken (default: today).")
@click.option(
    "--part",
    "wanted",
    multiple=True,
    type=click.Choice([each.value for each in Paper]),
    help="Only this: the draft of the regulation, the text for the public, blank forms. May be repeated.",
)
@_output
@click.pass_context
def text(ctx: click.Context, name: str, day: str | None, wanted: tuple[str, ...], output: Path) -> None:
    """Write a draft regulation, a text for the public and blank forms, in Japanese, of the rules in force.

    Rules that begin later are in it, with their day. Numbers outside that rules are about are left out.
    """
    facts = desk(ctx).do(policy_facts)
    chosen = [Paper(each) for each in dict.fromkeys(wanted)] or list(Paper)
    _write(output, lambda: policy_papers(chosen, name, **_values(facts, _moment(facts, day))))
    say(
        "before it is published: let the legal section read it, fill in what stands in brackets, and look "
        "whether callrec purge runs daily, since it says that recordings are destroyed",
        err=True,
    )


@command.command()
@click.argument("extensions", metavar="[NUMBER]...", nargs=-1)
@click.option("--facility", metavar="CODE", help="All phones of this facility.")
@click.option(
    "--at",
    metavar="MOMENT",
    help="The rules as they decide then, such as 2026-09-01 10:00 (default: ten o'clock of the next "
    "working day).",
)
@click.option("--blank", is_flag=True, help="Cards to be filled in by hand, with the usual keys.")
@_output
@click.pass_context
def card(
    ctx: click.Context,
    extensions: tuple[str, ...],
    facility: str | None,
    at: str | None,
    blank: bool,
    output: Path,
) -> None:
    """Write a page for staff, and a card for each telephone, in Japanese: keys, tones, what to say.

    A card has the keys of callrec.toml, how the phone is recorded by the rules, and who is called to help.
    Without numbers or a facility there is one for every phone.
    """
    if blank and (extensions or facility or at):
        given = facility or at or extensions[0]
        raise WrongUsage("--blank is for no phone: leave {given} out", given=given)
    _write(output, _blank if blank else lambda: _cards(ctx, extensions, facility, at))


def _values(facts: PolicyFacts, at: datetime) -> dict[str, object]:
    """Returns what the templates are filled with."""
    lines = papers.lines(facts.office, at)
    recording = [each for each in lines if each.mode is not Mode.NEVER]
    shortest, longest = papers.span_of_kept(facts.office, at)
    return {
        "today": in_era(at.astimezone(facts.office.zone).date()),
        "begins": papers.begins(facts.office, at),
        "lines": lines,
        "recording": recording,
        "unrecorded": [each for each in lines if each.mode is Mode.NEVER],
        "announcements": papers.announcements(recording, facts.prompts),
        "silent": any(not each.prompts for each in recording),
        "shortest": shortest,
        "longest": longest,
    }


def _moment(facts: PolicyFacts, day: str | None) -> datetime:
    """Returns the moment as of which rules are taken: the beginning of the day, or now."""
    here = now().astimezone(facts.office.zone)
    if day is None:
        return here
    return datetime.combine(parse_date(day, here.date()), datetime.min.time(), facts.office.zone)


def _blank() -> str:
    return phone_cards(KeySettings().codes, papers.MODES_IN_JAPANESE, [])


def _cards(ctx: click.Context, numbers: tuple[str, ...], facility: str | None, at: str | None) -> str:
    facts = desk(ctx).do(card_facts)
    zone = facts.office.zone
    moment = parse_moment(at, zone, now()) if at else papers.working_hour(now(), zone)
    found = papers.cards(facts.office, _phones(facts, numbers, facility), moment)
    if not found:
        raise NotFound("there is no phone for a card: see callrec extension list")
    return phone_cards(facts.codes, papers.MODES_IN_JAPANESE, found)


def _phones(facts: PolicyFacts, numbers: tuple[str, ...], facility: str | None) -> list[Extension]:
    """Returns the extensions that are asked for. Raises NotFound where one, or the facility, is not there."""
    known = {each.number: each for each in facts.office.extensions}
    for number in numbers:
        if number not in known:
            raise NotFound("there is no extension {number}: see callrec extension list", number=number)
    codes = {each.code for each in facts.office.facilities if facility in (each.code, each.name)}
    if facility and not codes:
        raise NotFound("there is no facility {code}: see callrec facility list", code=facility)
    of_facility = [each for each in known.values() if each.facility in codes]
    named = [known[number] for number in dict.fromkeys(numbers)]
    return [*named, *of_facility] if named or facility else list(known.values())


def _write(output: Path, made: Callable[[], str]) -> None:
    if output.suffix.lower() != ".html":
        raise WrongUsage("{path} is no name of a page: write FILE.html", path=output)
    write(output, made())
    say("{path} written: open it in a browser and print it", path=output)
