"""Knows who is told what becomes of the things callrec has made on the PBX: an owner for each, by its id.

Ids of our channels, recordings, playbacks and bridges are given by us, so an event that names one concerns
one owner in one call (decision 15). The tracker adds an owner for every action that makes something, and
looks up here whom to tell: what happens to one call costs the same beside a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from callrec.recording.actions import Action, PbxAction


class Owner(Protocol):
    """What has made something on the PBX for one call, and is told what becomes of it, by its id.

    Every method returns what is to be done; ``[]`` means nothing. Times are the PBX's. An owner overrides
    what concerns it: nobody but LiveCapture makes recordings, and nobody but SupportPhone is sent digits.
    """

    def channel_started(self, channel: str) -> list[Action]:
        """Tells this owner that a channel can be used: a snoop is there, or a phone has answered."""
        return []

    def channel_gone(self, channel: str) -> list[Action]:
        """Tells this owner that a channel of it is no more."""
        return []

    def digit(self, channel: str, digit: str) -> list[Action]:
        """Tells this owner that somebody pressed a key on a channel of it."""
        return []

    def recording_started(self, name: str, at: datetime) -> list[Action]:
        """Tells this owner that the PBX writes a recording of it since `at`."""
        return []

    def recording_ended(self, name: str, at: datetime, failure: str | None) -> list[Action]:
        """Tells this owner that a recording has ended; `failure` says why where the PBX calls it one."""
        return []

    def playback_started(self, playback: str, at: datetime) -> list[Action]:
        """Tells this owner that media of it began to play."""
        return []

    def playback_ended(self, playback: str, at: datetime, *, failed: bool) -> list[Action]:
        """Tells this owner that media of it is over, heard to its end unless it `failed`."""
        return []

    def performed(self, id_: str) -> list[Action]:
        """Tells this owner that the PBX has silenced something of it, as it was asked to (`Silencing`)."""
        return []

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Tells this owner that the PBX refused an action about something of it; `problem` says why."""
        return []


class _Nobody(Owner):
    """The owner of what nobody in this process has made: of a controller that was killed, for instance."""


NOBODY: Owner = _Nobody()


class Owned(NamedTuple):
    """Whose something is: the call, by its linked id, and what in it has made it."""

    linkedid: str
    owner: Owner


class Owners:
    """The owners of everything on the PBX that was made here."""

    def __init__(self) -> None:
        self._owned: dict[str, Owned] = {}
        self._of_call: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._owned)

    def add(self, linkedid: str, owner: Owner, ids: Iterable[str]) -> None:
        """Gives these ids an owner in this call."""
        made = set(ids)
        self._owned.update(dict.fromkeys(made, Owned(linkedid, owner)))
        self._of_call.setdefault(linkedid, set()).update(made)

    def of(self, id_: str) -> Owned:
        """Returns whose something is: NOBODY's, in no call, where nobody here made it."""
        return self._owned.get(id_, Owned("", NOBODY))

    def forget(self, linkedid: str) -> None:
        """Forgets a call: whatever it may have left on the PBX is nobody's.

        Not one id before, when what it names is gone: a refusal can be told after that.
        """
        for id_ in self._of_call.pop(linkedid, ()):
            self._owned.pop(id_, None)
