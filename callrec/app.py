"""Puts the parts of callrec together: the composition root. Controller, checks and commands get them here.

Parts are imported where they are made: a search needs neither the PBX's libraries nor S3's, and a command
that answers at once is a command that is used.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from callrec import account, ids
from callrec.catalogue import alerts, calls, changes, facilities, rules
from callrec.catalogue.database import Database
from callrec.errors import NotFound, Sentence, WrongConfiguration
from callrec.failures import why
from callrec.lifecycle.refusals import Refusals
from callrec.model.office import Extension, Facility, Support
from callrec.model.rules import Announce, Decision, Rule
from callrec.policy.decide import Defaults
from callrec.policy.office import Office, OfficeParts
from callrec.settings import Settings
from callrec.spool import snapshot
from callrec.spool.directory import Spool

if TYPE_CHECKING:
    from callrec.alerts.alerter import Alerter
    from callrec.alerts.mail import Mail
    from callrec.alerts.webhook import Webhook
    from callrec.archive.archiver import Archiver
    from callrec.archive.removal import S3Removal
    from callrec.archive.retrieval import Notes, Retrieval
    from callrec.archive.s3 import S3Store
    from callrec.controller.controller import Controller
    from callrec.controller.rules_in_force import RulesInForce
    from callrec.fallback.journal_reader import JournalReader
    from callrec.fallback.rule_mirror import RuleMirror
    from callrec.lifecycle.protection import Protection
    from callrec.lifecycle.purge import Purge
    from callrec.model.calls import Announcement
    from callrec.model.prompts import Prompt
    from callrec.pbx.ami import Ami
    from callrec.pbx.ari import Ari
    from callrec.pbx.astdb import AstDb
    from callrec.problems import Problems
    from callrec.prompts.library import Library
    from callrec.recording.tracker import CallTracker


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """The parts of a running controller, each with a loop for a thread of its own."""

    controller: Controller
    archiver: Archiver
    alerter: Alerter
    journal: JournalReader
    mirror: RuleMirror


class App:
    """Everything one callrec is made of, each part made when it is first asked for. To be closed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.refusals = Refusals()

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.catalogue.url)

    @cached_property
    def ca_file(self) -> Path | None:
        """The authorities that are believed, where the settings name them. Raises WrongConfiguration where
        they cannot be read."""
        path = self.settings.network.ca_file
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            problem = (
                Sentence("there are no certificates in it") if isinstance(error, ssl.SSLError) else why(error)
            )
            raise WrongConfiguration(
                "network.ca_file {path} cannot be used: {problem}", path=path, problem=problem
            ) from error
        return path

    def close(self) -> None:
        """Closes the database, if it was opened."""
        if "database" in self.__dict__:
            self.database.close()

    @cached_property
    def store(self) -> S3Store:
        from callrec.archive.s3 import S3Store

        return S3Store(self.settings.archive, self.ca_file)

    @cached_property
    def protection(self) -> Protection:
        """The locks and legal holds of what is in the bucket already."""
        from callrec.lifecycle.protection import Protection

        settings = self.settings.archive
        shortest = timedelta(seconds=settings.shortest_lock_s)
        return Protection(lambda: self.store, settings.object_lock, shortest)

    @cached_property
    def destruction_store(self) -> S3Removal:
        """The bucket, by the keys of [destruction], which nobody else has."""
        from callrec.archive.removal import S3Removal

        settings = self.settings.archive.with_keys("destruction", self.settings.destruction)
        return S3Removal(settings, self.ca_file)

    def purge(self) -> Purge:
        """Makes what destroys recordings whose time is over."""
        from callrec.lifecycle.purge import Purge

        return Purge(self.database, self.destruction_store, self.who, lambda: self.now)

    @cached_property
    def pbx(self) -> Ari:
        from callrec.pbx.ari import Ari

        return Ari(self.settings.pbx, self.ca_file)

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.settings.spool.directory)

    @cached_property
    def library(self) -> Library:
        from callrec.prompts.library import Library

        return Library.of(self.settings.prompts)

    def stored_keys(self) -> dict[str, str]:
        """Returns the key presses that the dialplan has written down: the id of each, and what it says."""
        from callrec.fallback.journal import KEYS

        with self.ami() as ami:
            return ami.tree(KEYS)

    def stop_monitor(self, name: str, monitor: str) -> None:
        """Ends one MixMonitor of a channel, by the channel's name and the monitor's id."""
        with self.ami() as ami:
            ami.stop_monitor(name, monitor)

    def knows_call(self, call_id: str) -> bool:
        """Returns whether a call that is over is in the spool, or in the catalogue, if that answers."""
        here = call_id in self.spool.known_calls()
        return here or self.database.says(lambda connection: calls.is_known(connection, call_id))

    def has_capture(self, recording_id: str) -> bool:
        """Returns whether a capture is in the spool, or its recording in the catalogue, if that answers."""
        return self.spool.has_capture(recording_id) or self.database.says(
            lambda connection: calls.find_recording(connection, recording_id) is not None
        )

    def was_discarded(self, call_id: str) -> bool:
        """Returns whether the catalogue says that what was captured of a call is destroyed, if it answers."""
        return self.database.says(lambda connection: calls.was_discarded(connection, call_id))

    def alert_known(self, id_: str) -> bool:
        """Returns whether an alert waits to be sent, or was sent. With the database away: only the former."""
        here = id_ in self.spool.alerts()
        return here or self.database.says(lambda connection: alerts.is_known(connection, id_))

    def ami(self) -> Ami:
        """Returns a new AMI session, to be used in a `with`."""
        from callrec.pbx.ami import Ami

        return Ami(self.settings.pbx)

    def astdb(self) -> AstDb:
        """Returns the PBX's own database, to be used in a `with`."""
        from callrec.pbx.astdb import AstDb

        return AstDb(self.pbx, self.ami())

    def phones(self) -> dict[str, tuple[str, ...]]:
        """Returns the SIP endpoints the PBX has, each with the codecs it may use."""
        with self.ami() as ami:
            return ami.codecs(sorted(self.pbx.endpoints()))

    def trunks(self, endpoints: Iterable[str]) -> set[str]:
        """Returns those of the SIP endpoints that are lines to the outside."""
        with self.ami() as ami:
            return ami.trunks(endpoints)

    @property
    def who(self) -> str:
        """Who acts, for what is written down."""
        return account.acting()

    @property
    def now(self) -> datetime:
        """This moment, by callrec's clock."""
        return datetime.now(UTC)

    # --- the office

    def office(self) -> Office:
        """Returns the rules and extensions as the catalogue has them now."""
        return self.office_parts().office()

    def office_parts(self) -> OfficeParts:
        """Returns what the office is made of, as the catalogue has it now."""
        with self.database.read() as connection:
            # First: if a change comes in between, the next look at the number brings it.
            revision = changes.number(connection)
            return self._parts(
                facilities.all_facilities(connection),
                facilities.all_extensions(connection),
                rules.in_force(connection),
                revision,
            )

    def office_at(self, at: datetime) -> Office:
        """Returns the office with the rules as they were at a moment, and the extensions as they are now."""
        with self.database.read() as connection:
            return self._parts(
                facilities.all_facilities(connection),
                facilities.all_extensions(connection),
                rules.in_force_at(connection, at),
                changes.number(connection),
            ).office()

    def save_office(self, office: Office) -> None:
        """Writes the office a controller goes by into the spool, for a start without the database."""
        snapshot.write(self.spool.directory / snapshot.FILE, office, self.now)

    def saved_office(self) -> tuple[Office, datetime]:
        """Returns the office as it was last seen, and when. Raises NotFound, CheckFailed if damaged."""
        saved = snapshot.read(self.spool.directory / snapshot.FILE)
        parts = self._parts(saved.facilities, saved.extensions, saved.rules, saved.revision)
        return parts.office(), saved.saved_at

    def _parts(
        self,
        known_facilities: Iterable[Facility],
        known_extensions: Iterable[Extension],
        in_force: Iterable[Rule],
        revision: int,
    ) -> OfficeParts:
        settings = self.settings
        return OfficeParts(
            tuple(known_facilities),
            tuple(known_extensions),
            tuple(in_force),
            defaults=Defaults(settings.retention.days, settings.retention.incident_days),
            extension_pattern=settings.pbx.extension_pattern,
            prefixes=settings.office.prefixes,
            technologies=tuple(settings.pbx.phone_technologies),
            lines=tuple(settings.pbx.lines),
            zone=settings.office.zone,
            shift=timedelta(seconds=settings.office.shift_s),
            revision=revision,
            support=Support(settings.help.phone or None, settings.help.mail_to),
        )

    def require_catalogue(self) -> None:
        """Raises CatalogueUnreachable, or CatalogueOutdated where its tables are not this version's."""
        self.database.require_current()

    def revision(self) -> int:
        """Returns the number of the newest change of the office."""
        with self.database.read() as connection:
            return changes.number(connection)

    def facility_name(self, code: str) -> str:
        """Returns the name people know a facility by; its code where it has none."""
        with self.database.read() as connection:
            try:
                return facilities.facility(connection, code).name
            except NotFound:
                return code

    # --- prompts

    def prompts(self, decision: Decision) -> list[tuple[Prompt, str]]:
        """Returns the prompts of a decision, and under which names the PBX plays them. Raises NotFound."""
        if decision.announce is Announce.NONE:
            return []
        found = [self.library.get(decision.prompt, language) for language in decision.languages]
        return [(prompt, self.library.sound(prompt)) for prompt in found]

    def sounds(self, decision: Decision) -> Sequence[str]:
        """Returns the names under which the PBX plays the prompts of a decision."""
        return [sound for _, sound in self.prompts(decision)]

    def prompt_of(self, sound: str) -> Prompt | None:
        """Returns the prompt the PBX plays, or lately played, under this name; None where there is none."""
        return self.library.played(sound)

    def prompt_file(self, announcement: Announcement) -> Path:
        """Returns the sound of an announcement, at 8 kHz. Raises NotFound or CheckFailed."""
        said = announcement.prompt, announcement.language, announcement.text_sha256
        prompt = self.library.spoken(*said, announcement.started_at)
        self.library.check(prompt)
        return self.library.file(prompt, 8000)

    # --- the controller's parts

    def rules_in_force(self, problems: Problems) -> RulesInForce:
        """Makes what keeps the rules of a controller current."""
        from callrec.controller.rules_in_force import RulesInForce

        return RulesInForce(self, self.spool.directory, problems)

    def controller_parts(self, rules: RulesInForce, problems: Problems) -> ControllerParts:
        """Makes the parts of a controller that goes by these rules; each wakes those it has work for."""
        from callrec.controller.controller import Controller

        archiver, alerter = self.archiver(), self.alerter(lambda: rules.office)

        def captured() -> None:
            archiver.wake()
            alerter.wake()

        controller = Controller(
            self.pbx,
            self.tracker(rules.office),
            self.spool,
            answer_first=self.settings.prompts.answer_first,  # decision 5
            work_waits=archiver.wake,
            help_waits=alerter.wake,
            read_journal=lambda: journal.wake(),  # noqa: PLW0108  (it is made below)
            stored_keys=self.stored_keys,
            stop_monitor=self.stop_monitor,
        )
        journal = self._journal_reader(controller, rules, problems, captured)
        rules.took = controller.take_rules
        return ControllerParts(
            controller, archiver, alerter, journal, self._mirror(controller, rules, problems)
        )

    def tracker(self, office: Office) -> CallTracker:
        """Makes the tracker of calls, the pure core, which decides by the rules of this office."""
        from callrec.recording.environment import Environment
        from callrec.recording.tracker import CallTracker

        return CallTracker(
            Environment(
                office,
                self.prompts,
                self.library.tones,
                ids.new,
                self.settings.pbx.name,
                lambda phone: self.settings.help.phone_dial.format(extension=phone),
            )
        )

    def _journal_reader(
        self, controller: Controller, rules: RulesInForce, problems: Problems, captured: Callable[[], None]
    ) -> JournalReader:
        from callrec.fallback.adoption import Adoption
        from callrec.fallback.journal_reader import JournalReader
        from callrec.fallback.orphans import Orphans

        adoption = Adoption(
            self.pbx,
            self.spool,
            lambda: rules.office,
            self.office_at,
            self.settings.pbx.name,
            self.prompt_of,
            lambda call: controller.has_recorded(call.linkedid) or self.knows_call(call.id),
            lambda press, alert: controller.has_heard(press) or self.alert_known(alert),
            self.has_capture,
            self.was_discarded,
        )
        orphans = Orphans(self.pbx, self.spool.tracks, problems)
        return JournalReader(self.astdb, controller, adoption, problems, captured, self.pbx.channels, orphans)

    def _mirror(self, controller: Controller, rules: RulesInForce, problems: Problems) -> RuleMirror:
        from callrec.fallback.rule_mirror import RuleMirror

        return RuleMirror(
            self.astdb,
            lambda: rules.office,
            self.sounds,
            lambda: controller.link_up,
            problems,
            answer_first=self.settings.prompts.answer_first,
        )

    def archiver(self) -> Archiver:
        """Makes what takes recordings and calls out of the spool, and destroys what is not to be kept."""
        from callrec.archive.archiver import Archiver
        from callrec.archive.discarder import Discarder
        from callrec.spool.recording_builder import RecordingBuilder
        from callrec.spool.tracks import Tracks

        tracks = Tracks(self.spool, self._fetch, self.pbx.version)
        builder = RecordingBuilder(
            self.spool,
            tracks,
            self.facility_name,
            self.pbx.version,
            self.settings.office.zone,
            self.prompt_file,
        )
        return Archiver(
            self.spool,
            tracks,
            builder,
            self.store,
            self.database,
            self.pbx.delete_stored,
            Discarder(self.spool, self.database, self.pbx.destroy),
            self.settings.office.zone,
            locked=self.settings.archive.object_lock != "off",
            shortest_lock=timedelta(seconds=self.settings.archive.shortest_lock_s),
        )

    def retrieval(self, note: Notes) -> Retrieval:
        """Makes what reads recordings back from the archive; `note` enters that into the custody log."""
        from callrec.archive.retrieval import Retrieval

        return Retrieval(self.store, self.database, note)

    def alerter(self, office: Callable[[], Office]) -> Alerter:
        """Makes what sends alerts; `office` gives the office as it is when one is sent."""
        from callrec.alerts.alerter import Alerter

        # Always mail: a facility may have addresses of its own.
        webhook = [self.webhook(office)] if self.settings.help.webhook_url else []
        return Alerter(self.spool, [self.mail(office), *webhook], self.database)

    def mail(self, office: Callable[[], Office]) -> Mail:
        """Makes what sends alerts as mails."""
        from callrec.alerts.mail import Mail

        return Mail(self.settings.help, office, self.settings.office.zone, self.ca_file)

    def webhook(self, office: Callable[[], Office]) -> Webhook:
        """Makes what posts alerts to the webhook."""
        from callrec.alerts.webhook import Webhook

        return Webhook(self.settings.help, office, self.ca_file)

    def _fetch(self, name: str, target: Path) -> bool:
        """Fetches a track from the PBX into a file; returns False when the PBX has none of that name."""
        from callrec.pbx.transport import AriRefused

        try:
            self.pbx.fetch(name, target)
        except AriRefused as error:
            if error.status == 404:
                return False
            raise
        return True
