"""Tells the PBX of a name from another of that name: ids are made of it, and rows would be mixed up.

A mark in the PBX's own database, ``callrec-pbx/identity``, is compared with the catalogue's. A PBX may be
made anew, or another one take its place: so a mark that nobody has seen for a while is believed to be out of
use (decision 21).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog

from callrec.catalogue import pbxs
from callrec.catalogue.database import Database as Catalogue
from callrec.catalogue.pbxs import KnownPbx
from callrec.controller.ownership import Database, Reign
from callrec.errors import CallrecError, Refused

log = structlog.get_logger()

FAMILY, KEY = "callrec-pbx", "identity"
OUT_OF_USE = timedelta(minutes=15)
"""How long a PBX must not have been seen until another one may have its name."""


class PbxIdentity:
    """The mark of one controller's PBX, in its database and in the catalogue."""

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        catalogue: Catalogue,
        name: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._catalogue, self._name, self._clock = database, catalogue, name, clock
        self._is_new = False

    def known(self) -> Reign:
        """Returns which controller had this PBX last, as the catalogue knows; nobody while that is away."""
        row = self._row()
        return Reign(row.epoch, row.owner, row.machine) if row else Reign()

    def require(self, *, new: bool, before: str = "") -> None:
        """Raises Refused where another PBX of this name is in use, unless this one is said to be `new` in its
        place. While the catalogue is away it cannot be known.

        `before`: as whom the controller of this spool had its PBX last. Where nobody had it since, this is
        that PBX, or what took its place: one that loses its database at each start is recorded at once.
        """
        row = self._row()
        self._is_new = new or bool(before and row and row.owner == before)
        self._refuse_another(self._mark(), "")

    def note(self, reign: Reign) -> None:
        """Writes that this PBX is in use under its name. Raises Refused where another one is."""
        mark = self._mark()
        self._refuse_another(mark, reign.owner)
        known = KnownPbx(self._name, mark, self._clock(), reign.epoch, reign.owner, reign.machine)
        with self._catalogue.begin() as connection:
            pbxs.save(connection, known)
        self._is_new = False

    # --- inside

    def _row(self) -> KnownPbx | None:
        try:
            with self._catalogue.read() as connection:
                return pbxs.find(connection, self._name)
        except CallrecError:  # it is away, or the row was damaged: then it is written anew
            return None

    def _mark(self) -> str:
        """Returns the mark of the PBX, which is made where it has none."""
        with self._database() as database:
            mark = database.tree(FAMILY).get(KEY, "")
            if not mark:
                mark = secrets.token_hex(16)
                database.write(FAMILY, {KEY: mark})
        return mark

    def _refuse_another(self, mark: str, owner: str) -> None:
        """What this controller (`owner`) itself has written is of the PBX it had before this one: that of a
        pair goes on under the same address. A moment that lies ahead is of a clock that was wrong."""
        row = self._row()
        if row is None or self._is_new or mark == row.identity or owner == row.owner:
            return
        if abs(self._clock() - row.seen_at) < OUT_OF_USE:
            raise Refused(
                "another PBX is named {name} in this catalogue, and {machine} recorded it at {at}: choose "
                "another pbx.name or, where this one has taken its place, use callrec serve --new-pbx",
                name=row.name,
                machine=row.machine,
                at=row.seen_at.isoformat(timespec="seconds"),
            )
