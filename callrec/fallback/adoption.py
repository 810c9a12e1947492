"""Takes over what the dialplan did and recorded while callrec was away.

A line of its journal becomes a call and, where there is sound, a recording; read twice it is the same one.
The dialplan went by a copy of the rules that knows neither who answers nor what time it is. So the rules are
asked again, as they were when the call began: files are deleted only where nothing is in them, or where
neither those rules nor the rules of now want them (decision 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from callrec import ids
from callrec.fallback import journal, journal_calls
from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord, Outcome, remark
from callrec.model.flaws import Flaw
from callrec.model.rules import Decision, Mode
from callrec.moments import lasted
from callrec.pbx import mixmonitor
from callrec.pbx.events import RawKeyPress
from callrec.policy.combine import is_final
from callrec.policy.office import Office
from callrec.recording.assistance import alert_of, was_asked
from callrec.recording.call import OUTCOMES
from callrec.recording.keys import marks, traits
from callrec.spool.directory import Spool
from callrec.spool.tracks import ABSENT_SECONDS, ABSENT_TIMES, FLUSHED_WITHIN

log = structlog.get_logger()


class Storage(Protocol):
    """The stored recordings of a PBX. Refusals and silence are CallrecErrors."""

    def stored(self) -> list[str]: ...
    def stored_size(self, name: str) -> int | None: ...
    def delete_stored(self, name: str) -> None: ...


class Adoption:
    """Adopts lines of the dialplan's journal into the spool. The journal reader calls it."""

    def __init__(
        self,
        storage: Storage,
        spool: Spool,
        office: Callable[[], Office],
        office_at: Callable[[datetime], Office],
        pbx: str,
        prompt: journal_calls.FindPrompt,
        taken_up: Callable[[CallRecord], bool] = lambda call: False,
        help_known: Callable[[str, str], bool] = lambda press, alert: False,
        has_capture: Callable[[str], bool] = lambda recording: False,
        was_discarded: Callable[[str], bool] = lambda call: False,
        take_alert: Callable[[Alert], None] | None = None,
        catalogue_answers: Callable[[], bool] = lambda: True,
    ) -> None:
        """Makes an adoption that asks others what it cannot know.

        `office` has the rules of now, `office_at` those of a moment; `taken_up` tells whether callrec tells
        of the call itself after all, `help_known` of the ids of a key press and of its alert whether
        somebody was told, `has_capture` of the id of a recording whether it waits in the spool, or is
        archived, `was_discarded` of the id of a call whether what was captured of it was destroyed.
        `take_alert` has an alert sent and puts it into the spool, or raises OSError; without it, it is only
        put there. Where the catalogue does not answer (`catalogue_answers`) nobody knows what is archived.
        """
        self._storage, self._spool = storage, spool
        self._office, self._office_at = office, office_at
        self._pbx, self._prompt, self._taken_up = pbx, prompt, taken_up
        self._help_known, self._has_capture = help_known, has_capture
        self._was_discarded = was_discarded
        self._take_alert = take_alert or spool.save_alert
        self._catalogue_answers = catalogue_answers
        self._absences: dict[str, tuple[datetime, int]] = {}

    def adopt(
        self,
        key: str,
        value: str,
        now: datetime,
        noted: Sequence[RawKeyPress] = (),
        pbx_ahead: timedelta = timedelta(0),
    ) -> bool:
        """Puts the call of a line into the spool, with what was recorded of it.

        Returns False where it is too early to tell whether that is anything: MixMonitor may still write, or
        the PBX has to be asked for the files again. A line without an end is that of a channel that is gone.

        `now` is in the time of calls, of which the PBX's clock is `pbx_ahead`; `noted` are the key presses
        the dialplan has written down, of whatever calls. Raises ValueError when the line makes no sense,
        CallrecError when the PBX or the catalogue does not answer, and OSError when the spool's disk fails;
        then the line is to be adopted later.
        """
        entry, office = journal.dated(journal.parse(key, value), now, pbx_ahead), self._office()
        if self._is_taken_over(entry):
            return True
        sizes = self._sizes(entry)
        heard = _heard(sizes)
        decision = self._decision(entry)
        call = journal_calls.call_of(entry, office, self._pbx, self._prompt, decision, heard)
        wanted = decision.mode is Mode.AUTOMATIC and not call.unannounced_at
        if any(each.could_not_be_played for each in call.announcements):
            self._spool.tell_flaw(call.id, Flaw.ANNOUNCEMENT_FAILED)
        recorded = bool(entry.file) and call.outcome is Outcome.ANSWERED and wanted
        keys = journal_calls.pressed(entry, noted, office, recorded=recorded)
        call = replace(call, key_presses=keys, incident=any(marks(each.result) for each in keys))
        if self._must_wait(entry, sizes, now, recorded=recorded):
            return False
        if recorded:
            self._call_for_help(call, recorded=True)
            self._spool.hand_over(journal_calls.captured_call(entry, call))
        else:
            if not self._taken_up(call):
                self._call_for_help(call, recorded=False)
                call = replace(call, ended_at=call.ended_at or now)
                self._spool.save_call(_destroyed(call) if heard else call)
            # decision 4: only where nothing is in them, or no rules want them
            for name in sizes:
                self._storage.delete_stored(name)
        self._absences.pop(key, None)
        log.info("a call of the fallback was adopted", call=call.id, recorded=recorded)
        return True

    def _is_taken_over(self, entry: journal.JournalEntry) -> bool:
        """Tells whether callrec took the call over while it lasted, or this line was adopted before."""
        which = self._pbx, entry.about, entry.stamped_at
        return self._has_capture(ids.of_fallback_recording(*which)) or self._was_discarded(
            ids.of_fallback_call(*which)
        )

    def _must_wait(
        self, entry: journal.JournalEntry, sizes: dict[str, int], now: datetime, *, recorded: bool
    ) -> bool:
        """Tells whether it is too early: what is not kept may yet be written; what is kept and is not on the
        PBX may be archived, which nobody knows while the catalogue is away."""
        unsure = not sizes and not self._catalogue_answers() if recorded else self._is_early(entry, now)
        return unsure or self._is_doubtful(entry, sizes, now)

    def _is_early(self, entry: journal.JournalEntry, now: datetime) -> bool:
        return entry.ended_at is not None and lasted(entry.ended_at, now, FLUSHED_WITHIN) is not None

    def _is_doubtful(self, entry: journal.JournalEntry, sizes: dict[str, int], now: datetime) -> bool:
        """Tells whether the PBX must be asked again for files of which it says that they are not there.

        Without an answer there are none. But a PBX whose disk is away, or that was just started, says so of
        sound that is there, too; it is believed at once only where Dial() has told that nobody answered.
        Raises CallrecError where the PBX has no folder for recordings.
        """
        if not entry.file or sizes:
            return False
        self._storage.stored()
        if entry.status in OUTCOMES:
            return False
        since, times = self._absences.get(entry.channel, (now, 0))
        self._absences[entry.channel] = since, times + 1
        return times + 1 < ABSENT_TIMES or (now - since).total_seconds() < ABSENT_SECONDS

    def _call_for_help(self, call: CallRecord, *, recorded: bool) -> None:
        """Puts the alerts of the call's keys into the spool. Late is better than never.

        Not where somebody was told of them while the call lasted; a support phone is not called any more.
        """
        for number, press in enumerate(call.key_presses):
            if not traits(press.key).calls_for_help or was_asked(call.key_presses[:number], press.at):
                continue
            alert = alert_of(self._office(), call, press.id, press.extension, press.at, recorded=recorded)
            if not self._help_known(press.id, alert.id):
                # there is nothing to listen to any more
                self._take_alert(replace(alert, support_phone=None))

    def _decision(self, entry: journal.JournalEntry) -> Decision:
        """Decides by the rules as they were when the call began, or, for a recording only, by those of now.

        A rule that says never holds. The rules of now may speak for a recording, not against it: the clocks
        of PBX and catalogue may differ by more than a new rule is old (decision 4). Where the dialplan has
        recorded nothing there is nothing to speak for, and a rule that came later explains no call.
        """
        then = journal_calls.decide(entry, self._office_at(entry.started_at))
        if then.mode is Mode.AUTOMATIC or is_final(then) or not entry.file:
            return then
        now = journal_calls.decide(entry, self._office())
        return now if now.mode is Mode.AUTOMATIC else then

    def _sizes(self, entry: journal.JournalEntry) -> dict[str, int]:
        """Returns the bytes of those of the line's files that are there, by their names."""
        sizes = {name: self._storage.stored_size(name) for name in journal.files(entry)}
        return {name: size for name, size in sizes.items() if size is not None}


def _heard(sizes: dict[str, int]) -> timedelta | None:
    """Returns how long files are, by their size; None when nothing is in them."""
    return mixmonitor.duration(max(sizes.values(), default=0)) or None


def _destroyed(call: CallRecord) -> CallRecord:
    """Returns the call with a note that its recording was destroyed."""
    text = remark("what the dialplan had recorded was destroyed: the rules did not want it recorded")
    return replace(call, notes=(*call.notes, text))
