"""The parts of one callrec, each made when it is first asked for."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from callrec import account
from callrec.catalogue import changes, facilities, rules
from callrec.catalogue.database import Database
from callrec.errors import NotFound, Sentence, WrongConfiguration
from callrec.failures import why
from callrec.lifecycle.refusals import Refusals
from callrec.model.office import Extension, Facility, Support
from callrec.model.rules import Announce, Decision, Rule
from callrec.policy.decide import Defaults
from callrec.policy.office import Office, OfficeParts
from callrec.settings import Settings

if TYPE_CHECKING:
    from callrec.alerts.alerter import Alerter
    from callrec.alerts.mail import Mail
    from callrec.alerts.webhook import Webhook
    from callrec.archive.removal import S3Removal
    from callrec.archive.retrieval import Notes, Retrieval
    from callrec.archive.s3 import S3Store
    from callrec.evidence.anchorer import Anchorer
    from callrec.evidence.anchors import AnchorLog
    from callrec.evidence.custody_check import CustodyCheck
    from callrec.evidence.daily_anchors import DailyAnchors
    from callrec.evidence.keys import KeyFolder, PublicKeyRing
    from callrec.evidence.lost_commits import LostCommits
    from callrec.evidence.placing import Placer
    from callrec.evidence.rebuilding import Rebuilding
    from callrec.evidence.stamping import Stamper
    from callrec.evidence.statements import Outbox, StatementStore
    from callrec.evidence.strays import Strays
    from callrec.evidence.timestamps import Roots
    from callrec.evidence.trust import Trust
    from callrec.evidence.verification import Verifier
    from callrec.lifecycle.protection import Protection
    from callrec.lifecycle.purge import Purge
    from callrec.model.calls import Announcement
    from callrec.model.prompts import Prompt
    from callrec.pbx.ami import Ami
    from callrec.pbx.ari import Ari
    from callrec.pbx.astdb import AstDb
    from callrec.prompts.library import Library
    from callrec.spool.directory import Spool


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
        if path is None:  # those of the machine, to read which takes a while, are not named here
            return None
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
    def keys(self) -> KeyFolder:
        """The keys by which callrec signs."""
        from callrec.evidence.keys import KeyFolder

        return KeyFolder(self.settings.evidence.keys)

    def _public_keys(self) -> PublicKeyRing:
        """Returns the public keys as they are now: another process may have made a new one."""
        from callrec.evidence.keys import KeyFolder

        return KeyFolder(self.settings.evidence.keys).public

    def daily_anchors(self) -> DailyAnchors:
        """Makes what makes an anchor each day, in a thread of the controller."""
        from callrec.evidence.daily_anchors import DailyAnchors

        zone = self.settings.office.zone
        return DailyAnchors(self.anchorer, self.stamper, self.who, lambda: self.now, zone)

    def anchors(self) -> AnchorLog:
        """Makes what reads the anchors in the bucket."""
        from callrec.evidence.anchors import AnchorLog

        return AnchorLog(self.store, self._public_keys())

    def anchorer(self) -> Anchorer:
        """Makes what says in the bucket where the custody log stands."""
        from callrec.evidence.anchorer import Anchorer

        zone = self.settings.office.zone
        return Anchorer(self.database, self.anchors(), self.placer, self.keys.signer, zone)

    def custody_check(self) -> CustodyCheck:
        """Makes what verifies the custody log as a whole, and against the anchors."""
        from callrec.evidence.custody_check import CustodyCheck
        from callrec.evidence.stamping import StampLog
        from callrec.evidence.traces import Traces

        zone, keys = self.settings.office.zone, self._public_keys()
        traces = Traces(self.store, keys, zone)
        stamps = StampLog(self.anchors(), self.tsa_roots())
        return CustodyCheck(self.database, self.anchors(), traces, stamps, lambda: self.now, zone)

    def tsa_roots(self) -> Roots | None:
        """Makes what tells whose time-stamps are believed; None where the settings do not say."""
        path = self.settings.evidence.tsa_ca_file
        if path is None:
            return None
        from callrec.evidence.timestamps import Roots

        return Roots(path)

    def stamper(self) -> Stamper | None:
        """Makes what has anchors stamped with the time; None without an authority."""
        settings, zone, roots = self.settings.evidence, self.settings.office.zone, self.tsa_roots()
        if not settings.tsa_url or roots is None:
            return None
        from callrec.evidence.stamping import Stamper, StampLog
        from callrec.evidence.timestamps import TimeStampAuthority

        authority = TimeStampAuthority(settings, roots, lambda: self.now, zone, self.ca_file)
        log = self.anchors()
        return Stamper(log, StampLog(log, roots), self.placer, authority, lambda: self.now)

    @cached_property
    def placer(self) -> Placer:
        """What puts anchors and their time-stamps into the bucket, where they stay."""
        from callrec.evidence.placing import Placer

        locked = self.settings.archive.object_lock != "off"
        return Placer(self.store, self.settings.evidence.anchor_days, locked=locked)

    @cached_property
    def protection(self) -> Protection:
        """The locks and legal holds of what is in the bucket already."""
        from callrec.lifecycle.protection import Protection

        settings = self.settings.archive
        shortest = timedelta(seconds=settings.shortest_lock_s)
        return Protection(lambda: self.store, settings.object_lock, shortest)

    @cached_property
    def outbox(self) -> Outbox:
        """What puts statements of what was done into the bucket."""
        return self._outbox(lambda: self.store)

    def _outbox(self, store: Callable[[], StatementStore]) -> Outbox:
        from callrec.evidence.statements import Outbox

        settings = self.settings.archive
        shortest = timedelta(seconds=settings.shortest_lock_s)
        locks = settings.object_lock != "off"
        return Outbox(self.database, store, lambda: self.keys, locks=locks, shortest_lock=shortest)

    def put_statements(self) -> None:
        """Puts what this process has done into the bucket too, if there is anything; what cannot be put now
        waits for the controller."""
        if "outbox" in self.__dict__:
            self.outbox.attempt()

    def rebuilding(self) -> Rebuilding:
        """Makes what compares the catalogue with the bucket, and makes it again from there."""
        from callrec.evidence.rebuilding import Rebuilding

        return Rebuilding(
            self.database,
            self.store,
            self.keys.public,
            who=self.who,
            clock=lambda: self.now,
            is_on_its_way=self.spool.has_capture,
        )

    def lost_commits(self) -> LostCommits:
        """Makes what finds out whether the database has lost something that the bucket says."""
        from callrec.evidence.lost_commits import LostCommits

        return LostCommits(self.database, self.rebuilding, self.spool.flaws)

    @cached_property
    def destruction_store(self) -> S3Removal:
        """The bucket, by the keys of [destruction], which nobody else has."""
        from callrec.archive.removal import S3Removal

        settings = self.settings.archive.with_keys("destruction", self.settings.destruction)
        return S3Removal(settings, self.ca_file)

    def purge(self) -> Purge:
        """Makes what destroys recordings whose time is over."""
        from callrec.evidence.statements import BucketTombstones
        from callrec.lifecycle.purge import Purge

        store = self.destruction_store
        tombstones = BucketTombstones(self._outbox(lambda: store), store, self.keys.public)
        return Purge(self.database, store, tombstones, self.who, lambda: self.now)

    @cached_property
    def pbx(self) -> Ari:
        from callrec.pbx.ari import Ari

        return Ari(self.settings.pbx, self.ca_file)

    @cached_property
    def spool(self) -> Spool:
        from callrec.spool.directory import Spool

        return Spool(self.settings.spool.directory)

    @cached_property
    def library(self) -> Library:
        from callrec.prompts.library import Library

        return Library.of(self.settings.prompts)

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
        from callrec.spool import snapshot

        snapshot.write(self.spool.directory / snapshot.FILE, office, self.now)

    def saved_office(self) -> tuple[Office, datetime]:
        """Returns the office as it was last seen, and when. Raises NotFound, CheckFailed if damaged."""
        from callrec.spool import snapshot

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

    def retrieval(self, note: Notes) -> Retrieval:
        """Makes what reads recordings back from the archive; `note` enters that into the custody log."""
        from callrec.archive.retrieval import Retrieval

        return Retrieval(self.store, self.database, self.trust, note)

    @cached_property
    def trust(self) -> Trust:
        """The keys by which manifests are believed."""
        from callrec.evidence.trust import Trust

        def since() -> datetime | None:
            return next((each.created_at for each in self.keys.records()), None)

        return Trust(lambda: self.keys.public, since)

    def verifier(self, note: Notes) -> Verifier:
        """Makes what verifies recordings; `note` enters that into the custody log."""
        from callrec.evidence.verification import Verifier

        settings = self.settings
        return Verifier(
            self.store,
            self.database,
            self.trust,
            note,
            lambda: self.now,
            zone=settings.office.zone,
            mode=settings.archive.object_lock,
        )

    def strays(self, note: Notes) -> Strays:
        """Makes what looks through the bucket for what belongs to no recording."""
        from callrec.evidence.strays import Strays

        def is_on_its_way(id_: str) -> bool:
            return bool(id_) and self.spool.folder(id_).exists()

        return Strays(self.store, self.database, is_on_its_way, note)

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
