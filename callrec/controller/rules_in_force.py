"""Keeps the rules the controller goes by: those of the catalogue, or, while that is away, those last seen.

`callrec.serve` asks it twice a second to look for changes. What is decided by the rules is `policy`'s
matter.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from callrec.errors import CallrecError, CatalogueOutdated, CatalogueUnreachable, NotFound
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.spool import status

log = structlog.get_logger()


class RuleSource(Protocol):
    """Where rules come from: the catalogue, and the copy of them on disk. `callrec.app` is one."""

    @property
    def now(self) -> datetime: ...
    def require_catalogue(self) -> None:
        """Raises CatalogueUnreachable, or CatalogueOutdated where its tables are not this version's."""

    def office(self) -> Office: ...
    def revision(self) -> int: ...
    def save_office(self, office: Office) -> None: ...
    def saved_office(self) -> tuple[Office, datetime]: ...


class RulesInForce:
    """The office as it is in force, taken up again whenever the catalogue says that it has changed."""

    def __init__(self, source: RuleSource, spool: Path, problems: Problems) -> None:
        """`spool` is the folder in which the controller's last status is."""
        self._source, self._spool, self._problems = source, spool, problems
        self._saved: Office | None = None
        self.took: Callable[[Office], None] = lambda office: None
        """Called with the new office after every change."""
        self.office = Office()
        self.seen_at = source.now
        """Until when the rules were looked at in the catalogue; callrec's clock."""
        self.catalogue_away = False

    def start(self) -> None:
        """Takes the rules of the catalogue; while it cannot be reached, those that were last seen.

        Raises CatalogueUnreachable where there are none either, CatalogueOutdated where the catalogue is not
        of this version, CheckFailed where the copy is damaged.
        """
        try:
            self._source.require_catalogue()
            self.office = self._source.office()
        except CatalogueUnreachable as error:
            try:
                self.office, saved_at = self._source.saved_office()
            except NotFound:
                raise error from None
            self.seen_at = self._last_seen(saved_at)
            self._away(error)
        else:
            self._save()

    def reload(self) -> None:
        """Takes up changed rules; calls under way keep the rules they began with.

        With the catalogue away the rules stay as they are, and that is a problem until it is back.
        """
        try:
            self._take_changes()
        except (CatalogueUnreachable, CatalogueOutdated) as error:
            self._away(error)
        else:
            self.catalogue_away = False
            self._problems.clear("database")
            self.seen_at = self._source.now

    def _last_seen(self, saved_at: datetime) -> datetime:
        """Returns until when the rules of the copy were looked at in the catalogue.

        The copy is written when rules change; the last status tells until when they were looked at.
        """
        told = status.read(self._spool)
        if told.get("revision") != self.office.revision:
            return saved_at
        return max(saved_at, datetime.fromisoformat(told["rules_at"]))

    def _take_changes(self) -> None:
        if self.catalogue_away:
            self._source.require_catalogue()  # it may come back as another one
        if self.catalogue_away or self._source.revision() != self.office.revision:
            self.office = self._source.office()
            self.took(self.office)
            keep_for_good()
            log.info("rules read", revision=self.office.revision)
        if self._saved is not self.office:
            self._save()

    def _save(self) -> None:
        office = self.office

        def save() -> None:
            self._source.save_office(office)
            self._saved = office

        self._problems.attempt("copy of the rules", save)

    def _away(self, error: CallrecError) -> None:
        self.catalogue_away = True
        if self._problems.add("database", error):
            log.error("the database is away; the rules last seen stay in force", problem=str(error))


def keep_for_good() -> None:
    """Keeps what was built to last from being looked through by the garbage collector.

    That took 40 ms for the program alone, and longer on a busy machine or with many rules: for so long no
    recording began. Objects nobody refers to are freed all the same.
    """
    gc.freeze()
