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
        self._waiting: dict[str, dict[int, tuple[int, SpoolAction]]] = {}
        """By call, and there by the identity of each action: its number, or that of the oldest that it stands
        for."""

    def ask(self, action: SpoolAction) -> None:
        """Takes note of an action that is wanted."""
        with self._lock:
            self._asked += 1
            of_call = self._waiting.setdefault(action.linkedid, {})
            oldest = min((number for number, _ in of_call.values()), default=self._asked)
            of_call[id(action)] = oldest, action

    def saved(self, action: SpoolAction) -> None:
        """Takes note that an action is carried out, or that a newer one was in its place."""
        with self._lock:
            of_call = self._waiting.get(action.linkedid, {})
            of_call.pop(id(action), None)
            if not of_call:
                self._waiting.pop(action.linkedid, None)

    def waiting(self) -> list[SpoolAction]:
        """Returns the actions that are not on disk yet."""
        with self._lock:
            return [each for of_call in self._waiting.values() for _, each in of_call.values()]

    def asked(self) -> int:
        """Returns a mark of what was wanted so far, for `is_saved`."""
        return self._asked

    def is_saved(self, mark: int) -> bool:
        """Tells whether all that was wanted up to a mark is on disk."""
        with self._lock:
            return all(number > mark for each in self._waiting.values() for number, _ in each.values())

    def is_newest(self, action: SpoolAction) -> bool:
        """Tells whether an action waits, and none that is newer says how its call stands."""
        with self._lock:
            of_call = [each for _, each in self._waiting.get(action.linkedid, {}).values()]
        telling = [each for each in of_call if not isinstance(each, SaveAlert | TellFlaw)]
        return bool(telling) and telling[-1] is action
