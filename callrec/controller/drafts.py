"""Keeps a small copy of what is captured in the PBX's own database, for a take-over on another machine.

The snoops and their tracks are on the PBX, and go on there; what they are for is in the spool of a machine
that may be gone. ``callrec-draft/<recording>-<part>`` has each capture, as it goes on and as it was handed
over or discarded, as compressed JSON, in as many parts as a value of the dialplan holds. It goes when the
spool has let go of it, and so the PBX of its tracks (decision 21).
"""

from __future__ import annotations

import base64
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog
from pydantic import TypeAdapter

from callrec.model.calls import CallRecord
from callrec.model.captures import Capture, CapturedCall, Checkpoint
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

FAMILY = "callrec-draft"
SECONDS = 1.0
"""How often what has changed is copied, all of it at once."""
LOOK_SECONDS = 5.0
"""How often is looked of which the spool has let go. Where ten thousand wait, that takes 0.4 s."""
PART = 3500
"""How many signs of a value the dialplan is given at once: it takes 4095."""


class State(StrEnum):
    """How far a capture has come."""

    OPEN = "open"
    KEPT = "kept"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Draft:
    """A capture with its call, as the spool has it."""

    state: State
    call: CallRecord
    capture: Capture

    @property
    def id(self) -> str:
        return self.capture.recording_id

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.call, self.capture)

    @property
    def captured(self) -> CapturedCall:
        return CapturedCall(self.call, self.capture)


_DRAFT: TypeAdapter[Draft] = TypeAdapter(Draft)


class Database(Protocol):
    """The PBX's own database (AstDB). Refusals and silence are CallrecErrors."""

    def tree(self, family: str) -> dict[str, str]: ...
    def write(self, family: str, entries: Mapping[str, str]) -> None: ...
    def delete(self, family: str, keys: Iterable[str]) -> None: ...


class Drafts(Protocol):
    """What is told of captures. It must neither wait nor fail."""

    def note(self, state: State, captured: Checkpoint | CapturedCall) -> None:
        """Takes note of how a capture is now."""


class NoDrafts:
    """Keeps no copy."""

    def note(self, state: State, captured: Checkpoint | CapturedCall) -> None:
        pass


class DraftMirror(Worker):
    """Copies the captures as they are now, on a thread of its own: no recording waits for it.

    Another one (`looking`) looks of which the spool has let go: while the disk hangs, what is being captured
    is copied all the same.
    """

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        link_up: Callable[[], bool],
        problems: Problems,
        is_waiting: Callable[[str], bool],
    ) -> None:
        """`is_waiting` returns whether a capture that is over is still in the spool; OSError: not known."""
        self._database, self._link_up, self._problems = database, link_up, problems
        self._is_waiting = is_waiting
        super().__init__(self.work, lambda: SECONDS)
        self.looking = Worker(self._look_safely, lambda: LOOK_SECONDS)
        self._lock = threading.Lock()
        self._newest: dict[str, Draft] = {}
        self._copied: dict[str, tuple[Draft | None, set[str]]] = {}

    def note(self, state: State, captured: Checkpoint | CapturedCall) -> None:
        with self._lock:
            self._newest[captured.capture.recording_id] = Draft(state, captured.call, captured.capture)

    def there(self) -> list[Draft]:
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

    def leave(self) -> None:
        """Leaves alone what `there` has found, but for what is noted: it could not be taken up."""
        self._copied = {}

    def work(self) -> None:
        if self._link_up():
            self._problems.attempt("drafts", self.copy)

    def copy(self) -> None:
        """Copies what has changed, and takes away what `look` has forgotten. Raises CallrecError."""
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

    def look(self) -> None:
        """Forgets the captures of which the spool has let go. Raises OSError where it is not there: what it
        has let go of is not known then, and all stay."""
        with self._lock:
            over = [each for each in self._newest.values() if each.state is not State.OPEN]
        gone = [each for each in over if not self._is_waiting(each.id)]
        with self._lock:
            for each in gone:
                if self._newest[each.id] is each:  # else it was noted anew meanwhile
                    del self._newest[each.id]

    def _look_safely(self) -> None:
        with suppress(OSError):  # that the spool is not there is told by who looks after it
            self.look()


def to_be_kept(tree: Mapping[str, str]) -> set[str]:
    """Returns the recordings of which a copy of the PBX says that something of them is to be kept, or says
    nothing that can be read."""
    found = {recording: _read(recording, tree) for recording in {key.rpartition("-")[0] for key in tree}}
    return {recording for recording, draft in found.items() if draft is None or _is_kept(draft)}


def _is_kept(draft: Draft) -> bool:
    return draft.state is not State.DISCARDED and draft.capture.kept_because is not None


def _parts(draft: Draft) -> dict[str, str]:
    """Returns the entries of a draft. What is as it is by default is left out."""
    plain = _DRAFT.dump_json(draft, exclude_defaults=True)
    text = base64.b64encode(zlib.compress(plain, 9)).decode()
    pieces = [text[at : at + PART] for at in range(0, len(text), PART)]
    return {f"{draft.id}-{number}": f"{len(pieces)}:{piece}" for number, piece in enumerate(pieces)}


def _read(recording: str, tree: Mapping[str, str]) -> Draft | None:
    """Returns a draft; None where its parts are not all there, or of different moments."""
    count, text = 1, ""
    try:
        number = 0
        while number < count:
            told, _, piece = tree[f"{recording}-{number}"].partition(":")
            count, text, number = int(told), text + piece, number + 1
        found = _DRAFT.validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (KeyError, ValueError, zlib.error) as error:
        log.error("a draft of the PBX cannot be read", recording=recording, problem=repr(error))
        return None
    return found if found.id == recording else None
