"""callrec verify: recordings are read back from the archive and every hash is computed again."""

from __future__ import annotations

import random

import click

from callrec.archive.retrieval import Retrieval
from callrec.catalogue import calls, custody
from callrec.commands.common import app, emit, lists
from callrec.errors import EvidenceBroken, NotFound, WrongUsage
from callrec.language import translated as _


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
    with here.database.read() as connection:
        chosen = list(ids) or _chosen(calls.recording_ids(connection), sample)
        broken = custody.broken_at(connection)
    retrieval = Retrieval(here.store, here.database, who=here.who)
    rows = [_result(retrieval, id_) for id_ in chosen]
    emit(rows, {"id": "id", "verified": "verified", "problem": "problem"}, form)
    if broken is not None:
        raise EvidenceBroken(
            "the custody log was altered at row {row}: keep the database as it is", row=broken
        )
    failed = [row for row in rows if not row["verified"]]
    if failed:
        raise EvidenceBroken(
            "{count} of {total} recordings do not verify", count=len(failed), total=len(rows)
        )


def _chosen(every: list[str], sample: int | None) -> list[str]:
    if not every:
        raise NotFound("there is no recording in the archive yet")
    return random.sample(every, min(sample, len(every))) if sample else every


def _result(retrieval: Retrieval, id_: str) -> dict[str, object]:
    try:
        kept = retrieval.verify(id_)
    except EvidenceBroken as error:
        return {"id": id_, "verified": False, "problem": error.shown()}
    return {"id": kept.id, "verified": True, "problem": _("none")}
