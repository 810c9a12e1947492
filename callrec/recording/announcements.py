"""The announcements of one call: played by the dialplan at the gate, or whispered during the call. Pure.

What counts is what was heard to its end: a prompt that was not is played again at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.errors import CallrecError
from callrec.model.calls import Announcement, Note, remark
from callrec.model.prompts import Prompt
from callrec.model.rules import Announce, Decision
from callrec.recording.actions import Action, HangUp
from callrec.recording.environment import Sound
from callrec.recording.whisper import InCallAnnouncement


@dataclass(slots=True)
class Announcer:
    """Notes every playing of a prompt in `made`, the latest last."""

    linkedid: str
    prompts: Callable[[Decision], Sequence[Sound]]
    made: tuple[Announcement, ...] = ()
    notes: list[Note] = field(default_factory=list)
    """What went otherwise than decided."""
    whisper: InCallAnnouncement | None = None
    _at_gate: dict[str, Prompt] = field(default_factory=dict)

    # --- at the gate

    def at_gate(self, decision: Decision) -> tuple[str, ...]:
        """What the dialplan is given to play; what it does, it tells."""
        early = decision.announce is Announce.BEFORE_CONNECT
        wanted = self.missing(self._prompts(decision)) if early else []
        self._at_gate = {name: prompt for prompt, name in wanted}
        return tuple(self._at_gate)

    def dialplan_said(self, sound: str, at: datetime, leg: str, status: str | None) -> None:
        """The dialplan began to play a prompt (status None) or ended it."""
        if status is not None:
            self._finish(at, complete=status == "SUCCESS")
        elif sound in self._at_gate:
            self._begin(self._at_gate[sound], at, leg)

    # --- during the call

    def missing(self, sounds: Sequence[Sound]) -> list[Sound]:
        """Those that nobody has heard to their end yet."""
        heard = {(each.prompt, each.language) for each in self.made if each.complete}
        return [(prompt, name) for prompt, name in sounds if (prompt.name, prompt.language) not in heard]

    def start(self, decision: Decision, gate: Decision | None, name: str, channel: str) -> list[Action]:
        """The announcement at the start, whispered from this channel; `name` is unique to the call.

        Also in place of one that the gate should have played.
        """
        if self.whisper or decision.announce is Announce.NONE:
            return []
        missing = self.missing(self._prompts(decision))
        if not missing:
            return []
        if decision.announce is Announce.BEFORE_CONNECT:
            self.notes.append(_late(gate))
        self.whisper = InCallAnnouncement(self.linkedid, f"{name}-say{len(self.made)}", channel, missing)
        return self.whisper.start()

    def break_off(self) -> list[Action]:
        """Ends a whisper of which events may have been missed."""
        broken, self.whisper = self.whisper, None
        return [HangUp(self.linkedid, broken.snoop)] if broken else []

    def snoop_ready(self, snoop: str) -> list[Action]:
        return self.whisper.play() if self.whisper and snoop == self.whisper.snoop else []

    def playback_started(self, id_: str, at: datetime) -> None:
        if self.whisper and id_ == self.whisper.playback:
            self._begin(self.whisper.current, at, "both")

    def playback_finished(self, id_: str, at: datetime, *, failed: bool) -> list[Action] | None:
        """What comes next; None when the playback is not one of ours."""
        if not self.whisper or id_ != self.whisper.playback:
            return None
        self._finish(at, complete=not failed)
        commands = self.whisper.next()
        if self.whisper.is_over:
            self.whisper = None
        return commands

    def refused(self, command: Action) -> list[Action] | None:
        """The PBX refused a command: the whisper ends. None when the command is not of a whisper."""
        if not self.whisper or not self.whisper.concerns(command):
            return None
        return self.break_off()

    # --- inside

    def _prompts(self, decision: Decision) -> Sequence[Sound]:
        """The prompts of a decision. A call is recorded even where one is missing, and says so."""
        try:
            return self.prompts(decision)
        except CallrecError as error:
            self.notes.append(remark("the announcement could not be played: {problem}", problem=error))
            return []

    def _begin(self, prompt: Prompt, at: datetime, leg: str) -> None:
        started = Announcement(prompt.name, prompt.language, prompt.text_sha256, leg, at)
        self.made = (*self.made, started)

    def _finish(self, at: datetime, *, complete: bool) -> None:
        if self.made and not self.made[-1].finished_at:
            *before, last = self.made
            self.made = (*before, replace(last, finished_at=at, complete=complete))


def _late(gate: Decision | None) -> Note:
    """Why an announcement that belongs before the connection comes at the start."""
    if gate is None:
        return remark("announced at the start: the call had not passed the gate")
    if gate.announce is not Announce.BEFORE_CONNECT:
        return remark("announced at the start: who would answer was not known at the gate")
    return remark("announced at the start: the caller had not heard all of it before")
