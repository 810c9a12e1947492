"""The catalogue, compared with the bucket, or made again from there. For who works directly alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from callrec.desk.operation import Session, operation
from callrec.errors import CallrecError
from callrec.evidence.differences import shown
from callrec.evidence.rebuilding import Finding, Rebuilding
from callrec.sentence_field import SentenceField

UNPROVED, DIFFERS = "not-proved", "differs"
ONLY_IN_BUCKET, ONLY_IN_CATALOGUE = "only-in-bucket", "only-in-catalogue"


@dataclass(frozen=True, slots=True)
class CatalogueFinding:
    """Something that bucket and catalogue do not have alike, or that cannot be proved.

    `id` is that of a recording, or the number of a request; `row` is the key of a row of `table`. `bucket`
    and `catalogue` are what each has, as it is told to people.
    """

    id: str
    kind: str
    table: str = ""
    row: str = ""
    column: str = ""
    bucket: str = ""
    catalogue: str = ""
    problem: SentenceField | None = None


@dataclass(frozen=True, slots=True)
class CatalogueStep:
    """How far it has come, and what was found since the step before. `written`: of how many recordings the
    rows were written."""

    recordings: int
    requests: int
    written: int
    findings: list[CatalogueFinding]


@operation("catalogue check")
def check_catalogue(session: Session, /) -> Iterator[CatalogueStep]:
    """Compares the catalogue with the bucket. Writes nothing."""
    _state(session)
    work = session.app.rebuilding()
    return _steps(work, work.check())


@operation("catalogue rebuild")
def rebuild_catalogue(session: Session, /) -> Iterator[CatalogueStep]:
    """Makes the catalogue again of what the bucket says, as far as that can be proved."""
    _state(session)
    work = session.app.rebuilding()
    return _steps(work, work.rebuild())


def _state(session: Session) -> None:
    """Puts what waits to be stated, if that can be: else it counts as if it were there."""
    try:
        session.app.outbox.put()
    except (CallrecError, OSError):
        return


def _steps(work: Rebuilding, found: Iterator[list[Finding]]) -> Iterator[CatalogueStep]:
    for some in found:
        course = work.course
        findings = [_told(each) for each in some]
        yield CatalogueStep(course.recordings, course.requests, len(course.written), findings)


def _told(found: Finding) -> CatalogueFinding:
    if found.difference is None:
        return CatalogueFinding(found.id, UNPROVED, problem=found.unproved)
    each = found.difference
    whole = ONLY_IN_BUCKET if each.catalogue is None else ONLY_IN_CATALOGUE
    kind = DIFFERS if each.column else whole
    values = shown(each.bucket), shown(each.catalogue)
    return CatalogueFinding(found.id, kind, each.table, each.row, each.column, *values)
