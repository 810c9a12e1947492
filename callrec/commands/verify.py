"""callrec verify: reads recordings back from the archive, computes every hash again, and compares all that is
told of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from callrec.commands.common import Row, desk, emit_each, lists, now, say, working, zone
from callrec.dates import parse_range
from callrec.desk.operations import verification
from callrec.desk.operations.verification import Verification
from callrec.errors import CheckFailed, EvidenceBroken, NotFound, Unreachable
from callrec.language import translated as _

SHOWN = ("id", "ok", "problems")
KEYS = (*SHOWN, "checked")


@click.command()
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Every recording, and whatever is missing or left over."
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="So many, chosen at random.")
@click.option("--since", metavar="DATE", help="Only recordings begun on that day or later.")
@click.option("--after", metavar="ID", help="Go on after that one, where a run was interrupted.")
@click.option("--decode", is_flag=True, help="Decode the sound, too, and compare its samples: slower.")
@lists
@click.pass_context
def command(
    ctx: click.Context,
    ids: tuple[str, ...],
    everything: bool,
    sample: int | None,
    since: str | None,
    after: str | None,
    decode: bool,
    form: str | None,
) -> None:
    """Verify recordings: bytes, signature, locks, custody log and catalogue, against each other."""
    begin = _since(ctx, since)
    found = desk(ctx).do(verification.verify_recordings, list(ids), everything, sample, begin, after, decode)
    seen: list[Verification] = []
    try:
        emit_each(_rows(found, seen), KEYS if form else SHOWN, form)
    except (Unreachable, KeyboardInterrupt):
        if seen and not ids and sample is None:
            say("interrupted: go on with --after {id}", id=seen[-1].id, err=True)
        raise
    _judge(seen)


def _since(ctx: click.Context, text: str | None) -> datetime | None:
    """Returns the beginning of the day that was given."""
    return None if text is None else parse_range(text, zone(ctx), now())[0]


def _rows(found: Iterator[Verification], seen: list[Verification]) -> Iterator[Row]:
    """Yields one row a recording, each as soon as it is known, and keeps what they are of in `seen`."""
    while True:
        with working(_("recording {number}").format(number=len(seen) + 1)):
            each = next(found, None)
        if each is None:
            return
        seen.append(each)
        problems = [problem.shown() for problem in each.problems]
        yield {"id": each.id, "ok": each.ok, "problems": problems, "checked": each.checked}


def _judge(seen: list[Verification]) -> None:
    """Raises the error that the results come to; returns where all is well."""
    if not seen:
        raise NotFound("there is no recording in the archive yet")
    total = sum(each.id != verification.CUSTODY for each in seen)
    failed = sum(not each.ok and each.id != verification.CUSTODY for each in seen)
    if failed:
        raise EvidenceBroken("{count} of {total} recordings do not verify", count=failed, total=total)
    if total < len(seen):
        raise EvidenceBroken("the custody log does not verify: see callrec custody verify")
    covered = sum(bool(each.covered) for each in seen)
    if covered:
        raise CheckFailed(
            "{count} of {total} recordings are whole, but somebody put something over them in the bucket",
            count=covered,
            total=total,
        )
