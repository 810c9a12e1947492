"""The running controller: its threads, from the first check to an orderly end.

One thread watches the PBX, one archives, one sends alerts, one reads what the dialplan did while
callrec was away, one gives the PBX its copy of the rules, and one keeps house: it takes up changed
rules and writes down how things stand. The first thread ticks, and ends the process when one of the
others has died.
"""

from __future__ import annotations

import gc
import os
import threading
from datetime import UTC, datetime
from typing import Any

import structlog

from callrec.alerts.alerter import Alerter
from callrec.app import App
from callrec.archive.archiver import Archiver
from callrec.controller.controller import Controller
from callrec.errors import CallrecError, CatalogueOutdated, CatalogueUnreachable, NotFound, Refused
from callrec.fallback.adoption import Adoption
from callrec.fallback.journal_reader import JournalReader
from callrec.fallback.rule_mirror import RuleMirror
from callrec.language import translated
from callrec.pbx.ari import wait_for_app_to_go
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.recording.tracker import CallTracker
from callrec.spool import status

log = structlog.get_logger()

TICK_SECONDS = 0.5
HOUSE_SECONDS = 0.5
APP_GRACE_SECONDS = 3.0
"""How long Asterisk may need to notice that a controller that was killed is gone."""
TAKEOVER_SECONDS = 30.0
"""How long a controller that is taken over from may need to finish what it has begun."""


class Service:
    """One controller process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._started_at = datetime.now(UTC)
        self._catalogue_away = False
        self._saved: Office | None = None
        """The rules of which there is a copy on disk."""
        self._problems = Problems()
        self._tell_shift()
        self._rules_at = self._started_at

    def _tell_shift(self) -> None:
        shift = self._app.settings.office.shift_s
        if shift:
            text = translated("decisions are made as if it were {seconds} s later: see office.shift_s")
            self._problems.add("shift", text.format(seconds=shift))

    def prepare(self, *, takeover: bool) -> None:
        """Checks that nobody else does this work and that the parts answer. Raises CallrecError."""
        if takeover:
            self._app.pbx.displace()
        self._app.spool.lock(TAKEOVER_SECONDS if takeover else 0.0)
        self._office = self._first_office()
        self._app.pbx.version()
        if not takeover and not wait_for_app_to_go(self._app.pbx, APP_GRACE_SECONDS):
            raise Refused(
                "another callrec serve is connected to this PBX as {app}: stop it, or use --takeover",
                app=self._app.settings.pbx.app,
            )
        tracker = self._app.tracker(self._office)
        self._take_up(tracker)
        self._archiver: Archiver = self._app.archiver()
        self._alerter: Alerter = self._app.alerter(lambda: self._office)
        self._controller = Controller(
            self._app.pbx,
            tracker,
            self._app.spool,
            answer_first=self._app.settings.prompts.answer_first,
            work_waits=self._archiver.wake,
            help_waits=self._alerter.wake,
            read_journal=self._wake_journal,
            stored_keys=self._app.stored_keys,
        )
        adoption = Adoption(
            self._app.pbx,
            self._app.spool,
            lambda: self._office,
            self._app.office_at,
            self._app.settings.pbx.name,
            self._app.prompt_of,
            lambda call: self._controller.has_recorded(call.linkedid) or self._app.has_recording(call.id),
            lambda press, alert: self._controller.has_heard(press) or self._app.alert_known(alert),
        )
        self._journal = JournalReader(
            self._app.ami, self._controller, adoption, self._problems, self._adopted
        )
        _keep_for_good()

    def _take_up(self, tracker: CallTracker) -> None:
        """Takes up the calls that were under way when the process before this one ended."""
        spool = self._app.spool
        spool.clear_partial_checkpoints()
        for checkpoint in spool.checkpoints():
            tracker.restore(checkpoint)
        known = spool.known_calls()
        for call in spool.open_calls():
            if call.id in known:  # killed before the note was taken away
                spool.forget_open_call(call.id)
            else:
                tracker.resume(call)

    def _first_office(self) -> Office:
        """The rules of the catalogue; while it cannot be reached, those that were last seen."""
        try:
            self._app.database.require_current()
            office = self._app.office()
        except CatalogueUnreachable as error:
            try:
                office, saved_at = self._app.saved_office()
            except NotFound:
                raise error from None
            self._rules_at = self._last_seen(office, saved_at)
            self._database_away(error)
        else:
            self._save(office)
        return office

    def _last_seen(self, office: Office, saved_at: datetime) -> datetime:
        """The copy is written when rules change; the last status tells until when they were looked at."""
        told = status.read(self._app.spool.directory)
        if told.get("revision") != office.revision:
            return saved_at
        return max(saved_at, datetime.fromisoformat(told["rules_at"]))

    def _save(self, office: Office) -> None:
        def save() -> None:
            self._app.save_office(office)
            self._saved = office

        self._problems.attempt("copy of the rules", save)

    def run(self) -> None:
        """Works until `stop`, or until another controller takes the PBX over. Raises Refused then."""
        watch = threading.Thread(target=self._controller.run, name="watch")
        archive = threading.Thread(target=self._archiver.run, name="archive")
        house = threading.Thread(target=self._keep_house, name="house")
        copy = threading.Thread(target=self._mirror().run, args=(self._stopping,), name="mirror")
        journal = threading.Thread(target=self._journal.run, name="journal")
        alerts = threading.Thread(target=self._alerter.run, name="alerts")
        threads = [watch, archive, house, copy, journal, alerts]
        for thread in threads:
            thread.start()
        dead = self._tick_while(threads)
        self.stop()
        self._controller.stop()
        self._archiver.stop()
        self._alerter.stop()
        self._journal.stop()
        for thread in threads:
            thread.join()
        self._write_status(running=False)
        self._app.database.close()
        log.info("ended")
        if self._controller.replaced.is_set():
            raise Refused("another callrec serve has taken this PBX over")
        if dead:
            raise CallrecError("callrec serve ended by itself ({part}): see its log", part=dead)

    def _wake_journal(self) -> None:
        self._journal.wake()

    def _adopted(self) -> None:
        self._archiver.wake()
        self._alerter.wake()

    def stop(self) -> None:
        """Asks `run` to end. Recordings under way go on in the PBX."""
        self._stopping.set()

    def _tick_while(self, threads: list[threading.Thread]) -> str:
        """Ticks until it is time to end; the name of a thread that died, if one did.

        A recorder that only seems to run is worse than one that ended: that one is started again.
        """
        while not self._stopping.wait(TICK_SECONDS) and not self._controller.replaced.is_set():
            dead = next((thread.name for thread in threads if not thread.is_alive()), "")
            if dead:
                return dead
            self._problems.attempt("tick", self._controller.tick)
        return ""

    # --- keeping house

    def _keep_house(self) -> None:
        while not self._stopping.wait(HOUSE_SECONDS):
            self._problems.attempt("reload", self._reload)
            self._problems.attempt("write status", self._write_status)

    def _reload(self) -> None:
        """Takes up changed rules; calls under way keep the decision they have."""
        try:
            self._take_changes()
        except (CatalogueUnreachable, CatalogueOutdated) as error:
            self._database_away(error)
        else:
            self._catalogue_away = False
            self._problems.clear("database")
            self._rules_at = self._app.now

    def _take_changes(self) -> None:
        if self._catalogue_away:
            self._app.database.require_current()  # it may come back as another one
        if self._catalogue_away or self._app.revision() != self._office.revision:
            self._office = self._app.office()
            self._controller.take_rules(self._office)
            _keep_for_good()
            log.info("rules read", revision=self._office.revision)
        if self._saved is not self._office:
            self._save(self._office)

    def _database_away(self, error: CallrecError) -> None:
        self._catalogue_away = True
        if self._problems.add("database", error.shown()):
            log.error("the database is away; the rules last seen stay in force", problem=str(error))

    def _mirror(self) -> RuleMirror:
        return RuleMirror(
            self._app.ami,
            lambda: self._office,
            self._app.sounds,
            lambda: self._controller.link_up,
            self._problems,
            answer_first=self._app.settings.prompts.answer_first,
        )

    def _write_status(self, *, running: bool = True) -> None:
        status.write(self._app.spool.directory, self._status(running))

    def _status(self, running: bool) -> dict[str, Any]:
        return {
            "running": running,
            "pid": os.getpid(),
            "at": datetime.now(UTC).isoformat(),
            "started_at": self._started_at.isoformat(),
            "pbx": self._app.settings.pbx.name,
            "link_up": self._controller.link_up,
            "link_changed_at": self._controller.link_changed_at.isoformat(),
            "catalogue_away": self._catalogue_away,
            "revision": self._office.revision,
            "rules_at": self._rules_at.isoformat(),
            "live": [{"extension": extension, "id": id_} for extension, id_ in self._controller.live()],
            "problems": sorted(
                {*self._archiver.problems(), *self._alerter.problems(), *self._problems.texts()}
            ),
        }


def _keep_for_good() -> None:
    """What was built to last is not looked through by the garbage collector any more.

    That took 40 ms for the program alone, and longer on a busy machine or with many rules: for so
    long no recording began. Objects nobody refers to are freed all the same.
    """
    gc.freeze()
