"""Links to recordings, for those whom a file is too large to be sent to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from callrec.desk.operation import Session, operation
from callrec.desk.operations.giving import to_give
from callrec.errors import WrongUsage
from callrec.lifecycle.requests import plain_number
from callrec.model.access import Role

MOST_SECONDS = 7 * 86400
"""The longest that S3 lets a link last."""


@dataclass(frozen=True, slots=True)
class Link:
    """A URL by which whoever has it gets the sound of a recording, until then. It is a secret."""

    id: str
    url: str
    expires_at: datetime


@operation("link", Role.HANDLER)
def link(session: Session, /, id_: str, seconds: int, request: str) -> Link:
    """Gives a link to the sound of a recording, exactly the version that was archived, once it is proved.

    It is in the custody log before it is given. Raises as `fetch` does, and WrongUsage for a time that S3
    does not take.
    """
    if not 1 <= seconds <= MOST_SECONDS:
        raise WrongUsage("--expires can be from 1s to 7d: that is the longest that S3 lets a link last")
    kept = to_give(session, id_, request, required=True)
    with session.app.retrieval(session.note).proved(kept):
        pass
    expires_at = session.now.replace(microsecond=0) + timedelta(seconds=seconds)
    url = session.app.store.presigned(kept.key, kept.version, seconds)
    with session.app.database.begin() as connection:
        session.note(
            connection,
            kept.id,
            "linked",
            format="flac",
            sha256=kept.sha256,
            expires_at=expires_at.isoformat(),
            request=plain_number(request),
        )
    return Link(kept.id, url, expires_at)
