"""Takes over what the dialplan did and recorded while callrec was away.

A line of its journal becomes a call and, where there is sound, a recording; read twice it is the
same one. The dialplan went by a copy of the rules that knows neither who answers nor what time it is.
So the rules are asked again, as they were when the call began: files are deleted only where nothing
is in them, or where those rules did not want them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from callrec.model import CallRecord, Decision, Mode, Outcome, remark
from callrec.policy.office import Office
from callrec.recording import journal
from callrec.spool.box import Spool

log = structlog.get_logger()

WAV_HEADER_BYTES = 44
BYTES_A_SECOND = 16_000
"""MixMonitor's WAV: 8 kHz, 16 bits, one channel."""
FLUSHED_WITHIN = timedelta(seconds=5)
"""MixMonitor ends a moment after its call: before that, a file that seems empty may not be."""


class Storage(Protocol):
    """The stored recordings of a PBX."""

    def stored_size(self, name: str) -> int | None: ...
    def delete_stored(self, name: str) -> None: ...


class Adoption:
    """Adopts lines of the dialplan's journal into the spool."""

    def __init__(
        self,
        storage: Storage,
        spool: Spool,
        office: Callable[[], Office],
        office_at: Callable[[datetime], Office],
        pbx: str,
        prompt: journal.FindPrompt,
        taken_up: Callable[[str], bool] = lambda linkedid: False,
    ) -> None:
        """`office` has the rules of now, `office_at` those of a moment; `taken_up` tells of a linked id
        whether callrec has recorded the call itself after all."""
        self._storage, self._spool = storage, spool
        self._office, self._office_at = office, office_at
        self._pbx, self._prompt, self._taken_up = pbx, prompt, taken_up

    def adopt(self, key: str, value: str, now: datetime) -> bool:
        """Whether the line is safe in the spool now; if not, it is to be adopted later.

        Raises ValueError when it makes no sense.
        """
        line, office = journal.parse(key, value), self._office()
        heard = self._heard(line)
        decision = self._decision(line)
        call = journal.call_of(line, office, self._pbx, self._prompt, decision, heard)
        wanted = decision.mode is Mode.AUTOMATIC
        if line.file and call.outcome is Outcome.ANSWERED and wanted:
            self._spool.hand_over(journal.draft_of(line, call))
        elif now - line.ended_at < FLUSHED_WITHIN:
            return False
        else:
            if not self._taken_up(line.linkedid):
                self._spool.save_call(_destroyed(call) if heard else call)
            for name in journal.files(line):
                self._storage.delete_stored(name)
        log.info("a call the dialplan stood in for", call=call.id, recorded=bool(line.file) and wanted)
        return True

    def _decision(self, line: journal.Line) -> Decision:
        """By the rules as they were when the call began. Never is never; else those of now may speak for
        it too: the clocks of PBX and catalogue may differ by more than a new rule is old."""
        then = journal.decide(line, self._office_at(line.started_at))
        if then.mode is Mode.AUTOMATIC or (then.rule is not None and then.mode is Mode.NEVER):
            return then
        now = journal.decide(line, self._office())
        return now if now.mode is Mode.AUTOMATIC else then

    def _heard(self, line: journal.Line) -> timedelta | None:
        """How long the line's files are; None when nobody is to be heard in them."""
        sizes = [self._storage.stored_size(name) or 0 for name in journal.files(line)]
        sound = max(sizes, default=0) - WAV_HEADER_BYTES
        return timedelta(seconds=sound / BYTES_A_SECOND) if sound > 0 else None


def _destroyed(call: CallRecord) -> CallRecord:
    text = remark("what the dialplan had recorded was destroyed: the rules did not want it recorded")
    return replace(call, notes=(*call.notes, text))
