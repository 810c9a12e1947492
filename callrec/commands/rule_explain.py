"""callrec rule explain: says what would happen with a call, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.call_words import DIRECTIONS, dialled_in_words, facility_in_words, number_in_words
from callrec.commands.common import now, office_now, print_json, say, tell
from callrec.dates import parse_moment
from callrec.errors import WrongUsage
from callrec.language import translated as _
from callrec.model.rules import Announce, Decision, Direction
from callrec.numbers import Number, read_number
from callrec.policy.combine import combine, is_final
from callrec.policy.office import Office
from callrec.rulebook import explanation


@dataclass(frozen=True, slots=True)
class Asked:
    """The call that is asked about. `dialled` is a service number, `extension` the one that answers.

    `at` is the moment it is decided for, also where office.shift_s moves the clock.
    """

    direction: Direction
    extension: str | None
    dialled: str | None
    caller: Number | None
    at: datetime


@click.command()
@click.option("--extension", metavar="NUMBER", help="The extension that calls, or that answers.")
@click.option("--number", "dialled", metavar="NUMBER", help="The service number that was dialled.")
@click.option(
    "--direction",
    type=click.Choice([each.value for each in Direction]),
    default=Direction.INBOUND.value,
    help="The direction of the call (default: inbound).",
)
@click.option("--at", metavar="MOMENT", default="now", help="When, such as 2026-11-22 10:30 (default: now).")
@click.option(
    "--caller", metavar="NUMBER", help="The number outside; of an internal call the other extension."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def explain(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Explain what would happen with a call, which rule says so, and why each other rule lost.

    With --number the gate decides by the number that is dialled; with --extension beside it, the
    extension that answers decides again.
    """
    parts = office_now(ctx)
    office, zone = parts.office(), parts.zone
    asked = _asked(given, office, zone, now())
    decision = decide(office, asked)
    if as_json:
        print_json(_plain(decision))
    else:
        _tell(office, zone, asked, decision)


def decide(office: Office, asked: Asked) -> Decision:
    """Returns the decision of the call: at the gate, of the extension, or of both."""
    decisions = [_decision(office, asked, each) for each in (asked.dialled, asked.extension) if each]
    return combine(*decisions) if len(decisions) == 2 else decisions[0]


def _decision(office: Office, asked: Asked, number: str) -> Decision:
    facts = office.facts(asked.direction, _parties(asked, number), asked.caller, asked.at)
    return office.decide(replace(facts, at=asked.at))


def _parties(asked: Asked, extension: str) -> list[str]:
    """Returns the extensions of a call; an internal one has two."""
    other = asked.caller if asked.direction is Direction.INTERNAL else None
    return [extension, other] if other else [extension]


def _asked(given: dict[str, Any], office: Office, zone: ZoneInfo, now: datetime) -> Asked:
    if not given["extension"] and not given["dialled"]:
        raise WrongUsage("say which call: --extension 2101, or --number 6000 for a service number")
    direction = Direction(given["direction"])
    return Asked(
        direction,
        read_number(given["extension"], outside=False) if given["extension"] else None,
        office.person_of(read_number(given["dialled"], outside=False)) if given["dialled"] else None,
        _other_party(given["caller"], direction, office) if given["caller"] else None,
        parse_moment(given["at"], zone, office.shifted(now)),
    )


def _other_party(text: str, direction: Direction, office: Office) -> Number | None:
    """Returns the other party's number as it will be compared: of a call to the outside, without prefixes."""
    number = read_number(text, outside=direction is not Direction.INTERNAL)
    return office.other_party(number, direction)


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "mode": decision.mode,
        "announce": decision.announce,
        "languages": list(decision.languages),
        "retain_days": decision.retain_days,
        "unannounced": decision.unannounced,
        "beep_s": decision.beep_s,
        "rule": decision.rule,
        "version": decision.version,
        "reason": decision.reason,
        "considered": [{"rule": each.rule, "won": each.won, "why": each.why} for each in decision.considered],
    }


def _tell(office: Office, zone: ZoneInfo, asked: Asked, decision: Decision) -> None:
    for line in _call(office, asked, zone):
        tell(line)
    late = _is_late(office, asked, decision)
    played = replace(decision, announce=Announce.ON_START) if late else decision
    for line in (*explanation.verdict(played), *_of_gate(office, asked, late=late)):
        tell(f"  {line}")
    if not decision.considered:
        say("No rule is about this call.")
        return
    say("Rules that were looked at:")
    known = {(rule.id, rule.version): rule for rule in office.rules}
    for line in explanation.candidates(decision, known, zone, office.names):
        tell(f"  {line}")


def _is_late(office: Office, asked: Asked, decision: Decision) -> bool:
    """Tells whether the rules want the announcement before the phone rings, and the gate cannot know it yet:
    then it is played at the start."""
    if not asked.dialled or decision.announce is not Announce.BEFORE_CONNECT:
        return False
    return _decision(office, asked, asked.dialled).announce is not Announce.BEFORE_CONNECT


def _of_gate(office: Office, asked: Asked, *, late: bool) -> Iterator[str]:
    """Yields what the gate decides, and what it cannot know."""
    if not asked.dialled:
        return
    if not asked.extension and not is_final(_decision(office, asked, asked.dialled)):
        yield _("decided at the gate; who answers decides whether it is recorded: give --extension, too")
    if late:
        yield _(
            "the rule says before the phone rings, but who will answer is not known then: for that, give the "
            "number dialled a rule with --announce before-connect"
        )


def _call(office: Office, asked: Asked, zone: ZoneInfo) -> list[str]:
    """Returns the call in words: what was dialled, who answers, who calls, and when."""
    return [
        _("call: {direction}, {moment}").format(
            direction=_(DIRECTIONS[asked.direction]), moment=explanation.on_the_clock(asked.at, zone)
        ),
        *([_dialled(office, asked.dialled)] if asked.dialled else []),
        *([_party(office, asked.extension, _("extension"))] if asked.extension else []),
        *([_("other party: {number}").format(number=number_in_words(asked.caller))] if asked.caller else []),
    ]


def _dialled(office: Office, number: str) -> str:
    """Returns the number dialled. One that nobody knows may be that of the other party, at a wrong place."""
    unknown = _(
        "belongs to no facility: see callrec extension add; the number outside is given with --caller"
    )
    return _party(office, number, _("number dialled"), unknown)


def _party(office: Office, number: str, what: str, unknown: str = "") -> str:
    known = office.extensions.get(number)
    if known is None:
        place = unknown or _("belongs to no facility: see callrec extension add")
    else:
        facility = facility_in_words(known.facility, office.names)
        place = ", ".join(filter(None, (known.name, facility)))
    return f"{what}: {dialled_in_words(number)} ({place})"
