"""Ends a recording's time in the spool: archived, without sound, lost, found again, or destroyed before.

Called by `archive.recordings`. Each can be repeated after a crash; what is removed, the next place has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from callrec.archive.discarder import WHO, Discarder
from callrec.archive.rows import CallRows
from callrec.catalogue import custody, statements
from callrec.catalogue.database import Connection
from callrec.manifest import Manifest
from callrec.model.calls import remark
from callrec.model.captures import CapturedCall
from callrec.spool.directory import Spool
from callrec.spool.quarantine import Quarantine
from callrec.spool.tracks import Tracks

log = structlog.get_logger()


class Endings:
    """Takes recordings out of the spool. Raises CatalogueUnreachable, OSError, and what the PBX refuses."""

    def __init__(
        self,
        spool: Spool,
        tracks: Tracks,
        rows: CallRows,
        discarder: Discarder,
        delete_track: Callable[[str], None],
    ) -> None:
        """`delete_track` removes a stored recording from the PBX."""
        self._spool, self._tracks, self._rows = spool, tracks, rows
        self._discarder, self._delete_track = discarder, delete_track

    def let_go(self, captured: CapturedCall, manifest: Manifest) -> None:
        """Removes what the archive has from the PBX and the spool; what it has not is quarantined."""
        id_, archived = captured.capture.recording_id, manifest.capture.track_names
        for name in self._tracks.fetched(captured):
            if name in archived:
                self._delete_track(name)
        not_whole = self._tracks.damaged(id_) or self._tracks.short(captured)
        self._tracks.forget(id_)
        if not_whole or captured.capture.track_names - archived:
            self._spool.quarantine(id_)
            log.error("not all of a recording could be archived", recording=id_)
        else:
            self._spool.remove(id_)

    def destroy_again(self, captured: CapturedCall) -> None:
        """Destroys what came back of a recording that was destroyed."""
        id_ = captured.capture.recording_id
        self._tracks.forget(id_)
        self._discarder.destroy_again(captured)
        log.warning("a recording that was destroyed came back, and was destroyed again", recording=id_)

    def over_at_once(self, captured: CapturedCall) -> None:
        """Notes in the call's row that whoever answered hung up at once; there is nothing to look at."""
        over = remark("the call was over before there was sound to record")
        with self._rows.written() as connection:
            self._rows.save(connection, replace(captured.call, notes=(*captured.call.notes, over)))
        for name in self._tracks.fetched(captured):
            self._delete_track(name)
        self._tracks.forget(captured.capture.recording_id)
        self._spool.remove(captured.capture.recording_id)

    def lost(self, captured: CapturedCall) -> None:
        """Notes in the call's row and the custody log that a recording is lost: nobody has sound of it."""
        id_ = captured.capture.recording_id
        lost = remark("recording {id} is lost: {problem}", id=id_, problem=_failures(captured))
        call = replace(captured.call, notes=(*captured.call.notes, lost))
        with self._rows.written() as connection:
            self._rows.save(connection, call)
            if _last(connection, id_) != "lost":  # after a crash it is done again
                statements.enter(connection, id_, "lost", who=WHO, at=datetime.now(UTC), call=call.id)
        self._tracks.forget(id_)
        self._spool.quarantine(id_)
        log.error("a recording is lost", recording=id_, call=call.id, extension=call.extension)

    def found_again(self, captured: CapturedCall) -> None:
        """Puts a recording that was lost back among those that wait for the archive. Written down in the
        custody log and, with the recording, in the call's notes."""
        id_ = captured.capture.recording_id
        with self._rows.written() as connection:
            if _last(connection, id_) != "found-again":  # after a crash it is done again
                statements.enter(connection, id_, "found-again", who=WHO, at=datetime.now(UTC))
        note = remark("recording {id} was declared lost, and its sound was found again", id=id_)
        before = [each for each in captured.call.notes if each != note]
        noted = replace(captured, call=replace(captured.call, notes=(*before, note)))
        Quarantine(self._spool).give_back(noted)
        log.warning("a recording that was lost is found again", recording=id_, call=captured.call.id)


def _failures(captured: CapturedCall) -> str:
    failures = (track.failed for track in captured.capture.tracks if track.failed)
    return next(failures, "the PBX has no sound of it")


def _last(connection: Connection, recording_id: str) -> str:
    """Returns what was last done to a recording; empty where nothing was."""
    entries = custody.of(connection, recording_id)
    return entries[-1].action if entries else ""
