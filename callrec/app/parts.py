"""The parts of one callrec, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callrec.app.evidence import EvidenceParts
from callrec.errors import NotFound
from callrec.model.office import Extension, Facility, Support
from callrec.model.rules import Announce, Decision, Rule

if TYPE_CHECKING:
    from callrec.alerts.alerter import Alerter
    from callrec.alerts.mail import Mail
    from callrec.alerts.webhook import Webhook
    from callrec.archive.removal import S3Removal
    from callrec.backup.listing import Listing
    from callrec.backup.maker import Maker
    from callrec.backup.restorer import Restorer
    from callrec.health.clock_watch import ClockWatch
    from callrec.lifecycle.protection import Protection
    from callrec.lifecycle.purge import Purge
    from callrec.model.calls import Announcement
    from callrec.model.prompts import Prompt
    from callrec.pbx.ami import Ami, AmiSessions
    from callrec.pbx.ari import Ari
    from callrec.pbx.astdb import AstDb
    from callrec.policy.office import Office, OfficeParts
    from callrec.prompts.library import Library


class App(EvidenceParts):
    """Everything one callrec is made of, each part made when it is first asked for. To be closed."""

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

    def backup(self, configuration: Path) -> Maker:
        """Makes what makes backups; `configuration` is the file of these settings."""
        from callrec.backup.maker import Maker

        return Maker(self.database, self.keys, clock=lambda: self.now, **self._backed_up(configuration))

    def restorer(self, folder: Path, found: Listing, configuration: Path) -> Restorer:
        """Makes what puts back a backup that was read; callrec.toml goes to `configuration`."""
        from callrec.backup.restorer import Restorer

        parts = folder, found, self.database, self.keys
        return Restorer(*parts, clock=lambda: self.now, **self._backed_up(configuration))

    def _backed_up(self, configuration: Path) -> dict[str, Any]:
        return {
            "configuration": configuration,
            "prompts": self.settings.prompts.directory,
            "spool": self.settings.spool.directory,
            "who": self.who,
        }

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
    def clock_watch(self) -> ClockWatch:
        """What compares this machine's clock with those of the others."""
        from callrec.clocks import CUT_OFF, time_at
        from callrec.health.clock_watch import DATABASE, PBX, STORE, ClockWatch

        def told_by(url: str, proxy: str = "") -> Callable[[], datetime]:
            return lambda: time_at(url, self.settings.pbx.timeout, self.ca_file, proxy) + CUT_OFF

        archive = self.settings.archive
        others: dict[str, Callable[[], datetime | None]] = {
            PBX: told_by(self.settings.pbx.ari_url),
            STORE: told_by(archive.address, archive.proxy),
            DATABASE: self._database_clock,
        }
        return ClockWatch(others, lambda: self.now)

    def _database_clock(self) -> datetime | None:
        from callrec.catalogue import trial

        with self.database.read() as connection:
            return trial.clock(connection)

    @cached_property
    def library(self) -> Library:
        from callrec.prompts.library import Library

        return Library.of(self.settings.prompts)

    def furnish(self) -> None:
        """Puts what comes with callrec, and the office's own library lacks, into that; where it has none,
        does nothing. Raises WrongConfiguration."""
        from callrec.prompts.furnishing import furnish
        from callrec.prompts.library import Library
        from callrec.resources import shipped

        if self.settings.prompts.directory:
            furnish(self.library, Library(shipped("prompts")))

    def make_way_to_prompts(self) -> None:
        """Makes the folder in which the office's own library is to be, so that the PBX can go through it."""
        from callrec.prompts.furnishing import make_way

        if self.settings.prompts.directory:
            make_way(self.library)

    def ami(self, seconds: float | None = None) -> Ami:
        """Returns a use of AMI, for a `with`, whose answers take `seconds` (`pbx.timeout`) at most."""
        from callrec.pbx.ami import Ami

        longest = min(seconds or self.settings.pbx.timeout, self.settings.pbx.timeout)
        return Ami(self.settings.pbx.model_copy(update={"timeout": longest}), self.ami_sessions)

    @cached_property
    def ami_sessions(self) -> AmiSessions:
        """The session of AMI that all of this process share."""
        from callrec.pbx.ami import AmiSessions

        return AmiSessions()

    def close(self) -> None:
        """Closes what was opened: the database, the connection to the PBX, and the session of AMI."""
        if "pbx" in self.__dict__:
            self.pbx.close()
        if "ami_sessions" in self.__dict__:
            self.ami_sessions.close()
        super().close()

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

    # --- the office

    def office(self) -> Office:
        """Returns the rules and extensions as the catalogue has them now."""
        return self.office_parts().office()

    def office_parts(self) -> OfficeParts:
        """Returns what the office is made of, as the catalogue has it now."""
        from callrec.catalogue import changes, facilities, rules

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
        from callrec.catalogue import changes, facilities, rules

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

        self.spool.check_there()
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
        from callrec.policy.decide import Defaults
        from callrec.policy.office import OfficeParts

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
        from callrec.catalogue import changes

        with self.database.read() as connection:
            return changes.number(connection)

    def facility_name(self, code: str) -> str:
        """Returns the name people know a facility by; its code where it has none."""
        from callrec.catalogue import facilities

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

    def health_webhook(self) -> Webhook:
        """Makes what posts letters of the recorder's own illness to their webhook."""
        from callrec.alerts.webhook import Webhook
        from callrec.policy.office import Office

        wanted = self.settings.health
        to = {"webhook_url": wanted.webhook_url, "webhook_secret": wanted.webhook_secret}
        help_ = self.settings.help.model_copy(update={**to, "webhook_proxy": wanted.proxy})
        return Webhook(help_, Office, self.ca_file, setting="health.webhook_url")
