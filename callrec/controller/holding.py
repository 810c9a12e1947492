"""Takes the PBX for this process, and looks from then on whether it still is its own (decision 21).

`ownership` says whose the PBX is, `pbx_identity` which PBX it is. Where AMI is away neither can be known:
calls are recorded all the same, and it is taken later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from callrec.controller.ownership import LOOK_SECONDS, Ownership, is_of, remember, remembered
from callrec.controller.pbx_identity import PbxIdentity
from callrec.errors import CallrecError, CatalogueOutdated, CatalogueUnreachable, Refused
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

NOTE_SECONDS = 60.0
"""How often is written into the catalogue that this PBX is in use under its name."""


class Holding(Worker):
    """One process's PBX: `take` it, then `run` on a thread of its own."""

    def __init__(
        self,
        ownership: Ownership,
        identity: PbxIdentity,
        spool: Path,
        link_up: Callable[[], bool],
        problems: Problems,
    ) -> None:
        self._ownership, self._identity, self._spool = ownership, identity, spool
        self._link_up, self._problems = link_up, problems
        self._note_again_at = 0.0
        super().__init__(self.work, lambda: LOOK_SECONDS)

    def take(self, *, new_pbx: bool) -> None:
        """Takes the PBX, so that every other controller of it finds that. Where AMI is away that is a
        problem, and done later. Raises Refused where another PBX has this one's name."""
        try:
            self._identity.require(new=new_pbx, before=remembered(self._spool))
            self._claim()
            self._note()
        except Refused:
            raise
        except CallrecError as error:
            self._problems.add("ownership", error)
            log.warning("whose this PBX is cannot be said", problem=str(error))

    def work(self) -> None:
        """Looks whether the PBX still is this process's. While there is no link, each new one looks."""
        if self._link_up():
            self._problems.attempt("ownership", self._look)

    def _look(self) -> None:
        if not self._ownership.reign.epoch:  # AMI was away at the start
            self._claim()
            if is_of(self._spool, self._ownership.before):  # else what another has left is yet to be taken up
                remember(self._spool, self._ownership.reign)
        self._ownership.look()
        if time.monotonic() >= self._note_again_at:
            self._note()

    def _claim(self) -> None:
        self._ownership.claim(self._identity.known())

    def _note(self) -> None:
        """Writes into the catalogue that this PBX is in use, and whose it is. While that is away, which is a
        problem of its own, it is not tried more often: each try may take seconds."""
        self._note_again_at = time.monotonic() + NOTE_SECONDS
        with suppress(CatalogueUnreachable, CatalogueOutdated):
            self._identity.note(self._ownership.reign)
