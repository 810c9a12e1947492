"""Writes the checkpoints of calls that are being captured, of each call only the newest.

A disk that is full or slow lets them come late, and in another order: an older one must not replace a newer,
nor bring back what was handed over meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from callrec.model.captures import Checkpoint
from callrec.recording.actions import SaveCheckpoint
from callrec.spool.directory import Spool

PATIENCE_SECONDS = 0.01
"""How long a recording waits for its checkpoint: the voice comes before a disk that is slower."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A checkpoint to be written; `known` is set once a restart would know of it, or writing failed."""

    checkpoint: Checkpoint
    known: threading.Event = field(default_factory=threading.Event)


class Checkpoints:
    """Writes checkpoints into the spool. Calls are told apart by the linked id of their actions."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._newest: dict[str, _Asked] = {}

    def ask(self, action: SaveCheckpoint) -> None:
        """Takes note of the newest checkpoint of a call, when its action was returned; `save` comes later."""
        self._newest[action.linkedid] = _Asked(action.checkpoint)

    def save(self, action: SaveCheckpoint) -> None:
        """Writes a checkpoint, unless there is a newer one or its call needs none any more.

        The open call of the same call is forgotten then. Raises OSError.
        """
        newest = self._newest.get(action.linkedid)
        if newest is None or newest.checkpoint is not action.checkpoint:
            return
        try:
            self._spool.save_checkpoint(action.checkpoint, written=newest.known.set)
            self._spool.forget_open_call(action.checkpoint.call.id)
        finally:
            newest.known.set()

    def wait(self, linkedid: str) -> None:
        """Waits, some milliseconds at most, until the newest checkpoint of a call is written.

        What is recorded before that, a restart would know nothing of: it would be lost, or stay though
        nobody wanted it.
        """
        if newest := self._newest.get(linkedid):
            newest.known.wait(PATIENCE_SECONDS)

    def drop(self, linkedid: str) -> None:
        """Forgets the checkpoint of a call: what was captured of it is over and safe elsewhere."""
        self._newest.pop(linkedid, None)
