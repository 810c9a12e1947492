"""What reconciles one callrec: every part is asked here what it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from callrec.app.parts import App
from callrec.policy.decide import Defaults

if TYPE_CHECKING:
    from callrec.health.filed_look import FiledLook
    from callrec.health.reconciliation import Comparison, Comparisons
    from callrec.health.recorded_look import RecordedLook


class ReconciliationAssembly:
    """Makes what compares the parts of one app. `followed` returns the recordings that a controller has in
    memory; `take_back` has one that was declared lost archived after all."""

    def __init__(
        self, app: App, followed: Callable[[], set[str]], take_back: Callable[[str], object]
    ) -> None:
        self._app, self._followed, self._take_back = app, followed, take_back

    def comparisons(self) -> Comparisons:
        """Returns all that is compared."""
        from callrec.health.reconciliation import Comparisons

        recorded, filed = self._recorded_look(), self._filed_look()
        file = self._app.settings.pbx.cdr_file
        return Comparisons(
            lambda whole: self._recorded(recorded, whole=whole),
            lambda daily: self._filed(filed, daily=daily),
            self._records(file) if file else None,
        )

    def _recorded(self, look: RecordedLook, *, whole: bool) -> Comparison:
        from callrec.health.reconciliation import RECORDED, Comparison

        looks = iter([whole])  # of the second look the names are known
        return Comparison(RECORDED, lambda: look.look(whole=next(looks, False)), look.resolve)

    def _filed(self, look: FiledLook, *, daily: bool) -> Comparison:
        from callrec.health.filed_look import ALL_DAYS, DAYS
        from callrec.health.reconciliation import FILED, Comparison

        app, days = self._app, ALL_DAYS if daily else DAYS
        return Comparison(
            FILED,
            lambda: look.look(app.now, days=days),
            look.resolve,
            lambda left: look.still(left, app.now, days=days),
        )

    def _records(self, file: Path) -> Comparison:
        from callrec.health import records_look
        from callrec.health.reconciliation import RECORDS, Comparison
        from callrec.health.records_look import RecordsParts

        app = self._app
        parts = RecordsParts(file, app.settings.office.zone, app.astdb, app.spool, app.database)
        return Comparison(RECORDS, lambda: records_look.look(parts, app.now), lambda each: None)

    def _recorded_look(self) -> RecordedLook:
        from callrec.health.recorded_look import RecordedLook, RecordedParts

        app = self._app
        retention = app.settings.retention
        return RecordedLook(
            RecordedParts(
                app.pbx,
                app.astdb,
                app.spool,
                app.database,
                app.settings.pbx.name,
                Defaults(retention.days, retention.incident_days),
                self._followed,
                self._take_back,
                lambda: app.store,
                app.clock_watch.pbx_ahead,
            )
        )

    def _filed_look(self) -> FiledLook:
        from callrec.health.filed_look import FiledLook, FiledParts

        app = self._app
        return FiledLook(
            FiledParts(
                app.database,
                lambda: app.store,
                app.spool,
                app.rebuilding,
                app.settings.office.zone,
                app.settings.pbx.name,
            )
        )
