"""Writes until when a recording is kept, and that it is an incident, where people change that afterwards."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue import hits
from callrec.catalogue.calls import ArchivedRecording, find_recording
from callrec.catalogue.tables import calls, recordings
from callrec.errors import NotFound
from callrec.model.captures import RetainedBecause


def taken(connection: sa.Connection, recording_id: str) -> ArchivedRecording:
    """Returns a recording that no other transaction changes until the end of this one. Needs one that writes.

    What else the transaction locks, it must lock afterwards. Raises NotFound.
    """
    connection.execute(sa.select(recordings.c.id).where(recordings.c.id == recording_id).with_for_update())
    found = find_recording(connection, recording_id)
    if found is None:
        raise NotFound("there is no recording or call {id}: see callrec search", id=recording_id)
    return found


def keep_until(
    connection: sa.Connection, recording_id: str, until: datetime, because: RetainedBecause
) -> None:
    """Writes until when a recording is kept, and what decided that."""
    known = recordings.c.id == recording_id
    connection.execute(recordings.update().where(known).values(retain_until=until, retained_because=because))


def mark(connection: sa.Connection, kept: ArchivedRecording, *, incident: bool) -> None:
    """Writes whether a recording and its call are an incident. The manifest stays as it was archived.

    A call stays one as long as any of its recordings is.
    """
    connection.execute(sa.select(calls.c.id).where(calls.c.id == kept.call_id).with_for_update())
    connection.execute(recordings.update().where(recordings.c.id == kept.id).values(incident=incident))
    mark_call(connection, kept.call_id)


def has_incident(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether any recording of a call is an incident."""
    marked = sa.select(recordings.c.id).where(recordings.c.call_id == call_id, recordings.c.incident)
    return connection.scalar(marked.limit(1)) is not None


def mark_call(connection: sa.Connection, call_id: str) -> None:
    """Writes whether a call is an incident: as long as any of its recordings is."""
    of_call = calls.c.id == call_id
    details = connection.execute(sa.select(calls.c.details).where(of_call)).scalar_one()
    left = has_incident(connection, call_id)
    connection.execute(
        calls.update().where(of_call).values(incident=left, details={**details, "incident": left})
    )
    hits.rewrite(connection, call_id)
