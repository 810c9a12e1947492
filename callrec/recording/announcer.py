"""The announcements of one call: played by the dialplan at the gate, or whispered during the call. Pure.

What counts is what was heard to its end: a prompt that was not is played again at the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.model import Announcement
from callrec.prompts import Prompt
from callrec.recording.commands import Command, HangUp
from callrec.recording.surroundings import Sound
from callrec.recording.whisper import Whisper


@dataclass(slots=True)
class Announcer:
    """Notes every playing of a prompt in `made`, the latest last."""

    session: str
    made: tuple[Announcement, ...] = ()
    whisper: Whisper | None = None
    _at_gate: dict[str, Prompt] = field(default_factory=dict)

    # --- at the gate

    def at_gate(self, sounds: Sequence[Sound]) -> tuple[str, ...]:
        """The dialplan is given these to play; what it does, it tells."""
        self._at_gate = {name: prompt for prompt, name in sounds}
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

    def start(self, name: str, channel: str, sounds: Sequence[Sound]) -> list[Command]:
        """Whispers what is missing from this channel; `name` is unique to the call."""
        missing = self.missing(sounds)
        if self.whisper or not missing:
            return []
        self.whisper = Whisper(self.session, f"{name}-say{len(self.made)}", channel, missing)
        return self.whisper.start()

    def break_off(self) -> list[Command]:
        """Ends a whisper of which events may have been missed."""
        broken, self.whisper = self.whisper, None
        return [HangUp(self.session, broken.snoop)] if broken else []

    def snoop_ready(self, snoop: str) -> list[Command]:
        return self.whisper.play() if self.whisper and snoop == self.whisper.snoop else []

    def playback_started(self, id_: str, at: datetime) -> None:
        if self.whisper and id_ == self.whisper.playback:
            self._begin(self.whisper.current, at, "both")

    def playback_finished(self, id_: str, at: datetime, *, failed: bool) -> list[Command] | None:
        """What comes next; None when the playback is not one of ours."""
        if not self.whisper or id_ != self.whisper.playback:
            return None
        self._finish(at, complete=not failed)
        commands = self.whisper.next()
        if self.whisper.is_over:
            self.whisper = None
        return commands

    def refused(self, command: Command) -> list[Command] | None:
        """The PBX refused a command: the whisper ends. None when the command is not of a whisper."""
        if not self.whisper or not self.whisper.concerns(command):
            return None
        return self.break_off()

    # --- inside

    def _begin(self, prompt: Prompt, at: datetime, leg: str) -> None:
        started = Announcement(prompt.name, prompt.language, prompt.text_sha256, leg, at)
        self.made = (*self.made, started)

    def _finish(self, at: datetime, *, complete: bool) -> None:
        if self.made and not self.made[-1].finished_at:
            *before, last = self.made
            self.made = (*before, replace(last, finished_at=at, complete=complete))
