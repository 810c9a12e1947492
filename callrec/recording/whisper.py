"""An announcement during a call: whispered from the staff's channel, heard by both. Pure.

On the staff's leg, because what is whispered on the recorded leg itself is not in the recording.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from callrec.model.prompts import Prompt
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.actions import Action, HangUp, PlayMedia, StartSnoop


@dataclass(slots=True)
class InCallAnnouncement:
    """Prompts played one after the other through one snoop channel."""

    linkedid: str
    name: str
    channel: str
    prompts: list[tuple[Prompt, str]]
    _position: int = field(default=0)

    @property
    def snoop(self) -> str:
        return f"{OWN_PREFIX}{self.name}"

    @property
    def playback(self) -> str:
        """The id of the playback that runs now."""
        return f"{self.snoop}-{self._position}"

    @property
    def current(self) -> Prompt:
        return self.prompts[self._position][0]

    def start(self) -> list[Action]:
        return [StartSnoop(self.linkedid, self.channel, self.snoop, whisper="both")]

    def play(self) -> list[Action]:
        """Plays the prompt whose turn it is."""
        sound = self.prompts[self._position][1]
        return [PlayMedia(self.linkedid, self.snoop, self.playback, (f"sound:{sound}",))]

    def next(self) -> list[Action]:
        """The next prompt, or the end of the whisper when all were played."""
        self._position += 1
        return [HangUp(self.linkedid, self.snoop)] if self.is_over else self.play()

    @property
    def is_over(self) -> bool:
        return self._position >= len(self.prompts)

    def concerns(self, command: Action) -> bool:
        return getattr(command, "snoop", None) == self.snoop
