"""callrec testcall: makes a call without a phone, and looks whether it is recorded and archived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from callrec.call_words import facility_in_words
from callrec.commands.common import Row, desk, emit, lists, names_in_reach, working, zone
from callrec.desk.operations.testcall import made_test_calls
from callrec.errors import CheckFailed
from callrec.health.testcalls import TestCallResult
from callrec.language import translated as _

KEYS = ("facility", "at", "ok", "problem", "recording_id", "took_s", "succeeded_at")
COLUMNS = {"_facility": "facility", "_how": "test call", "_took": "seconds"}


@click.command()
@click.option("--every-facility", is_flag=True, help="One for each facility, one after the other.")
@lists
@click.pass_context
def command(ctx: click.Context, every_facility: bool, form: str | None) -> None:
    """Make a call that rings no phone: through the gate, recorded, archived, verified, and listened to.

    It needs no rule, and is in no search but with --test-calls. callrec purge destroys its recording after
    retention.testcall_days. Exit code 1 where one fails; callrec status tells it too.
    """
    found = list(_worked_on(iter(desk(ctx).do(made_test_calls, every_facility))))
    names = {} if form else names_in_reach(ctx)
    emit([_row(each, names) for each in found], COLUMNS, form, keys=KEYS, prose="_how", zone=zone(ctx))
    failed = [each for each in found if not each.ok]
    if failed:
        raise CheckFailed(
            "the test call of {facility} failed: {problem}",
            facility=", ".join(each.facility for each in failed),
            problem=failed[0].problem,
        )


def _worked_on(results: Iterator[TestCallResult]) -> Iterator[TestCallResult]:
    while True:
        with working(_("a test call"), err=True):
            result = next(results, None)
        if result is None:
            return
        yield result


def _row(each: TestCallResult, names: Mapping[str, str]) -> Row:
    place = facility_in_words(each.facility, names)
    how = _("recorded, archived, verified and heard") if each.ok else each.problem
    return {
        **{name: getattr(each, name) for name in KEYS},
        "_facility": place,
        "_how": how,
        "_took": each.took_s,
    }
