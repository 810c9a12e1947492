"""Keeps a small copy of the checkpoints in the PBX's own database, for a take-over on another machine.

The snoops and their tracks are on the PBX, and go on there; what they are for is in the spool of a machine
that may be gone. ``callrec-draft/<recording>-<part>`` has the checkpoint of each capture that goes on, as
compressed JSON, in as many parts as a value of the dialplan holds; it goes when the capture is handed over
or discarded (decision 21).
"""

from __future__ import annotations

import base64
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import structlog
from pydantic import TypeAdapter

from callrec.model.captures import Checkpoint
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

FAMILY = "callrec-draft"
SECONDS = 1.0
"""How often what has changed is copied, all of it at once."""
PART = 3500
"""How many signs of a value the dialplan is given at once: it takes 4095."""
_CHECKPOINT: TypeAdapter[Checkpoint] = TypeAdapter(Checkpoint)


class Database(Protocol):
    """The PBX's own database (AstDB). Refusals and silence are CallrecErrors."""

    def tree(self, family: str) -> dict[str, str]: ...
    def write(self, family: str, entries: Mapping[str, str]) -> None: ...
    def delete(self, family: str, keys: Iterable[str]) -> None: ...


class Drafts(Protocol):
    """What is told of the checkpoints of captures that go on. It must neither wait nor fail."""

    def note(self, checkpoint: Checkpoint) -> None:
        """Takes note of the newest checkpoint of a capture."""

    def forget(self, recording_id: str) -> None:
        """Takes note that a capture is safe elsewhere, or is to be destroyed."""


class NoDrafts:
    """Keeps no copy."""

    def note(self, checkpoint: Checkpoint) -> None:
        pass

    def forget(self, recording_id: str) -> None:
        pass


class DraftMirror(Worker):
    """Copies the checkpoints as they are now, on a thread of its own: no recording waits for it."""

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        link_up: Callable[[], bool],
        problems: Problems,
    ) -> None:
        self._database, self._link_up, self._problems = database, link_up, problems
        super().__init__(self.work, lambda: SECONDS)
        self._lock = threading.Lock()
        self._newest: dict[str, Checkpoint] = {}
        self._copied: dict[str, tuple[Checkpoint | None, set[str]]] = {}

    def note(self, checkpoint: Checkpoint) -> None:
        with self._lock:
            self._newest[checkpoint.capture.recording_id] = checkpoint

    def forget(self, recording_id: str) -> None:
        with self._lock:
            self._newest.pop(recording_id, None)

    def there(self) -> list[Checkpoint]:
        """Returns what the PBX has, the oldest first; those that nobody notes from now on are taken away.

        Raises CallrecError when the PBX does not answer.
        """
        with self._database() as database:
            tree = database.tree(FAMILY)
        keys: dict[str, set[str]] = defaultdict(set)
        for key in tree:
            keys[key.rpartition("-")[0]].add(key)
        self._copied = {recording: (None, parts) for recording, parts in keys.items()}
        found = [_read(recording, tree) for recording in sorted(keys)]
        return [each for each in found if each]

    def work(self) -> None:
        if self._link_up():
            self._problems.attempt("drafts", self.copy)

    def copy(self) -> None:
        """Copies what has changed, and takes away what is over. Raises CallrecError."""
        with self._lock:
            newest = dict(self._newest)
        changed = {id_: each for id_, each in newest.items() if self._copied.get(id_, (None,))[0] is not each}
        parts = {id_: _parts(each) for id_, each in changed.items()}
        gone = self._copied.keys() - newest.keys()
        stale = {key for id_ in gone for key in self._copied[id_][1]}
        stale |= {
            key for id_ in changed if id_ in self._copied for key in self._copied[id_][1] - parts[id_].keys()
        }
        if not changed and not stale:
            return
        with self._database() as database:
            if changed:
                database.write(FAMILY, {key: value for each in parts.values() for key, value in each.items()})
            if stale:
                database.delete(FAMILY, stale)
        self._copied = {id_: each for id_, each in self._copied.items() if id_ in newest}
        self._copied |= {id_: (each, set(parts[id_])) for id_, each in changed.items()}


def _parts(checkpoint: Checkpoint) -> dict[str, str]:
    """Returns the entries of a checkpoint. What is as it is by default is left out."""
    plain = _CHECKPOINT.dump_json(checkpoint, exclude_defaults=True)
    text = base64.b64encode(zlib.compress(plain, 9)).decode()
    pieces = [text[at : at + PART] for at in range(0, len(text), PART)]
    id_ = checkpoint.capture.recording_id
    return {f"{id_}-{number}": f"{len(pieces)}:{piece}" for number, piece in enumerate(pieces)}


def _read(recording: str, tree: Mapping[str, str]) -> Checkpoint | None:
    """Returns a checkpoint; None where its parts are not all there, or of different moments."""
    count, text = 1, ""
    try:
        number = 0
        while number < count:
            told, _, piece = tree[f"{recording}-{number}"].partition(":")
            count, text, number = int(told), text + piece, number + 1
        found = _CHECKPOINT.validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (KeyError, ValueError, zlib.error) as error:
        log.error("a draft of the PBX cannot be read", recording=recording, problem=repr(error))
        return None
    return found if found.capture.recording_id == recording else None
