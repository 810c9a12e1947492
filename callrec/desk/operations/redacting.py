"""Redactions: second files of recordings, in which something is covered."""

from __future__ import annotations

from dataclasses import dataclass

from callrec.catalogue import calls, requests
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import look_up, request_of
from callrec.desk.words import check_shown, written
from callrec.errors import CheckFailed, NotFound, Refused
from callrec.evidence import spans as wanted_spans
from callrec.evidence.redaction import ACTION, Wanted
from callrec.evidence.spans import Span
from callrec.failures import why
from callrec.manifest import read
from callrec.model.access import Role
from callrec.model.captures import Custody

MOST_GROUND = 1000


@dataclass(frozen=True, slots=True)
class MadeRedaction:
    """A redaction that lies beside its recording."""

    id: str
    number: int
    key: str
    sha256: str


@operation("redact", Role.HANDLER)
def redact(
    session: Session, /, id_: str, spans: list[Span], ground: str, request: str | None = None
) -> MadeRedaction:
    """Covers spans of a recording in a second file, which is put beside it. The recording is proved before
    and stays as it is.

    Raises WrongEntries for spans that cannot be, Refused for a request that does not list the recording, and
    EvidenceBroken where it does not verify.
    """
    check_shown(request)
    ground = written("--ground", ground, MOST_GROUND)
    with session.app.database.read() as connection:
        kept = look_up(session, connection, id_)
        number = request_of(session, connection, request).number if request else ""
        if number and not requests.lists(connection, number, kept.id):
            raise Refused(
                "request {number} does not list recording {id}: callrec request add lists it",
                number=number,
                id=kept.id,
            )
    wanted_spans.check(spans, kept.duration_s)
    wanted = Wanted(spans, ground, number, session.who, session.now)
    try:
        with session.app.retrieval(session.note).proved(kept) as (original, manifest):
            made = session.app.redactions.make(kept, original, read(manifest), wanted)
    except OSError as error:
        raise CheckFailed("the redaction cannot be written: {problem}", problem=why(error)) from error
    _keep_as_recording(session, kept.id)
    with session.app.database.begin() as connection:
        session.note(connection, kept.id, ACTION, request=number, **made.details())
    return MadeRedaction(kept.id, made.number, made.key, made.sha256)


def _keep_as_recording(session: Session, id_: str) -> None:
    """Locks and holds what was put beside a recording as that is kept by now: somebody may have asked for a
    hold, or a longer retention, while the redaction was made, and the bucket did not have it yet."""
    with session.app.database.read() as connection:
        row = calls.find_recording(connection, id_)
    if row is None or row.state is Custody.DESTROYED:
        raise NotFound("recording {id} was destroyed meanwhile: see callrec show {id}", id=id_)
    session.app.protection.protect(row, session.now)
