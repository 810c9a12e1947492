"""Gathers what a page on calls without a recording says: from the catalogue, the spool, the custody log and
its anchors; and looks in the bucket for what the catalogue does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec import __version__
from callrec.catalogue import absences, custody
from callrec.catalogue.absences import AbsenceScope, KnownCall
from callrec.catalogue.calls import facilities_of
from callrec.catalogue.database import Connection, Database
from callrec.errors import WrongUsage
from callrec.evidence import absence_rules
from callrec.evidence.absence import Known, concerns, findings, fits, status
from callrec.evidence.absence_document import (
    SCHEMA,
    Absence,
    Announced,
    Asked,
    CustodyState,
    Language,
    Limits,
    NumberIs,
    StatedAnchor,
    StatedCall,
    StatedProblem,
)
from callrec.evidence.absence_page import SignedPage, signed_page
from callrec.evidence.anchor import sha256
from callrec.evidence.anchors import AnchorLog, FoundAnchor
from callrec.evidence.custody_check import CustodyCheck, Finding
from callrec.evidence.in_spool import InSpool, look
from callrec.evidence.recordings_in_bucket import RecordingsInBucket, UnknownRecording
from callrec.language import speaking
from callrec.model.access import Reach
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody
from callrec.signing import Signer
from callrec.spool import status as controller
from callrec.spool.directory import Spool

MOST_CALLS = 10_000
MOST_DAYS = 366
MOST_AWAY = 1_000


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who makes a page, when, in which language, and which facilities that person reaches."""

    who: str
    at: datetime
    reach: Reach
    language: Language


class Absences:
    """Makes documents on calls without a recording, of one callrec."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        bucket: RecordingsInBucket,
        anchors: AnchorLog,
        check: CustodyCheck,
        signer: Callable[[], Signer],
        zone: ZoneInfo,
        is_gone: Callable[[str], bool],
    ) -> None:
        """`is_gone` tells of a recording that was destroyed whether all that tells of it agrees."""
        self._is_gone = is_gone
        self._database, self._spool, self._bucket = database, spool, bucket
        self._anchors, self._check, self._signer, self._zone = anchors, check, signer, zone

    def page(
        self, scope: AbsenceScope, who: str, at: datetime, reach: Reach, language: Language
    ) -> SignedPage:
        """Returns the page for somebody, signed, in a language. Raises as `gather` does, and
        WrongConfiguration without a key to sign with."""
        signer = self._signer()
        with speaking(language):
            return signed_page(self.gather(scope, _Asker(who, at, reach, language)), signer)

    def gather(self, scope: AbsenceScope, asker: _Asker) -> Absence:
        """Returns the document, not signed yet, in the language that is spoken.

        Raises WrongUsage for a span that is none, lies ahead or is too long, and for too many calls;
        StoreUnreachable while the bucket cannot be looked into.
        """
        _check(scope, asker.at)
        in_spool = look(self._spool)  # first: what leaves it meanwhile is in bucket and catalogue then
        known = self._known(scope, asker.reach)
        rows = [each for call in known for each in call.recordings]
        bucket = self._bucket.look(scope, rows)
        gone = [each.id for each in rows if each.state is Custody.DESTROYED]
        unproved = frozenset(each for each in gone if not self._is_gone(each))
        waiting = set(in_spool.waiting.values())
        only_there = [
            each
            for each in bucket.unknown
            if each.recording_id not in waiting and asker.reach.meets(Reach(each.facilities))
        ]
        with self._database.read() as connection:
            waiting_calls = _of_scope(connection, in_spool, scope, asker.reach)
            found = _joined(known, waiting_calls, only_there)
            more = Known(
                entries={each.id: custody.of(connection, each.id) for each in rows},
                lost={str(each.details.get("call")): each for each in absences.lost(connection)},
                waiting=in_spool.waiting,
                discards=frozenset(in_spool.discards),
                missing=bucket.missing,
                still_there=bucket.still_there,
                unproved=unproved,
                unknown_objects={each.call.id: each.key for each in only_there},
            )
            calls = sorted((_stated(each, more, scope) for each in found), key=lambda each: each.started_at)
            return Absence(
                schema=SCHEMA,
                made_at=asker.at,
                made_by=asker.who,
                language=asker.language,
                zone=str(self._zone),
                asked=Asked(scope.begin, scope.end, scope.extension, scope.facility, scope.number),
                calls=tuple(calls),
                rules=absence_rules.stated(connection, scope, calls, self._zone),
                custody=self._custody(connection, scope),
                limits=self._limits(connection, scope, asker, (*in_spool.unreadable, *bucket.unreadable)),
                software=f"callrec {__version__}",
            )

    def _known(self, scope: AbsenceScope, reach: Reach) -> list[KnownCall]:
        with self._database.read() as connection:
            rows = absences.calls_of(connection, scope, reach, MOST_CALLS + 1)
        if len(rows) > MOST_CALLS:
            raise WrongUsage("there are more than {most} calls: ask about a shorter time", most=MOST_CALLS)
        return [each for each in rows if concerns(each.call, scope)]

    # --- how far it can be believed

    def _custody(self, connection: Connection, scope: AbsenceScope) -> CustodyState:
        rows, digest = custody.head(connection)
        verdict = self._check.verify()
        every = [each for found in self._anchors.all() if (each := _anchor(connection, found))]
        before = [each for each in every if each.made_at < scope.begin][-1:]
        within = [each for each in every if scope.begin <= each.made_at < scope.end]
        after = [each for each in every if each.made_at >= scope.end][:1]
        around = {each.key: each for each in (*before, *within, *after, *every[-1:])}
        problems = [_problem(each) for each in verdict.findings]
        return CustodyState(rows, digest, verdict.anchors, tuple(problems), tuple(around.values()))

    def _limits(
        self, connection: Connection, scope: AbsenceScope, asker: _Asker, unreadable: tuple[str, ...]
    ) -> Limits:
        unnumbered = absences.unnumbered(connection, scope, asker.reach)
        told = controller.read(self._spool.directory)
        running = self._spool.is_locked()
        reached = asker.reach.as_list()
        away = absences.away(connection, scope.begin, scope.end, asker.reach, MOST_AWAY)
        return Limits(
            facilities=None if reached is None else tuple(reached),
            first_call_at=absences.first_call(connection),
            ends_later=scope.end > asker.at,
            withheld=unnumbered.withheld,
            erased=unnumbered.erased,
            erased_until=unnumbered.erased_until,
            away=tuple(away),
            controller_running=running,
            link_up=bool(running and told.get("link_up")),
            link_changed_at=str(told["link_changed_at"]) if told.get("link_changed_at") else None,
            unreadable=unreadable,
        )


def _check(scope: AbsenceScope, now: datetime) -> None:
    if scope.end <= scope.begin:
        raise WrongUsage("--to is not after --from: write the earlier moment first")
    if scope.begin >= now:
        raise WrongUsage("--from lies ahead: nothing can be said of it")
    if scope.end - scope.begin > timedelta(days=MOST_DAYS):
        raise WrongUsage("the time asked about is longer than {days} days: ask about parts", days=MOST_DAYS)


def _of_scope(
    connection: Connection, in_spool: InSpool, scope: AbsenceScope, reach: Reach
) -> list[CallRecord]:
    """Returns the calls in the spool that are of a scope and within reach."""
    through = {id_: frozenset(facilities_of(connection, call)) for id_, call in in_spool.calls.items()}
    return [
        call
        for id_, call in in_spool.calls.items()
        if reach.meets(Reach(through[id_])) and fits(call, scope, through[id_])
    ]


def _joined(
    known: Iterable[KnownCall], waiting: Iterable[CallRecord], only_there: Iterable[UnknownRecording]
) -> list[KnownCall]:
    """Returns the calls of the catalogue, and those that are only in spool or bucket, each once."""
    found = {each.call.id: each for each in known}
    for call in (*waiting, *(each.call for each in only_there)):
        found.setdefault(call.id, KnownCall(call))
    return list(found.values())


def _stated(known: KnownCall, more: Known, scope: AbsenceScope) -> StatedCall:
    call, decision = known.call, known.call.decision
    found = findings(known, more)
    shown = bool(scope.numbers) and known.erased_at is None
    is_: NumberIs = "withheld" if call.number is None else "not-shown"
    return StatedCall(
        id=call.id,
        started_at=call.started_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        direction=call.direction.value if call.direction else None,
        facility=call.facility,
        extension=call.extension,
        extensions=tuple(dict.fromkeys(each.extension for each in call.participants if each.extension)),
        number=scope.number if shown else None,
        number_is="shown" if shown else "erased" if known.erased_at else is_,
        outcome=call.outcome.value if call.outcome else None,
        decision="none" if decision is None else "no-rule" if decision.rule is None else "rule",
        mode=decision.mode if decision else None,
        rule=decision.rule if decision else None,
        version=decision.version if decision else None,
        announced=_announced(call),
        status=status(found),
        findings=tuple(found),
    )


def _announced(call: CallRecord) -> Announced:
    if any(each.complete for each in call.announcements):
        return "whole"
    if not call.announcements:
        return "failed" if call.unannounced_at else "none"
    return "failed" if all(each.could_not_be_played for each in call.announcements) else "in-part"


def _anchor(connection: Connection, found: FoundAnchor) -> StatedAnchor | None:
    """Returns an anchor as the page has it; None of what cannot be believed: the problems tell of it."""
    anchor = found.anchor
    if anchor is None:
        return None
    fits = custody.hash_at(connection, anchor.custody_rows) == anchor.custody_hash
    told = (anchor.number, anchor.made_at, anchor.custody_rows)
    return StatedAnchor(found.key, sha256(found.data), *told, fits)


def _problem(found: Finding) -> StatedProblem:
    known = found.known
    return StatedProblem(found.problem.shown(), f"{known.note} ({known.who})" if known else None)
