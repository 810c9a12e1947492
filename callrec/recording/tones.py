"""Plays short tones during a call: confirmations that only staff hear, and the consent beep for both.

Which tone stands for what is in `callrec.model.tones`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from callrec.model.calls import FeatureCode, KeyResult
from callrec.model.tones import Tones
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.actions import Action, HangUp, PbxAction, PlayMedia, StartSnoop
from callrec.recording.keys import promises_silence, traits
from callrec.recording.owners import Owner


@dataclass(slots=True)
class ToneFeedback(Owner):
    """The tones of one call that are being played, by the snoop that plays each. `call` names the snoops."""

    linkedid: str
    call: str
    tones: Tones
    _held: tuple[str, str, str] | None = None
    """The tone that says that nothing is recorded, until that is so: its name, channel and media."""
    _media: dict[str, str] = field(default_factory=dict)

    def confirm(
        self, key: FeatureCode, result: KeyResult, channel: str, number: int, *, quiet: bool
    ) -> list[Action]:
        """Plays what a key did into the ear of who pressed it, and nobody else's. `number`: the press's.

        That nothing is recorded is told when it is so (`quiet`), else by `release`, unless another key comes
        before: whoever hears it may say a card number.
        """
        heard = traits(key).unchanged if result is KeyResult.UNCHANGED else result
        self._held = (f"tone{number}", channel, self.tones.media(heard))
        return self.release() if quiet or not promises_silence(heard) else []

    def release(self) -> list[Action]:
        """Plays the tone that has waited until nothing is recorded, if there is one."""
        held, self._held = self._held, None
        return self._play(held[0], held[1], "out", held[2]) if held else []

    def beep(self, channel: str, at: datetime) -> list[Action]:
        """Plays the consent beep to both parties, from the staff's channel: so the recording has it."""
        return self._play(f"beep{at.timestamp():.0f}", channel, "both", self.tones.beep)

    def channel_started(self, channel: str) -> list[Action]:
        """Plays the tone, when its snoop is there."""
        media = self._media.get(channel)
        if not media:
            return []
        return [PlayMedia(self.linkedid, channel, f"{channel}-0", (media,), owner=self)]

    def playback_ended(self, playback: str, at: datetime, *, failed: bool) -> list[Action]:
        """Hangs up the snoop, for its tone is over."""
        return self._end(playback.removesuffix("-0"))

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Lets the tone go: without it the key has done the same."""
        return self._end(action.snoop) if isinstance(action, (StartSnoop, PlayMedia)) else []

    def break_off(self) -> list[Action]:
        """Ends the tones of which events may have been missed."""
        self._held = None
        return [action for snoop in list(self._media) for action in self._end(snoop)]

    @property
    def snoops(self) -> set[str]:
        """The ids of the snoops that there may be for tones."""
        return set(self._media)

    def _play(self, name: str, channel: str, whisper: str, media: str) -> list[Action]:
        snoop = f"{OWN_PREFIX}{self.call}-{name}"
        self._media[snoop] = media
        return [StartSnoop(self.linkedid, channel, snoop, whisper=whisper, owner=self)]

    def _end(self, snoop: str) -> list[Action]:
        return [HangUp(self.linkedid, snoop)] if self._media.pop(snoop, None) else []
