"""Brings the spool up to what there is to be taken up, where another machine had the PBX meanwhile.

Then the spool is out of date: calls of it may have been ended elsewhere, and those that go on are in the
PBX's database (`drafts`). Where the same machine had it, the spool knows best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from callrec.model.calls import CallRecord
from callrec.model.captures import Checkpoint
from callrec.spool.directory import Spool

log = structlog.get_logger()


class Elsewhere(Protocol):
    """What others have done, as far as the catalogue knows and answers."""

    def has_ended(self, call: CallRecord) -> bool:
        """Returns whether there is a row of this call, whoever wrote it."""

    def has_recording(self, recording_id: str) -> bool:
        """Returns whether a recording is archived."""


def bring_up(spool: Spool, drafts: Callable[[], list[Checkpoint]], elsewhere: Elsewhere) -> None:
    """Makes the spool hold what another machine has left, and no more what it has ended.

    Raises CallrecError where the PBX does not answer, and OSError.
    """
    left = {each.capture.recording_id: each for each in drafts()}
    for checkpoint in left.values():
        if not _is_done(checkpoint, elsewhere):
            spool.save_checkpoint(checkpoint)
            log.info("taken from another machine", call=checkpoint.call.id)
    for checkpoint in spool.checkpoints():
        if checkpoint.capture.recording_id not in left and _is_done(checkpoint, elsewhere):
            spool.drop_checkpoint(checkpoint.capture.recording_id)
            log.info("ended by another machine", call=checkpoint.call.id)
    for call in spool.open_calls():
        if elsewhere.has_ended(call):
            spool.forget_open_call(call.id)


def _is_done(checkpoint: Checkpoint, elsewhere: Elsewhere) -> bool:
    return elsewhere.has_recording(checkpoint.capture.recording_id) or elsewhere.has_ended(checkpoint.call)
