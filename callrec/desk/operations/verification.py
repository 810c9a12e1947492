"""Recordings, verified: read back, every hash computed again, and all that is told of them compared."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from callrec.catalogue import custody, traces
from callrec.catalogue.database import Connection
from callrec.catalogue.finding import FIRST_ID
from callrec.dates import check_moment
from callrec.desk import recordings
from callrec.desk.operation import Session, operation
from callrec.errors import CatalogueDamaged, EvidenceBroken, NotFound, OutOfSight, Sentence, WrongUsage
from callrec.ids import ID, first_of, pasted
from callrec.model.access import EVERYWHERE, Role
from callrec.sentence_field import SentenceField

if TYPE_CHECKING:
    from callrec.evidence.findings import Findings

CUSTODY = "custody"
"""Stands in place of an id where something is wrong with the custody log as a whole."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying a recording.

    `covered` are the keys under which somebody has put something else since: what was archived is whole
    beneath. `checked` is what was looked at: custody (its rows of the log), manifest and sound (their
    SHA-256), signature, content (what the manifest says of the sound), decoded (the samples), versions
    (whether something was put over them), lock (lock and hold in the bucket), statements (what was done
    since, as it is signed in the bucket), redactions, row (all that the catalogue says), bucket (what lies
    there without belonging to any), anchors (the custody log as a whole).
    """

    id: str
    ok: bool
    problems: list[SentenceField]
    checked: list[str]
    covered: list[str]


@operation("verify", Role.AUDITOR)
def verify_recordings(
    session: Session,
    /,
    ids: list[str],
    everything: bool = False,
    sample: int | None = None,
    since: AwareDatetime | None = None,
    after: str | None = None,
    decode: bool = False,
) -> Iterator[Verification]:
    """Verifies recordings: those named, all, or so many of them, chosen at random; of these those that were
    begun since a moment, and those whose ids come after one.

    All means all that there should be: also what has no row any more, and what lies in the bucket without
    one. Raises EvidenceBroken at the end where the custody log was altered: with `everything` the whole of it
    is checked, else the rows of what is verified (decision 7).
    """
    everything = everything or (since is not None and sample is None and not ids)
    if sum([bool(ids), everything, sample is not None]) != 1 or (sample is not None and sample < 1):
        raise WrongUsage("say what to verify: ids, --all, --since DATE or --sample N")
    if ids and (since or after):
        raise WrongUsage("--since and --after choose among all recordings: leave the ids out")
    if since is not None:
        check_moment(since)
    first = max(first_of(since) if since else FIRST_ID, _whole(after) if after else FIRST_ID)
    chosen = _chosen(session, ids, first, after, sample)
    return _results(session, chosen, first if everything else None, named=bool(ids), decode=decode)


def _chosen(
    session: Session, ids: list[str], first: str, after: str | None, sample: int | None
) -> Iterable[str]:
    """Returns the ids of what is to be verified; all of them are read from the database on the way."""
    if not ids and not sample:
        every = traces.every_id(session.app.database.read, session.reach, first)
        return (each for each in every if each != after)
    with session.app.database.read() as connection:
        if ids:
            return _named(session, connection, ids)
        gone = traces.destroyed(connection)
        there = [each for each in traces.ids(connection, session.reach, first) if each not in gone]
    there = [each for each in there if each != after]
    return sorted(random.sample(there, min(sample or 0, len(there))))


def _whole(id_: str) -> str:
    found = pasted(id_)
    if not ID.fullmatch(found):
        raise WrongUsage("--after needs a whole id: the last one that was verified")
    return found


def _named(session: Session, connection: Connection, texts: list[str]) -> list[str]:
    """Returns the ids of the recordings that are named, each once: also of those that have no row any more,
    or whose row says of itself what the custody log does not.

    Raises as `recordings.named`.
    """
    found = [each for text in recordings.listed(texts) for each in _ids(session, connection, text)]
    return list(dict.fromkeys(found))


def _ids(session: Session, connection: Connection, text: str) -> list[str]:
    try:
        return [each.id for each in recordings.all_of(session, connection, text)]
    except OutOfSight:
        raise
    except (NotFound, CatalogueDamaged):
        verifier = session.app.verifier(session.note)
        found = traces.like(connection, text, session.reach)
        doubtful = [each for each in found if not verifier.is_gone(each)]
        if not doubtful:
            lost = traces.without_rows(connection, session.reach)
            doubtful = verifier.of_call(pasted(text), lost)
        if not doubtful:
            raise
        return doubtful


def _results(
    session: Session, chosen: Iterable[str], first: str | None, *, named: bool, decode: bool
) -> Iterator[Verification]:
    """Yields the result of each as soon as it is known. What is destroyed by then is left out, unless it was
    `named`. `first`: all from this id on are verified, also what only the bucket has."""
    altered = None if first is None else _altered(session)
    verifier = session.app.verifier(session.note)
    for id_ in chosen:
        of_this = _altered(session, id_)
        altered = altered or of_this
        try:
            found = verifier.verify(id_, altered=of_this.sentence if of_this else None, decode=decode)
        except NotFound:  # destroyed meanwhile, or about to be: who named it is told
            if named:
                raise
            continue
        if not found.gone or found.problems:
            yield _result(found)
    if first is not None and session.reach == EVERYWHERE:
        yield from map(_result, session.app.strays(session.note).found(first))
        yield from _custody(session)
    if altered:
        raise altered


def _custody(session: Session) -> Iterator[Verification]:
    """Yields what is wrong with the custody log as a whole, by the anchors in the bucket; nothing where it is
    whole."""
    problems = session.app.custody_check().problems()
    if problems:
        yield Verification(CUSTODY, False, problems, ["custody", "anchors"], [])


def _altered(session: Session, id_: str | None = None) -> EvidenceBroken | None:
    """Returns what is wrong with the custody log: with the rows of a recording, or with the whole chain."""
    try:
        with session.app.database.read() as connection:
            row = custody.broken_at(connection) if id_ is None else custody.broken_of(connection, id_)
    except CatalogueDamaged as error:
        return EvidenceBroken(error.template, **error.values)
    if row is None:
        return None
    return EvidenceBroken("the custody log was altered at row {row}: keep the database as it is", row=row)


def _result(found: Findings) -> Verification:
    problems, keys = [*found.problems, *found.remarks], ", ".join(found.covered)
    if keys and found.problems:
        problems.append(Sentence("something was put over {keys} later", keys=keys))
    elif keys:
        problems.append(Sentence("whole, but something was put over {keys} later", keys=keys))
    return Verification(found.id, not found.problems, problems, found.checked, found.covered)
