"""What a running controller is made of, and how its parts know of each other."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from callrec import ids, manifest
from callrec.app.manifest_sources import AppSources
from callrec.app.parts import App
from callrec.catalogue import alerts, calls, pbxs, reconciling
from callrec.errors import Sentence
from callrec.failures import why
from callrec.model.calls import FeatureCode
from callrec.numbers import normalise
from callrec.policy.holidays import is_holiday
from callrec.policy.office import Office

if TYPE_CHECKING:
    from callrec.alerts.alerter import Alerter
    from callrec.archive.archiver import Archiver
    from callrec.controller.controller import Controller
    from callrec.controller.drafts import DraftMirror, Drafts
    from callrec.controller.holding import Holding
    from callrec.controller.ownership import Ownership
    from callrec.controller.rules_in_force import RulesInForce
    from callrec.fallback.journal_reader import JournalReader
    from callrec.fallback.rule_mirror import RuleMirror
    from callrec.health.odd_events import OddEvents
    from callrec.health.reconciliation import Reconciler
    from callrec.model.alerts import Alert
    from callrec.model.calls import CallRecord
    from callrec.pbx.dialplan import Dialplan
    from callrec.pbx.events import RawKeyPress
    from callrec.problems import Problems
    from callrec.recording.tracker import CallTracker

KEEPING = (FeatureCode.KEEP, FeatureCode.HELP)
"""The keys by which staff have a call kept."""
STARTED_WITHIN = timedelta(minutes=1)
"""How far the beginning of one call may lie apart in the rows of two controllers."""
A_NUMBER = "0300000000"
"""One outside, of no matter whom: only of such the plans of numbers are asked."""
OTHERS = 20
"""How many stored recordings of a PBX are looked at for one that is there."""


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

    @cached_property
    def odd_events(self) -> OddEvents:
        """What keeps the events of the PBX that cannot be read."""
        from callrec.health.odd_events import OddEvents

        return OddEvents(self._app.spool.directory, lambda: self._app.now)

    @cached_property
    def ownership(self) -> Ownership:
        """The hold of this process on the PBX, which from now on obeys it."""
        from callrec.controller.ownership import Ownership

        pbx = self._app.pbx
        made = Ownership(
            self._app.astdb, self._app.settings.pbx.app, socket.gethostname(), pbx.app_is_connected
        )
        pbx.obey(made.before_link, made.before_command)
        return made

    def holding(self, link_up: Callable[[], bool], problems: Problems) -> Holding:
        """Makes what takes the PBX, and looks whether it still is this process's."""
        from callrec.controller.holding import Holding
        from callrec.controller.pbx_identity import PbxIdentity

        name = self._app.settings.pbx.name
        identity = PbxIdentity(self._app.astdb, self._app.database, name, lambda: self._app.now)
        return Holding(self.ownership, identity, self._app.spool.directory, link_up, problems)

    def drafts(self, link_up: Callable[[], bool], problems: Problems) -> DraftMirror:
        """Makes what copies the captures into the PBX's own database."""
        from callrec.controller.drafts import DraftMirror

        return DraftMirror(self._app.astdb, link_up, problems, self._app.spool.is_waiting)

    def bring_up(self, drafts: DraftMirror, problems: Problems) -> None:
        """Takes what the controller of another machine has left, if one had the PBX before this one.

        What the disk does not take stays in the PBX's database for the next start, and is a problem until
        then. Raises CallrecError where the PBX does not answer, and OSError.
        """
        from callrec.controller import ownership, taking_up
        from callrec.controller.drafts import State

        here, before = self._app.spool.directory, self.ownership.before
        left = drafts.there()
        if not ownership.is_of(here, before):
            try:
                taking_up.bring_up(self._app.spool, left, self)
            except OSError as error:
                drafts.leave()
                problems.add("left by another machine", _not_taken_up(error))
                return
        for each in left:  # those that are open are noted when they are taken up; the rest goes
            if each.state is not State.OPEN and self._app.spool.is_waiting(each.id):
                drafts.note(each.state, each.captured)
        if self.ownership.reign.epoch:
            ownership.remember(here, self.ownership.reign)

    def parts(self, rules: RulesInForce, problems: Problems, drafts: Drafts | None = None) -> ControllerParts:
        """Makes the parts of a controller that goes by these rules; each wakes those it has work for."""
        from callrec.controller.controller import Controller

        self._load_for_calls()
        archiver, alerter = self.archiver(lambda: rules.office), self._app.alerter(lambda: rules.office)

        def captured() -> None:
            archiver.wake()
            alerter.wake()

        controller = Controller(
            self._app.pbx,
            self.tracker(rules.office),
            self._app.spool,
            answer_first=self._app.settings.prompts.answer_first,  # decision 5
            sound_waits=archiver.wake,
            row_waits=archiver.wake_for_rows,
            take_alert=alerter.take,
            read_journal=lambda: journal.wake(),  # noqa: PLW0108  (it is made below)
            stored_keys=self.stored_keys,
            dialplan=self._dialplan(),
            drafts=drafts,
            hold=self.ownership,
        )
        self._app.pbx.unreadable = controller.unreadable = self.odd_events.add
        self.ownership.lost = controller.replaced.set
        journal = self._journal_reader(controller, rules, problems, captured, alerter.take)
        rules.took = controller.take_rules
        return ControllerParts(
            controller,
            archiver,
            alerter,
            journal,
            self._mirror(controller, rules, problems),
            self._reconciler(controller, archiver, problems),
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
        self,
        controller: Controller,
        rules: RulesInForce,
        problems: Problems,
        captured: Callable[[], None],
        take_alert: Callable[[Alert], None],
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
            take_alert,
            lambda: self._app.database.says(lambda connection: True),
        )
        return JournalReader(
            self._app.astdb,
            controller,
            adoption,
            problems,
            captured,
            self._app.pbx.channels,
            lambda keys: self.keys_forgotten(keys, controller.has_heard),
        )

    def _reconciler(self, controller: Controller, archiver: Archiver, problems: Problems) -> Reconciler:
        from callrec.app.reconciliation import ReconciliationAssembly
        from callrec.health.reconciliation import Reconciler

        comparisons = ReconciliationAssembly(self._app, controller.followed, archiver.take_back)
        return Reconciler(comparisons.comparisons(), controller, problems, time.monotonic, archiver.wake)

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

    def archiver(self, office: Callable[[], Office] | None = None) -> Archiver:
        """Makes what takes recordings and calls out of the spool, and destroys what is not to be kept.

        `office` gives the office that the controller goes by: manifests are made by it, with the catalogue
        away too.
        """
        from callrec.archive.archiver import Archiver
        from callrec.archive.deposit import Deposit
        from callrec.archive.discarder import Discarder
        from callrec.archive.endings import Endings
        from callrec.archive.recordings import Recordings
        from callrec.archive.rows import CallRows
        from callrec.spool.recording_builder import RecordingBuilder
        from callrec.spool.tracks import Tracks

        app, settings = self._app, self._app.settings
        tracks = Tracks(app.spool, self._fetch, app.pbx.version, self._has_others, now=app.clock_watch.now)
        zone, lock = settings.office.zone, settings.archive
        builder = RecordingBuilder(app.spool, tracks, AppSources(app, office=office), zone)
        deposit = Deposit(
            app.store,
            locked=lock.object_lock != "off",
            encryption=lock.encryption,
            shortest_lock=timedelta(seconds=lock.shortest_lock_s),
        )
        rows = CallRows(app.spool, app.database)
        discarder = Discarder(app.spool, app.database, app.pbx.destroy)
        endings = Endings(app.spool, tracks, rows, discarder, app.pbx.delete_stored)
        recordings = Recordings(app.spool, tracks, builder, deposit, app.database, rows, endings, zone)
        return Archiver(app.spool, builder, recordings, rows, discarder)

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

    def _dialplan(self) -> Dialplan:
        from callrec.pbx.dialplan import Dialplan

        return Dialplan(self._app.ami, self._app.pbx, self._forget_line)

    def _forget_line(self, channel: str) -> None:
        from callrec.fallback.journal import FAMILY

        with self._app.astdb() as database:
            database.delete(FAMILY, [channel])

    def knows_call(self, call_id: str) -> bool:
        """Returns whether a call that is over is in the spool, or in the catalogue, if that answers."""
        here = self._app.spool.knows_call(call_id)
        return here or self._app.database.says(lambda connection: calls.is_known(connection, call_id))

    def keys_forgotten(self, keys: Iterable[RawKeyPress], has_heard: Callable[[str], bool]) -> None:
        """Has the spool remember it where nobody knows which call staff wanted kept by one of these keys: its
        capture may be lost. Raises OSError."""
        keeping = [each for each in keys if each.key in KEEPING and not has_heard(each.id)]
        here = _keys_of(self._app.spool.every_call()) if keeping else set()
        if any(each.id not in here and not self._has_row(each) for each in keeping):
            self._app.spool.note_lost_key()

    def _has_row(self, key: RawKeyPress) -> bool:
        """Returns whether a key press stands in a call of the catalogue, if that answers."""
        name = self._app.settings.pbx.name
        return self._app.database.says(
            lambda connection: key.id in _keys_of(reconciling.calls_at(connection, name, key.at))
        )

    def has_ended(self, call: CallRecord, captured: str = "") -> bool:
        """Returns whether the catalogue has a row of this call, whoever wrote it, if it answers; where one of
        its channels is `captured`, one in which that took part.

        The linked id alone does not tell: Asterisk may give it to a call again after it was restarted, and
        those who left others that talk on have it in a call of their own.
        """
        return self._app.database.says(
            lambda connection: (
                calls.is_known(connection, call.id)
                or pbxs.has_call(
                    connection, call.pbx, call.linkedid, call.started_at - STARTED_WITHIN, captured
                )
            )
        )

    def has_recording(self, recording_id: str) -> bool:
        """Returns whether the catalogue has a recording, if it answers."""
        return self._app.database.says(
            lambda connection: calls.find_recording(connection, recording_id) is not None
        )

    def has_capture(self, recording_id: str) -> bool:
        """Returns whether a capture is in the spool, or its recording in the catalogue, if that answers."""
        return self._app.spool.has_capture(recording_id) or self.has_recording(recording_id)

    def was_discarded(self, call_id: str) -> bool:
        """Returns whether the catalogue says that what was captured of a call is destroyed, if it answers."""
        return self._app.database.says(lambda connection: calls.was_discarded(connection, call_id))

    def alert_known(self, id_: str) -> bool:
        """Returns whether an alert waits to be sent, or was sent. With the database away: only the former."""
        here = self._app.spool.has_alert(id_)
        return here or self._app.database.says(lambda connection: alerts.is_known(connection, id_))

    def _has_others(self, names: Iterable[str]) -> bool:
        """Returns whether the PBX has one of these stored recordings, or any other: its folder is there."""
        from callrec.pbx.transport import AriRefused

        pbx = self._app.pbx
        try:
            return any(pbx.stored_size(each) is not None for each in names) or any(
                pbx.stored_size(each) is not None for each in pbx.stored()[:OTHERS]
            )
        except AriRefused:  # it has no such folder
            return False

    def _fetch(self, name: str, target: Path) -> bool:
        """Fetches a track from the PBX into a file; returns False when the PBX has none of that name."""
        from callrec.pbx.transport import AriRefused

        self._app.spool.room_for(0)  # before the PBX is asked for what cannot be taken
        try:
            self._app.pbx.fetch(name, target, self._app.spool.room_for)
        except AriRefused as error:
            if error.status == 404:
                return False
            raise
        return True


def _not_taken_up(error: OSError) -> Sentence:
    """Returns what is told as long as this process runs: by then calls go on without it."""
    return Sentence(
        "what the controller of another machine has left of its calls cannot be written into the spool "
        "({problem}): make room, or see to its disk, and start callrec serve again",
        problem=why(error),
    )


def _keys_of(calls: Iterable[CallRecord]) -> set[str]:
    """Returns the ids of the key presses that stand in some calls."""
    return {each.id for call in calls for each in call.key_presses}
