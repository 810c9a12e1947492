"""Keeps what a process cannot do now, until it can: for the log once, for `callrec status` as long as it
lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import structlog

from callrec.errors import CallrecError
from callrec.failures import told

log = structlog.get_logger()


class Problems:
    """The problems of a process, by name. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def attempt(self, name: str, step: Callable[[], object]) -> bool:
        """Does one thing and returns whether it could be done. An error is a problem until it can."""
        try:
            step()
        except (CallrecError, OSError) as error:
            text = error.shown() if isinstance(error, CallrecError) else told(error).shown()
            if self.add(name, text):
                log.warning("keeping house", step=name, problem=str(error))
        except Exception as error:
            if self.add(name, repr(error)):
                log.exception("a bug: please report it", step=name)
        else:
            self.clear(name)
            return True
        return False

    def add(self, name: str, text: str) -> bool:
        """Notes a problem. Returns whether it is a new one: one that lasts need not fill the log."""
        with self._lock:
            before = self._texts.get(name)
            self._texts[name] = text
        return text != before

    def clear(self, name: str) -> None:
        """Forgets a problem, and logs that it is over."""
        with self._lock:
            before = self._texts.pop(name, None)
        if before is not None:
            log.info("a problem is over", step=name, problem=before)

    def keep(self, kind: str, names: Collection[str]) -> None:
        """Clears the problems whose names begin with `kind`, except these, which can still be there."""
        with self._lock:
            gone = [name for name in self._texts if name.startswith(kind) and name not in names]
        for name in gone:
            self.clear(name)

    def texts(self) -> set[str]:
        with self._lock:
            return set(self._texts.values())
