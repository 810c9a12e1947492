"""callrec verify: reads recordings back from the archive and computes every hash again."""

from __future__ import annotations

from collections.abc import Iterator

import click

from callrec.commands.common import Row, desk, emit_each, lists, working
from callrec.desk.operations import verification
from callrec.desk.operations.verification import Verification
from callrec.errors import CheckFailed, EvidenceBroken, NotFound
from callrec.language import translated as _

SHOWN = ("id", "ok", "problems")
KEYS = (*SHOWN, "checked")


@click.command()
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every recording in the archive.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="So many, chosen at random.")
@lists
@click.pass_context
def command(
    ctx: click.Context, ids: tuple[str, ...], everything: bool, sample: int | None, form: str | None
) -> None:
    """Verify recordings: read back from the archive, hashes computed again, manifest and log checked."""
    found = desk(ctx).do(verification.verify_recordings, list(ids), everything, sample)
    seen: list[Verification] = []
    emit_each(_rows(found, seen), KEYS if form else SHOWN, form)
    _judge(seen)


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
    failed = sum(not each.ok for each in seen)
    if failed:
        raise EvidenceBroken("{count} of {total} recordings do not verify", count=failed, total=len(seen))
    covered = sum(bool(each.covered) for each in seen)
    if covered:
        raise CheckFailed(
            "{count} of {total} recordings are whole, but somebody put something over them in the bucket",
            count=covered,
            total=len(seen),
        )
