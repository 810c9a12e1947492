"""The checkpoints of the captures under way, on their way to the disk.

A disk that is full or slow lets them come late, and in another order. Of each call only the newest
counts: an older one must not replace it, nor bring back what was handed over meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from callrec.model.captures import Checkpoint
from callrec.recording.actions import SaveCheckpoint
from callrec.spool.directory import Spool

PATIENCE_SECONDS = 0.01
"""A disk that is slower than this is not waited for: the voice comes first."""


@dataclass(frozen=True, slots=True)
class _Asked:
    checkpoint: Checkpoint
    known: threading.Event = field(default_factory=threading.Event)


class Checkpoints:
    """Writes checkpoints into the spool. Calls are told apart by the linked id of their actions."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._newest: dict[str, _Asked] = {}

    def ask(self, action: SaveCheckpoint) -> None:
        """This is the newest checkpoint of its call; `save` comes later."""
        self._newest[action.linkedid] = _Asked(action.checkpoint)

    def save(self, action: SaveCheckpoint) -> None:
        """Writes a checkpoint, unless there is a newer one or its call needs none any more.

        Raises OSError.
        """
        newest = self._newest.get(action.linkedid)
        if newest is None or newest.checkpoint is not action.checkpoint:
            return
        try:
            self._spool.save_checkpoint(action.checkpoint, written=newest.known.set)
            self._spool.forget_open_call(action.checkpoint.call.id)
        finally:
            newest.known.set()

    def wait(self, session: str) -> None:
        """Waits a moment until the newest checkpoint of a call is written.

        What is recorded before that, a restart would know nothing of: it would be lost, or stay though
        nobody wanted it.
        """
        if newest := self._newest.get(session):
            newest.known.wait(PATIENCE_SECONDS)

    def drop(self, session: str) -> None:
        """What was captured of a call is over and safe elsewhere."""
        self._newest.pop(session, None)
