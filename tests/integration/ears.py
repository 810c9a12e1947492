"""Ears for key presses: what the PBX tells of them, beside the controller."""

from __future__ import annotations

import queue
import threading

import pytest

from callrec.pbx.ari import Ari
from callrec.pbx.events import DialplanSaid, Event
from tests.integration.system import SystemUnderTest

SECONDS_OF_SILENCE = 0.5
"""How long a press that must not be told is waited for. A press is told within milliseconds."""


class Ears:
    """Every key press the PBX tells, in order."""

    def __init__(self, system: SystemUnderTest) -> None:
        self.presses: queue.Queue[DialplanSaid] = queue.Queue()
        settings = system.app.settings.pbx.model_copy(update={"app": "ears"})
        self._ari, self._up = Ari(settings), threading.Event()
        self._thread = threading.Thread(target=self._ari.watch, args=(self._hear, self._up.set, lambda: None))

    def __enter__(self) -> Ears:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._ari.stop()
        self._thread.join()

    def _hear(self, event: Event) -> None:
        if isinstance(event, DialplanSaid) and "Key" in event.fields:
            self.presses.put(event)

    def told(self, key: str, extension: str) -> DialplanSaid:
        """The next press; it must be this one."""
        press = self.presses.get(timeout=5)
        assert press.fields["Key"] == key and press.fields["By"].startswith(f"PJSIP/{extension}-")
        return press

    def told_nothing(self) -> None:
        with pytest.raises(queue.Empty):
            self.presses.get(timeout=SECONDS_OF_SILENCE)
