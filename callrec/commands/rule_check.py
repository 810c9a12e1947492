"""callrec rule check: finds what an admin should look at. How, is said by callrec.rulebook.review."""

from __future__ import annotations

from collections.abc import Iterable

import click

from callrec.commands.common import desk, emit, lists, now, office_now, say
from callrec.desk.operations.rules import pbx_phones
from callrec.errors import CallrecError, CheckFailed
from callrec.language import translated as _
from callrec.model.rules import Rule
from callrec.policy.office import Office
from callrec.rulebook import review
from callrec.rulebook.review import Finding

COLUMNS = {"_kind": "kind", "subject": "which", "words": "finding"}
KEYS = ("code", "kind", "subject", "words")
WORDS = {"rule": "rule", "facility": "facility", "extension": "extension"}


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the PBX for its phones.")
@lists
@click.pass_context
def check(ctx: click.Context, offline: bool, form: str | None) -> None:
    """Find rules that can never win or end within 30 days, gaps without a rule, and unknown phones.

    Exit code 1 when there is something to look at.
    """
    parts = office_now(ctx)
    office = parts.office()
    found = review.of_rules(office, office.shifted(now()), parts.zone)
    failed: CallrecError | None = None
    if not offline:
        try:
            phones = desk(ctx).do(pbx_phones)
            found += review.of_pbx(office, phones.endpoints, phones.trunks)
        except CallrecError as error:
            failed = error  # what was found without it is told first
    emit([_row(each) for each in found], COLUMNS, form, "nothing to look at", KEYS, prose="words")
    if failed:
        raise failed
    if found:
        raise CheckFailed("to look at: {count}", count=len(found))


def warn_of_callers(rules: Iterable[Rule], office: Office) -> None:
    """Warns of rules about numbers outside that no line is known to have."""
    for finding in (finding for rule in rules for finding in review.of_caller(rule, office)):
        say("warning: {warning}", err=True, warning=finding.words())


def _row(each: Finding) -> dict[str, object]:
    return {
        "code": each.code,
        "kind": each.kind,
        "subject": each.subject,
        "words": each.words(),
        "_kind": _(WORDS[each.kind]),
    }
