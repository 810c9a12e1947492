"""Says whether this process still is the one that commands the PBX (decision 21).

The PBX's own database has it, where every controller of it must look, whichever machine it runs on:
``callrec-owner/<app>`` = ``epoch|owner|machine``. Whoever takes the PBX writes a higher epoch than was there
before. A controller looks before it links, and before it gives a command where it may have been away since
it looked last: cut off, or frozen. So one that comes back finds that another has taken over, and gives no
command any more.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from callrec.errors import CallrecError, PbxUnreachable
from callrec.files import write_whole
from callrec.pbx.transport import TakenOver

log = structlog.get_logger()

FAMILY = "callrec-owner"
FILE = "owner.json"
"""What a spool remembers: as whom its controller last had the PBX."""
FROZEN_SECONDS = 3.0
"""How long the beat may be away until it is believed that this process, or its machine, stood still."""
LOOK_SECONDS = 5.0
"""How often is looked without any reason."""


def running_seconds() -> float:
    """Returns seconds of a clock that goes on while the machine sleeps, and knows no steps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Reign:
    """Who has the PBX, since which epoch. Epoch 0 is nobody."""

    epoch: int = 0
    owner: str = ""
    machine: str = ""

    @classmethod
    def parse(cls, text: str) -> Reign:
        """Returns what an entry says; nobody where it says nothing that can be read."""
        epoch, _, rest = text.partition("|")
        owner, _, machine = rest.partition("|")
        return cls(int(epoch), owner, machine) if epoch.isascii() and epoch.isdigit() and owner else cls()

    def __str__(self) -> str:
        return f"{self.epoch}|{self.owner}|{self.machine}"


class Database(Protocol):
    """The PBX's own database (AstDB). Refusals and silence are CallrecErrors."""

    def tree(self, family: str) -> dict[str, str]: ...
    def write(self, family: str, entries: Mapping[str, str]) -> None: ...


class Hold(Protocol):
    """What a controller asks and tells of its hold on the PBX."""

    def is_ours(self) -> bool: ...
    def doubt(self) -> None: ...


class NoHold:
    """Knows of no owner: whoever connects has the PBX."""

    def is_ours(self) -> bool:
        return False

    def doubt(self) -> None:
        pass


class Ownership:
    """One process's hold on one PBX. Several threads may use it.

    Until `claim` it forbids nothing. Once another controller has the PBX, everything raises TakenOver, and
    `lost` was called.
    """

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        app: str,
        machine: str,
        anybody: Callable[[], bool],
        clock: Callable[[], float] = running_seconds,
    ) -> None:
        """`anybody` returns whether a controller is linked with the PBX now, whoever that is."""
        self._database, self._app, self._anybody, self._clock = database, app, anybody, clock
        self.reign = Reign(0, secrets.token_hex(8), machine)
        self.before = Reign()
        """Who had the PBX before this process took it."""
        self.lost: Callable[[], None] = lambda: None
        self._taken_by: Reign | None = None
        self._looking = threading.RLock()
        self._is_looking = False
        self._doubts = self._settled = 0  # how many doubts there were, and how many when it was last looked
        self._beat_at: float | None = None

    def claim(self, known: Reign) -> None:
        """Takes the PBX from whoever has it. `known` is the latest of whom the catalogue knows.

        Raises CallrecError where the PBX does not answer, or did not take it.
        """
        with self._one_look(), self._database() as database:
            self.before = max(self._found(database), known, key=lambda each: each.epoch)
            reign = Reign(self.before.epoch + 1, self.reign.owner, self.reign.machine)
            database.write(FAMILY, {self._app: str(reign)})
            self.reign = reign
        log.info("this controller has the PBX", epoch=reign.epoch, before=self.before.machine)

    def look(self) -> None:
        """Looks who has the PBX. Raises TakenOver where that is another one, CallrecError where it cannot be
        known."""
        self._require_not_taken()
        if self.reign.epoch:
            with self._one_look(), self._database() as database:
                self._compare(database)

    def before_link(self) -> None:
        """Looks, and has the first command over the link look again: another one may come in between.

        Where it cannot be known, for AMI is away, nobody else must be linked: PbxUnreachable is raised then.
        Else it is linked, for calls must be recorded.
        """
        try:
            self.look()
        except TakenOver:
            raise
        except CallrecError as error:
            if self.reign.epoch and self._anybody():
                raise PbxUnreachable(
                    "a controller is linked with the PBX, and which one cannot be known ({problem})",
                    problem=error,
                ) from error
        self.doubt()

    def before_command(self) -> None:
        """Looks, where this process may have been away since it looked last. Raises TakenOver."""
        self._require_not_taken()
        if self._is_in_doubt():
            with self._looking:  # one looks for all
                if self._is_in_doubt() and not self._is_looking:
                    self._look_once()

    def doubt(self) -> None:
        """Takes note that this process was away, as the link to the PBX was."""
        self._doubts += 1

    def beat(self) -> None:
        """Takes note that this process goes on. To be called twice a second: a beat that comes late tells
        that it stood still."""
        if self._stands_still():
            log.warning("this process stood still")
            self.doubt()  # before the beat: no command may come between
        self._beat_at = self._clock()

    def is_ours(self) -> bool:
        """Returns whether this process is known to have the PBX."""
        with suppress(CallrecError):
            self.look()
            return bool(self.reign.epoch)
        return False

    # --- inside

    @contextmanager
    def _one_look(self) -> Iterator[None]:
        """One thread at a time looks or writes, and its own commands ask nothing. What it has seen is of the
        moment at which it began."""
        with self._looking:
            doubts, self._is_looking = self._doubts, True
            try:
                yield
                self._settled = doubts
            finally:
                self._is_looking = False

    def _look_once(self) -> None:
        doubts = self._doubts
        try:
            self.look()
        except TakenOver:
            raise
        except CallrecError as error:  # AMI is away: a call must not wait for it again and again
            log.warning("who has the PBX cannot be known", problem=str(error))
            self._settled = doubts

    def _is_in_doubt(self) -> bool:
        return bool(self.reign.epoch) and (self._stands_still() or self._doubts != self._settled)

    def _stands_still(self) -> bool:
        return self._beat_at is not None and self._clock() - self._beat_at > FROZEN_SECONDS

    def _found(self, database: Database) -> Reign:
        return Reign.parse(database.tree(FAMILY).get(self._app, ""))

    def _compare(self, database: Database) -> None:
        found = self._found(database)
        if found.owner == self.reign.owner:
            return
        if found.epoch >= self.reign.epoch:
            self._taken_by = found
            self.lost()
            self._require_not_taken()
        log.warning("the PBX had lost who has it", found=str(found), epoch=self.reign.epoch)
        database.write(FAMILY, {self._app: str(self.reign)})  # restored from a copy, or made anew

    def _require_not_taken(self) -> None:
        if self._taken_by:
            raise TakenOver(
                "another callrec serve has taken this PBX over, on {machine}", machine=self._taken_by.machine
            )


def remember(spool: Path, reign: Reign) -> None:
    """Writes into a spool as whom its controller has the PBX."""
    write_whole(spool / FILE, json.dumps({"owner": reign.owner}).encode())


def is_of(spool: Path, reign: Reign) -> bool:
    """Returns whether it was the controller of this spool that had the PBX then, or nobody had it."""
    return not reign.epoch or remembered(spool) == reign.owner


def remembered(spool: Path) -> str:
    """Returns as whom the controller of a spool had the PBX last; empty where it does not say."""
    with suppress(FileNotFoundError, ValueError, AttributeError):
        return str(json.loads((spool / FILE).read_text()).get("owner") or "")
    return ""
