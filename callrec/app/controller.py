"""What a running controller is made of, and how its parts know of each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from callrec import ids, manifest
from callrec.app.manifest_sources import AppSources
from callrec.app.parts import App
from callrec.catalogue import alerts, calls
from callrec.numbers import normalise
from callrec.policy.holidays import is_holiday
from callrec.policy.office import Office

if TYPE_CHECKING:
    from callrec.alerts.alerter import Alerter
    from callrec.archive.archiver import Archiver
    from callrec.controller.controller import Controller
    from callrec.controller.rules_in_force import RulesInForce
    from callrec.fallback.journal_reader import JournalReader
    from callrec.fallback.rule_mirror import RuleMirror
    from callrec.health.reconciliation import Reconciler
    from callrec.problems import Problems
    from callrec.recording.tracker import CallTracker

A_NUMBER = "0300000000"
"""One outside, of no matter whom: only of such the plans of numbers are asked."""


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """The parts of a running controller, each with a loop for a thread of its own."""

    controller: Controller
    archiver: Archiver
    alerter: Alerter
    journal: JournalReader
    mirror: RuleMirror
    reconciler: Reconciler


class ControllerAssembly:
    """Makes the parts of a controller of one app."""

    def __init__(self, app: App) -> None:
        self._app = app

    def rules_in_force(self, problems: Problems) -> RulesInForce:
        """Makes what keeps the rules of a controller current."""
        from callrec.controller.rules_in_force import RulesInForce

        return RulesInForce(self._app, self._app.spool.directory, problems)

    def parts(self, rules: RulesInForce, problems: Problems) -> ControllerParts:
        """Makes the parts of a controller that goes by these rules; each wakes those it has work for."""
        from callrec.controller.controller import Controller

        self._load_for_calls()
        archiver, alerter = self.archiver(), self._app.alerter(lambda: rules.office)

        def captured() -> None:
            archiver.wake()
            alerter.wake()

        controller = Controller(
            self._app.pbx,
            self.tracker(rules.office),
            self._app.spool,
            answer_first=self._app.settings.prompts.answer_first,  # decision 5
            work_waits=archiver.wake,
            help_waits=alerter.wake,
            read_journal=lambda: journal.wake(),  # noqa: PLW0108  (it is made below)
            stored_keys=self.stored_keys,
            stop_monitor=self.stop_monitor,
        )
        journal = self._journal_reader(controller, rules, problems, captured)
        rules.took = controller.take_rules
        return ControllerParts(
            controller,
            archiver,
            alerter,
            journal,
            self._mirror(controller, rules, problems),
            self._reconciler(controller, problems, archiver.wake),
        )

    def tracker(self, office: Office) -> CallTracker:
        """Makes the tracker of calls, the pure core, which decides by the rules of this office."""
        from callrec.recording.environment import Environment
        from callrec.recording.tracker import CallTracker

        return CallTracker(
            Environment(
                office,
                self._app.prompts,
                self._app.library.tones,
                ids.new,
                self._app.settings.pbx.name,
                lambda phone: self._app.settings.help.phone_dial.format(extension=phone),
                self._app.settings.retention.testcall_days,
            )
        )

    def _journal_reader(
        self, controller: Controller, rules: RulesInForce, problems: Problems, captured: Callable[[], None]
    ) -> JournalReader:
        from callrec.fallback.adoption import Adoption
        from callrec.fallback.journal_reader import JournalReader

        adoption = Adoption(
            self._app.pbx,
            self._app.spool,
            lambda: rules.office,
            self._app.office_at,
            self._app.settings.pbx.name,
            self._app.prompt_of,
            lambda call: controller.has_recorded(call.linkedid) or self.knows_call(call.id),
            lambda press, alert: controller.has_heard(press) or self.alert_known(alert),
            self.has_capture,
            self.was_discarded,
        )
        return JournalReader(
            self._app.astdb, controller, adoption, problems, captured, self._app.pbx.channels
        )

    def _reconciler(
        self, controller: Controller, problems: Problems, resolved: Callable[[], None]
    ) -> Reconciler:
        from callrec.app.reconciliation import ReconciliationAssembly
        from callrec.health.reconciliation import Reconciler

        comparisons = ReconciliationAssembly(self._app, controller.followed).comparisons()
        return Reconciler(comparisons, controller, problems, time.monotonic, resolved)

    def _mirror(self, controller: Controller, rules: RulesInForce, problems: Problems) -> RuleMirror:
        from callrec.fallback.rule_mirror import RuleMirror

        return RuleMirror(
            self._app.astdb,
            lambda: rules.office,
            self._app.sounds,
            lambda: controller.link_up,
            problems,
            answer_first=self._app.settings.prompts.answer_first,
        )

    def archiver(self) -> Archiver:
        """Makes what takes recordings and calls out of the spool, and destroys what is not to be kept."""
        from callrec.archive.archiver import Archiver
        from callrec.archive.discarder import Discarder
        from callrec.spool.recording_builder import RecordingBuilder
        from callrec.spool.tracks import Tracks

        tracks = Tracks(self._app.spool, self._fetch, self._app.pbx.version)
        zone = self._app.settings.office.zone
        builder = RecordingBuilder(self._app.spool, tracks, AppSources(self._app), zone)
        return Archiver(
            self._app.spool,
            tracks,
            builder,
            self._app.store,
            self._app.database,
            self._app.pbx.delete_stored,
            Discarder(self._app.spool, self._app.database, self._app.pbx.destroy),
            zone,
            locked=self._app.settings.archive.object_lock != "off",
            encryption=self._app.settings.archive.encryption,
            shortest_lock=timedelta(seconds=self._app.settings.archive.shortest_lock_s),
        )

    def _load_for_calls(self) -> None:
        """Loads what is loaded elsewhere only when it is asked for: the plans of numbers, the calendar, the
        schema of manifests, and what signs them. The first call would wait for them."""
        normalise(A_NUMBER)
        is_holiday(self._app.now.date())
        manifest.load()
        self._app.keys  # noqa: B018 (imports the library; that its key is there is looked after elsewhere)

    # --- what its parts ask

    def stored_keys(self) -> dict[str, str]:
        """Returns the key presses that the dialplan has written down: the id of each, and what it says."""
        from callrec.fallback.journal import KEYS

        with self._app.ami() as ami:
            return ami.tree(KEYS)

    def stop_monitor(self, name: str, monitor: str) -> None:
        """Ends one MixMonitor of a channel, by the channel's name and the monitor's id."""
        with self._app.ami() as ami:
            ami.stop_monitor(name, monitor)

    def knows_call(self, call_id: str) -> bool:
        """Returns whether a call that is over is in the spool, or in the catalogue, if that answers."""
        here = call_id in self._app.spool.known_calls()
        return here or self._app.database.says(lambda connection: calls.is_known(connection, call_id))

    def has_capture(self, recording_id: str) -> bool:
        """Returns whether a capture is in the spool, or its recording in the catalogue, if that answers."""
        return self._app.spool.has_capture(recording_id) or self._app.database.says(
            lambda connection: calls.find_recording(connection, recording_id) is not None
        )

    def was_discarded(self, call_id: str) -> bool:
        """Returns whether the catalogue says that what was captured of a call is destroyed, if it answers."""
        return self._app.database.says(lambda connection: calls.was_discarded(connection, call_id))

    def alert_known(self, id_: str) -> bool:
        """Returns whether an alert waits to be sent, or was sent. With the database away: only the former."""
        here = id_ in self._app.spool.alerts()
        return here or self._app.database.says(lambda connection: alerts.is_known(connection, id_))

    def _fetch(self, name: str, target: Path) -> bool:
        """Fetches a track from the PBX into a file; returns False when the PBX has none of that name."""
        from callrec.pbx.transport import AriRefused

        try:
            self._app.pbx.fetch(name, target)
        except AriRefused as error:
            if error.status == 404:
                return False
            raise
        return True
