"""Writes the rows of calls that are over into the catalogue, whoever has something to say of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from callrec.catalogue import calls
from callrec.catalogue.database import Connection, Database
from callrec.model.calls import CallRecord
from callrec.spool.directory import Damaged, Spool

log = structlog.get_logger()


class CallRows:
    """The rows of calls. Any thread may use it; one writes at a time, or the one that knew less could be the
    last to write."""

    def __init__(self, spool: Spool, database: Database) -> None:
        self._spool, self._database = spool, database
        self._lock = threading.Lock()

    @contextmanager
    def written(self) -> Iterator[Connection]:
        """Begins a transaction that writes rows of calls or recordings."""
        with self._lock, self._database.begin() as connection:
            yield connection

    def save(self, connection: Connection, call: CallRecord) -> None:
        """Writes what is known of a call now."""
        calls.save_call(connection, call)

    def catalogue(self, call_id: str) -> None:
        """Writes the row of a call that waits in the spool, which lets go of it. Can be repeated."""
        try:
            call = self._spool.call_of(call_id)
        except Damaged as error:
            self._spool.quarantine_call(call_id)
            log.error("a damaged call was quarantined", call=call_id, problem=str(error))
            return
        with self.written() as connection:
            # Its recording, or its discard, which came first, knew more: a disk that was full mixes them up.
            if not calls.is_told_of(connection, call_id):
                self.save(connection, call)
        self._spool.remove_call(call_id)
