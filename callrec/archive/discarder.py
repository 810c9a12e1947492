"""Destroys captures that nobody wanted kept, on the PBX first, and only then says so (decision 12).

Called by the archiver. Such a capture never was in anybody's custody: neither in the bucket nor in the chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from callrec.catalogue import calls
from callrec.catalogue.database import Database
from callrec.spool.directory import Spool

log = structlog.get_logger()


class Discarder:
    """Does the discards of the spool. `destroy` raises unless the PBX has the recording no more."""

    def __init__(self, spool: Spool, database: Database, destroy: Callable[[str], None]) -> None:
        self._spool, self._database, self._destroy = spool, database, destroy

    def waiting(self) -> list[str]:
        """Returns the ids of the recordings of which something is to be destroyed."""
        return self._spool.discards()

    def discard(self, recording_id: str) -> None:
        """Destroys what the PBX has of one capture; where nothing of its call is kept, the call's row says so
        then.

        Can be repeated. Raises what `destroy` raises, Damaged, and CatalogueUnreachable; then the discard
        waits on.
        """
        discarded = self._spool.discard_of(recording_id)
        call, capture = discarded.captured.call, discarded.captured.capture
        for segment in capture.segments:
            for track in (segment.external, segment.staff):
                self._destroy(track.name)  # decision 12: before the row says so
        if discarded.whole:
            with self._database.begin() as connection:
                calls.save_call(connection, replace(call, discarded_at=datetime.now(UTC)))
            self._spool.remove_call(call.id)  # if it still waits, it knows less
        self._spool.remove_discard(recording_id)
        log.info("discarded", recording=recording_id, extension=call.extension)
