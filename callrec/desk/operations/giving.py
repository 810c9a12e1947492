"""Recordings, given to people: to be heard, and as files. Each is proved first, and written down before the
first byte goes out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from callrec.archive.given import Clip, GivenRecording, Kind
from callrec.catalogue import custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection
from callrec.desk.download import Download, Terms
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import look_up, named
from callrec.desk.words import check_shown
from callrec.errors import NotAllowed
from callrec.evidence.redaction import find
from callrec.lifecycle.requests import permit, plain_number
from callrec.model.access import Role

if TYPE_CHECKING:
    from callrec.archive.retrieval import Proved


@operation("fetch", Role.HANDLER)
def recordings_to_fetch(
    session: Session, /, ids: list[str], clip: Clip | None = None, request: str | None = None
) -> list[str]:
    """Returns the whole ids of the recordings that are named: a wrong one is said before any is fetched.

    Raises as `fetch` does.
    """
    check_shown(request)
    with session.app.database.read() as connection:
        found = named(session, connection, ids)
        for kept in found:
            check_permitted(session, connection, request, kept)
    for kept in found:
        if clip:
            clip.check(kept.duration_s)
    return [kept.id for kept in found]


@operation("fetch", Role.HANDLER)
def fetch(
    session: Session,
    /,
    id_: str,
    kind: Kind,
    clip: Clip | None = None,
    request: str | None = None,
    redaction: int | None = None,
) -> Download[GivenRecording]:
    """Gives a recording, or a part of it, as a file; or its redaction of this number, with the manifest of
    that.

    Raises NotFound, Refused without a request that allows it, EvidenceBroken where it does not verify, and
    WrongUsage for a clip that is not in it.
    """
    kept = to_give(session, id_, request)
    source = None if redaction is None else _redacted(session, kept, redaction)
    said = {"clip": str(clip or ""), "request": plain_number(request or "")}
    said |= {} if redaction is None else {"redaction": str(redaction)}
    with session.app.retrieval(session.note).given(kept, "fetched", kind, clip, source, **said) as (
        about,
        path,
    ):
        size = about.size
        return Download.of(about, path, _terms(kept, request, lambda sent: f"{100 * sent // size}%"))


@operation("play", Role.HANDLER)
def play(
    session: Session, /, id_: str, begin_s: float = 0.0, request: str | None = None
) -> Download[GivenRecording]:
    """Gives the sound of a recording to be heard, from so many seconds on. Raises as `fetch` does.

    Where it is broken off, the custody log says until which second of the recording it was sent.
    """
    kept = to_give(session, id_, request)
    begin = f"{begin_s:.10g}s"
    clip = Clip(begin_s) if begin_s or math.isnan(begin_s) else None
    with session.app.retrieval(session.note).given(
        kept, "heard", "wav", clip, **{"from": begin, "request": plain_number(request or "")}
    ) as (about, path):
        a_byte_s = (kept.duration_s - begin_s) / about.size
        return Download.of(
            about, path, _terms(kept, request, lambda sent: f"{begin_s + sent * a_byte_s:.0f}s")
        )


def _redacted(session: Session, kept: ArchivedRecording, number: int) -> Proved:
    """Returns what gives the redaction of a number. Raises NotFound."""
    with session.app.database.read() as connection:
        found = find(custody.of(connection, kept.id), number, kept.id)
    return session.app.redactions.given(kept, found)


def to_give(session: Session, id_: str, request: str | None, *, required: bool = False) -> ArchivedRecording:
    """Returns the recording that is asked for, once it is sure that it may be given. `required`: not without
    a request, whatever the office wants otherwise."""
    check_shown(request)
    with session.app.database.read() as connection:
        kept = look_up(session, connection, id_)
        check_permitted(session, connection, request, kept, required=required)
    return kept


def _terms(kept: ArchivedRecording, request: str | None, reached: Callable[[int], str]) -> Terms:
    """Returns under what a recording is given: as long as the request allows it."""

    def check(session: Session) -> None:
        with session.app.database.read() as connection:
            check_permitted(session, connection, request, kept)

    return Terms(kept.id, check, reached)


def check_permitted(
    session: Session,
    connection: Connection,
    request: str | None,
    kept: ArchivedRecording,
    *,
    required: bool = False,
) -> None:
    """Raises NotAllowed unless the recording may be given for this request, or without one."""
    required = required or session.app.settings.desk.requests == "required"
    try:
        permit(connection, required, request, kept, session.reach)
    except NotAllowed as error:
        error.recording_id = kept.id
        raise
