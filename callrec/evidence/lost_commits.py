"""Finds out whether the database has lost commits, as a failover or a restored backup does, and mends that.

The newest entry of the custody log says up to when the database knows everything. What was put into the
bucket since, and shortly before, is compared with it; what is missing is made again, and told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from callrec.catalogue import destructions
from callrec.catalogue.database import Database
from callrec.evidence.rebuilding import Rebuilding
from callrec.model.flaws import Flaw
from callrec.spool.flaws import Flaws

log = structlog.get_logger()

BEFORE = timedelta(hours=1)
"""So long before the newest entry it is looked, too: for clocks that are apart, and for what waited."""


class LostCommits:
    """What looks for lost commits of one database. What it found is told by `callrec status` for a day."""

    def __init__(self, database: Database, rebuilding: Callable[[], Rebuilding], flaws: Flaws) -> None:
        self._database, self._rebuilding, self._flaws = database, rebuilding, flaws
        self._since: datetime | None = None

    def look(self) -> None:
        """Compares and mends. Raises CallrecError where that cannot be done; then it is to be done again.

        An empty catalogue has lost nothing: to make a new one of the bucket is for a person to say.
        """
        if self._since is None:  # once: when it is done again, the log has entries of today
            with self._database.read() as connection:
                newest = destructions.newest_entry(connection)
            if newest is None:
                return
            # A row can have a time that lies ahead: what was put into the bucket is never as new.
            self._since = min(newest, datetime.now(UTC)) - BEFORE
        work = self._rebuilding()
        for some in work.since(self._since):
            for each in some:
                if each.unproved:
                    log.warning("cannot be proved", id=each.id, problem=str(each.unproved))
        for call_id in work.course.written:
            log.warning("lost from the catalogue, and made again from the bucket", call=call_id)
            self._flaws.add(call_id, Flaw.REBUILT)
