"""Brings the spool up to what there is to be taken up, where another machine had the PBX meanwhile.

Then the spool is out of date: calls of it may have been ended elsewhere, and those that go on are in the
PBX's database (`drafts`). Where the same machine had it, the spool knows best.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, assert_never

import structlog

from callrec.controller.drafts import Draft, State
from callrec.model.calls import CallRecord
from callrec.model.captures import Checkpoint
from callrec.spool.directory import Damaged, Spool

log = structlog.get_logger()


class Elsewhere(Protocol):
    """What others have done, as far as the catalogue knows and answers."""

    def has_ended(self, call: CallRecord, captured: str = "") -> bool:
        """Returns whether there is a row of this call, whoever wrote it; where one of its channels is
        captured, one in which that took part."""

    def has_recording(self, recording_id: str) -> bool:
        """Returns whether a recording is archived."""

    def was_discarded(self, call_id: str) -> bool:
        """Returns whether what was captured of a call is destroyed."""


def bring_up(spool: Spool, left: Sequence[Draft], elsewhere: Elsewhere) -> None:
    """Makes the spool hold what another machine has `left`, and no more what it has ended. Raises OSError."""
    for draft in left:
        if not _is_done(draft, elsewhere) and not _is_kept_here(spool, draft):
            _take(spool, draft)
            log.info("taken from another machine", call=draft.call.id, state=draft.state)
    _drop(spool, {each.id for each in left}, elsewhere)


def _take(spool: Spool, draft: Draft) -> None:
    match draft.state:
        case State.OPEN:
            spool.save_checkpoint(draft.checkpoint)
        case State.KEPT:
            _forget_discard(spool, draft.id)
            spool.hand_over(draft.captured)
        case State.DISCARDED:
            spool.discard(draft.captured, whole=True)
        case _:
            assert_never(draft.state)


def _is_kept_here(spool: Spool, draft: Draft) -> bool:
    """Returns whether a capture is to be kept as this spool has it, and a copy says less: it is older, or
    another machine has not heard of the key.

    Unless nothing of it may be kept, which another machine has found out.
    """
    if draft.state is State.KEPT or draft.call.unannounced_at:
        return False
    under_way = {each.capture.recording_id for each in spool.checkpoints() if each.capture.kept_because}
    return draft.id in spool.waiting() or (draft.id in under_way and not draft.capture.kept_because)


def _forget_discard(spool: Spool, recording_id: str) -> None:
    """Forgets that all of a capture was to be destroyed: another machine knew of a key that has kept it."""
    with suppress(FileNotFoundError, Damaged):
        if spool.discard_of(recording_id).whole:
            spool.remove_discard(recording_id)


def _drop(spool: Spool, left: set[str], elsewhere: Elsewhere) -> None:
    """Takes from the spool what is over, and known to the catalogue."""
    for checkpoint in spool.checkpoints():
        if checkpoint.capture.recording_id not in left and _is_over(checkpoint, elsewhere):
            spool.drop_checkpoint(checkpoint.capture.recording_id)
            log.info("ended by another machine", call=checkpoint.call.id)
    for call in spool.open_calls():
        if elsewhere.has_ended(call):
            spool.forget_open_call(call.id)
    for recording_id in spool.waiting():
        if elsewhere.has_recording(recording_id):
            spool.remove(recording_id)
    for recording_id in spool.discards():
        if elsewhere.has_recording(recording_id):
            _forget_discard(spool, recording_id)


def _is_done(draft: Draft, elsewhere: Elsewhere) -> bool:
    if draft.state is State.OPEN:
        return _is_over(draft.checkpoint, elsewhere)
    return elsewhere.has_recording(draft.id) or elsewhere.was_discarded(draft.call.id)


def _is_over(checkpoint: Checkpoint, elsewhere: Elsewhere) -> bool:
    """Returns whether a capture that was under way was ended elsewhere, and what became of it is known there.

    The row of a call comes before its recording: what is to be kept, and is neither archived nor destroyed,
    nobody may have but who has this copy.
    """
    call, capture = checkpoint.call, checkpoint.capture
    if elsewhere.has_recording(capture.recording_id) or elsewhere.was_discarded(call.id):
        return True
    captured = capture.segments[-1].channel if capture.segments else ""
    return not capture.kept_because and elsewhere.has_ended(call, captured)
