"""The shape of a recording's sound, from which a picture of it is drawn: proved first, and written down
before anybody has it. Nothing that was said can be made of it."""

from __future__ import annotations

from dataclasses import dataclass

from callrec.desk.operation import Session, operation
from callrec.desk.operations.giving import to_give
from callrec.lifecycle.requests import plain_number
from callrec.model.access import Role

COLUMNS = 1200
"""In how many columns the shape is: about the pixels of the picture that it fills."""


@dataclass(frozen=True, slots=True)
class RecordingShape:
    """What a recording looks like: its manifest, byte by byte, its length, and the loudest sample of each
    side in each column, as a part of the loudest of all (0 to 1)."""

    manifest: bytes
    seconds: float
    external: tuple[float, ...]
    staff: tuple[float, ...]


@operation("show", Role.HANDLER)
def shape(session: Session, /, id_: str, request: str | None = None) -> RecordingShape:
    """Returns what a recording looks like. Raises as `giving.fetch` does: whoever may not have its sound has
    no picture of it either."""
    from callrec.evidence.page.waveform import waveform

    kept = to_give(session, id_, request)
    with session.app.retrieval(session.note).proved(kept) as (sound, manifest):
        found = waveform(sound, COLUMNS)
    with session.app.database.begin() as connection:
        session.note(connection, kept.id, "drawn", request=plain_number(request or ""))
    return RecordingShape(manifest, found.seconds, found.external, found.staff)
