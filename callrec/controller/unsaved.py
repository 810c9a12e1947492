"""Knows which actions for the spool are not on disk yet, so that nothing is let go of elsewhere before."""

from __future__ import annotations

import threading

from callrec.recording.actions import SaveAlert, SpoolAction, TellFlaw


class Unsaved:
    """The actions for the spool that were wanted and are not carried out. Any thread may use it.

    They are numbered as they come. One that comes while others of its call wait stands for them, too: the
    newest says all that those before it do, and takes their place where they are passed over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._waiting: dict[int, tuple[int, SpoolAction]] = {}
        """By the identity of each action, its number or that of the oldest that it stands for."""

    def ask(self, action: SpoolAction) -> None:
        """Takes note of an action that is wanted."""
        with self._lock:
            self._asked += 1
            of_call = [number for number, each in self._waiting.values() if each.linkedid == action.linkedid]
            self._waiting[id(action)] = min([self._asked, *of_call]), action

    def saved(self, action: SpoolAction) -> None:
        """Takes note that an action is carried out, or that a newer one was in its place."""
        with self._lock:
            self._waiting.pop(id(action), None)

    def waiting(self) -> list[SpoolAction]:
        """Returns the actions that are not on disk yet."""
        with self._lock:
            return [each for _, each in self._waiting.values()]

    def asked(self) -> int:
        """Returns a mark of what was wanted so far, for `is_saved`."""
        return self._asked

    def is_saved(self, mark: int) -> bool:
        """Tells whether all that was wanted up to a mark is on disk."""
        with self._lock:
            return all(number > mark for number, _ in self._waiting.values())

    def is_newest(self, action: SpoolAction) -> bool:
        """Tells whether an action waits, and none that is newer says how its call stands."""
        with self._lock:
            of_call = [each for _, each in self._waiting.values() if _tells_call(each, action.linkedid)]
        return bool(of_call) and of_call[-1] is action


def _tells_call(action: SpoolAction, linkedid: str) -> bool:
    return action.linkedid == linkedid and not isinstance(action, SaveAlert | TellFlaw)
