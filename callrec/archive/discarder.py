"""Destroys captures that nobody wanted kept, on the PBX first, and only then says so (decision 12).

Called by the archiver. Such a capture never was in anybody's custody: neither in the bucket nor in the chain.
What was, and comes back from a backup of the spool after its time was over, is destroyed in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from callrec.catalogue import calls, custody, statements
from callrec.catalogue.database import Database
from callrec.model.captures import Capture, CapturedCall
from callrec.spool.directory import Spool

log = structlog.get_logger()
WHO = "callrec"
CAME_BACK = "came-back"


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
        self._destroy_tracks(capture)  # decision 12: before the row says so
        if discarded.whole:
            with self._database.begin() as connection:
                calls.save_call(connection, replace(call, discarded_at=datetime.now(UTC)))
            self._spool.remove_call(call.id)  # if it still waits, it knows less
        self._spool.remove_discard(recording_id)
        log.info("discarded", recording=recording_id, extension=call.extension)

    def destroy_again(self, captured: CapturedCall) -> None:
        """Destroys all that came back of a recording that was destroyed when its time was over. Its call's
        row stays as it is: numbers and names may be gone from there.

        Can be repeated. Raises what `destroy` raises, and CatalogueUnreachable; then it waits on.
        """
        id_ = captured.capture.recording_id
        with self._database.begin() as connection:
            entries = custody.of(connection, id_)
            if not entries or entries[-1].action != CAME_BACK:  # after a crash it is done again
                statements.enter(connection, id_, CAME_BACK, who=WHO, at=datetime.now(UTC))
        self._destroy_tracks(captured.capture)
        self._spool.remove(id_)

    def _destroy_tracks(self, capture: Capture) -> None:
        for track in capture.tracks:
            self._destroy(track.name)
