"""callrec verify: reads recordings back from the archive and computes every hash again."""

from __future__ import annotations

import random
from collections.abc import Iterator

import click

from callrec.archive.retrieval import Retrieval
from callrec.catalogue import custody, finding
from callrec.catalogue.database import Database
from callrec.commands.common import Row, app, emit_each, lists, working
from callrec.errors import CatalogueDamaged, CheckFailed, EvidenceBroken, NotFound, WrongUsage
from callrec.language import translated as _
from callrec.model.access import EVERYWHERE

KEYS = ("id", "verified", "problem")


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
    if sum([bool(ids), everything, bool(sample)]) != 1:
        raise WrongUsage("say what to verify: ids, --all or --sample N")
    here = app(ctx)
    retrieval = Retrieval(here.store, here.database, who=here.who)
    chosen = [each.id for each in retrieval.named(ids)] or _chosen(here.database, sample)
    broken = _altered(here.database, chosen, everything=everything)
    rows: list[Row] = []
    emit_each(_results(retrieval, chosen, rows), KEYS, form)
    _judge(rows, broken)


def _chosen(database: Database, sample: int | None) -> list[str]:
    with database.read() as connection:
        every = finding.recording_ids(connection, reach=EVERYWHERE)
    return random.sample(every, min(sample, len(every))) if sample else every


def _altered(database: Database, chosen: list[str], *, everything: bool) -> int | None:
    """Returns the number of a custody row that was altered: of the whole chain, or of what is verified."""
    with database.read() as connection:
        if everything:  # decision 7
            return custody.broken_at(connection)
        found = (custody.broken_of(connection, id_) for id_ in chosen)
        return next((row for row in found if row is not None), None)


def _results(retrieval: Retrieval, chosen: list[str], rows: list[Row]) -> Iterator[Row]:
    """Yields one row a recording, each as soon as it is known, and keeps them in `rows`."""
    for id_ in chosen:
        with working(id_):
            rows.append(_result(retrieval, id_))
        yield rows[-1]


def _result(retrieval: Retrieval, id_: str) -> Row:
    try:
        covered = retrieval.verify(retrieval.look_up(id_))
    except (EvidenceBroken, CatalogueDamaged) as error:
        return {"id": id_, "verified": False, "problem": error.shown()}
    text = _("whole, but something was put over {keys} later").format(keys=", ".join(covered))
    return {"id": id_, "verified": True, "problem": text if covered else None, "_covered": covered}


def _judge(rows: list[Row], broken: int | None) -> None:
    """Raises the error that the rows and the log come to; returns where all is well."""
    if not rows:
        raise NotFound("there is no recording in the archive yet")
    if broken is not None:
        raise EvidenceBroken(
            "the custody log was altered at row {row}: keep the database as it is", row=broken
        )
    failed = [row for row in rows if not row["verified"]]
    if failed:
        raise EvidenceBroken(
            "{count} of {total} recordings do not verify", count=len(failed), total=len(rows)
        )
    covered = [row for row in rows if row["_covered"]]
    if covered:
        raise CheckFailed(
            "{count} of {total} recordings are whole, but somebody put something over them in the bucket",
            count=len(covered),
            total=len(rows),
        )
