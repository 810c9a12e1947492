"""Recordings, verified: read back, every hash computed again, manifest and custody log checked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from callrec.catalogue import custody, finding
from callrec.desk import recordings
from callrec.desk.operation import Session, operation
from callrec.errors import (
    CallrecError,
    CatalogueDamaged,
    EvidenceBroken,
    NotFound,
    Sentence,
    WrongUsage,
)
from callrec.model.access import Role
from callrec.model.captures import Custody
from callrec.sentences import SentenceField


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying a recording.

    `covered` are the keys under which somebody has put something else since: what was archived is whole
    beneath. `checked` is what was looked at: manifest and sound (their SHA-256), content (what the manifest
    says of the sound), versions (whether something was put over them), custody (its rows of the log).
    """

    id: str
    ok: bool
    problems: list[SentenceField]
    checked: list[str]
    covered: list[str]


@operation("verify", Role.AUDITOR)
def verify_recordings(
    session: Session, /, ids: list[str], everything: bool = False, sample: int | None = None
) -> Iterator[Verification]:
    """Verifies recordings: those named, all in the archive, or so many of them, chosen at random.

    Raises EvidenceBroken at the end where the custody log was altered: with `everything` the whole of it is
    checked, else the rows of what is verified (decision 7).
    """
    if sum([bool(ids), everything, sample is not None]) != 1 or (sample is not None and sample < 1):
        raise WrongUsage("say what to verify: ids, --all or --sample N")
    with session.app.database.read() as connection:
        if ids:
            chosen = [each.id for each in recordings.named(session, connection, ids)]
        else:
            chosen = finding.recording_ids(connection, reach=session.reach)
    if sample:
        chosen = random.sample(chosen, min(sample, len(chosen)))
    return _results(session, chosen, everything=everything, named=bool(ids))


def _results(session: Session, chosen: list[str], *, everything: bool, named: bool) -> Iterator[Verification]:
    """Yields the result of each as soon as it is known. What is destroyed by then is left out, unless it was
    `named`."""
    altered = _altered(session) if everything else None
    for id_ in chosen:
        of_this = _altered(session, id_)
        altered = altered or of_this
        try:
            yield _result(session, id_, of_this)
        except NotFound:  # destroyed meanwhile, or about to be: who named it is told
            if named:
                raise
    if altered:
        raise altered


def _altered(session: Session, id_: str | None = None) -> EvidenceBroken | None:
    """Returns what is wrong with the custody log: with the rows of a recording, or with the whole chain."""
    with session.app.database.read() as connection:
        row = custody.broken_at(connection) if id_ is None else custody.broken_of(connection, id_)
    if row is None:
        return None
    return EvidenceBroken("the custody log was altered at row {row}: keep the database as it is", row=row)


def _result(session: Session, id_: str, altered: EvidenceBroken | None) -> Verification:
    """Returns what comes of verifying a recording. Raises NotFound for one that was destroyed meanwhile."""
    checked, covered = ["custody"], list[str]()
    wrong: list[CallrecError] = [altered] if altered else []
    try:
        with session.app.database.read() as connection:
            kept = finding.recording(connection, id_, reach=session.reach)
        if kept.state is Custody.DESTROYED:
            raise NotFound("recording {id} was destroyed meanwhile: see callrec show {id}", id=id_)
        covered = session.app.retrieval(session.note).verify(kept, checked)
    except (EvidenceBroken, CatalogueDamaged) as error:
        wrong.append(error)
    problems = [Sentence(each.template, **each.values) for each in wrong]
    if covered:
        keys = ", ".join(covered)
        problems.append(Sentence("whole, but something was put over {keys} later", keys=keys))
    return Verification(id_, not wrong, problems, checked, covered)
