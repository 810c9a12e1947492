"""Counts what the PBX tells and callrec cannot read, and keeps the first ones for who mends that.

Nothing of a call may be lost silently: such an event can be the beginning of one. They are kept in a file of
the spool that only its owner reads, since they have numbers of callers in them, until a person has seen them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from callrec.errors import Sentence
from callrec.files import write_whole

log = structlog.get_logger()

FILE = "odd-events.json"
KEPT = 10
"""How many are kept as they came."""
LONGEST = 4000
"""How much of one is kept, in signs."""


@dataclass(slots=True)
class Odd:
    """How many there were since when, and the first ones: when, of which kind, why, and what was told."""

    count: int = 0
    first: list[dict[str, str]] = field(default_factory=list)


class OddEvents:
    """The events that could not be read, until `forget`. Any thread may add one: that waits for no disk."""

    def __init__(self, spool: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._now = spool / FILE, now
        self._lock = threading.Lock()
        self._known = self._read()
        self._written = self._known.count

    def add(self, kind: str, told: str, why: str) -> None:
        """Counts an event of the PBX: its kind, as it came, and why it cannot be used."""
        with self._lock:
            self._known.count += 1
            if len(self._known.first) < KEPT:
                log.error("the PBX sent an event that cannot be read", kind=kind, problem=why)
                at = self._now().isoformat()
                self._known.first.append({"at": at, "kind": kind, "why": why, "told": told[:LONGEST]})

    @property
    def count(self) -> int:
        """How many there were since somebody has seen them."""
        return self._known.count

    def problems(self) -> list[Sentence]:
        """Returns what is to be told of them, and keeps it on disk where that can be written. For one thread:
        the disk is asked and written while events can be added."""
        seen = bool(self._written) and not self._path.exists()
        with self._lock:
            if seen:
                self._known.count -= self._written
                self._known.first, self._written = [], 0
            known = Odd(self._known.count, list(self._known.first))
        if known.count != self._written:
            with suppress(OSError):  # told in any case, and written once there is room
                write_whole(self._path, json.dumps(asdict(known), ensure_ascii=False).encode())
                self._written = known.count
        return [_sentence(known.count, known.first, self._path)] if known.count else []

    @staticmethod
    def forget(spool: Path) -> None:
        """Forgets them: somebody has seen them."""
        (spool / FILE).unlink(missing_ok=True)

    def _read(self) -> Odd:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
            return Odd(int(found["count"]), list(found["first"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Odd()


def _sentence(count: int, first: list[dict[str, str]], path: Path) -> Sentence:
    return Sentence(
        "{count} events of the PBX could not be read, the first of kind {kind} ({problem}): they are "
        "in {path}, forget them by callrec status --seen",
        count=count,
        kind=first[0]["kind"] if first else "?",
        problem=first[0]["why"].partition(" ")[0] if first else "?",  # the rest can have a caller's number
        path=path,
    )
