"""What should be and what is, compared at once, and resolved. For who works directly alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.app.reconciliation import ReconciliationAssembly
from callrec.desk.operation import Session, operation
from callrec.errors import CallrecError, Refused, Sentence
from callrec.failures import told
from callrec.health.differences import Difference, Kind, Remedy
from callrec.health.reconciliation import SETTLE_SECONDS, Resolved, reconcile
from callrec.sentence_field import SentenceField
from callrec.spool import status

FRESH = timedelta(seconds=SETTLE_SECONDS - 0.5)
"""A controller at work writes down twice a second what it follows. What was seen at the first of two looks
must be in what it has written when the second one asks."""
HOUSE_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
"""How long it is waited for that: who keeps house for it may wait for another part."""
WOULD, DONE, LOOK, FAILED = "would", "done", "look", "failed"
"""What became of a difference: it would be resolved, it was, a person has to look, or it could not be."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A difference and what became of it. `about` is what it is about: a recording, call or channel by its
    id, or a name; `tracks` are names of stored recordings, `key` that of an object in the bucket."""

    kind: Kind
    about: str
    remedy: Remedy
    outcome: str
    tracks: list[str]
    key: str
    call: str
    extension: str
    facility: str
    at: datetime | None
    problem: SentenceField | None = None


@operation("reconcile")
def reconcile_all(session: Session, /, dry_run: bool) -> Iterable[Reconciled]:
    """Compares PBX, spool, catalogue, bucket and the PBX's own records, and resolves what can be, unless
    `dry_run`. Raises Refused where that is another controller's matter, Unreachable where a part is away."""
    if not dry_run:
        _require_controller(session.app)
    return _results(session.app, dry_run)


def _results(app: App, dry_run: bool) -> Iterator[Reconciled]:
    take_back = ControllerAssembly(app).archiver().take_back
    made = ReconciliationAssembly(app, lambda: _followed(app, dry_run), take_back).comparisons()
    every = [made.recorded(True), made.filed(True), *([made.records] if made.records else [])]
    for comparison in every:
        for each in reconcile(comparison, lambda: time.sleep(SETTLE_SECONDS), dry_run=dry_run):
            yield _told(each)


def _followed(app: App, dry_run: bool) -> set[str]:
    """Returns what the controller here follows; what a dead one followed is in the spool, or lost.

    At each look that is acted on it must have been told of late: what it follows in memory alone, as while
    the disk is full, would seem to be nobody's.
    """
    if not dry_run:
        _require_controller(app)
    if not app.spool.is_locked():
        return set()
    return {str(each) for each in status.read(app.spool.directory).get("followed", [])}


def _require_controller(app: App) -> None:
    """Raises Refused unless a controller runs here that is linked with the PBX, and tells what it follows: of
    what another one follows nothing is known here."""
    end = time.monotonic() + PATIENCE_SECONDS
    while app.spool.is_locked() and not _is_fresh(app) and time.monotonic() < end:
        time.sleep(HOUSE_SECONDS)
    linked = status.read(app.spool.directory).get("link_up")
    if not (app.spool.is_locked() and _is_fresh(app) and linked):
        raise Refused(
            "no callrec serve is at work here and linked with the PBX: start it, which reconciles by "
            "itself, or look only, with --dry-run"
        )


def _is_fresh(app: App) -> bool:
    at = status.read(app.spool.directory).get("at", "2000-01-01T00:00:00+00:00")
    return datetime.now(UTC) - datetime.fromisoformat(at) < FRESH


def _told(each: Resolved) -> Reconciled:
    found, call = each.difference, each.difference.call
    return Reconciled(
        found.kind,
        found.about,
        found.remedy,
        _outcome(each),
        list(found.tracks.names) if found.tracks else [],
        found.key,
        call.id if call else "",
        (call.extension or "") if call else "",
        (call.facility or "") if call else "",
        _moment(found),
        _sentence(each.problem) if each.problem else None,
    )


def _outcome(each: Resolved) -> str:
    if each.problem:
        return FAILED
    if each.difference.remedy is Remedy.LOOK:
        return LOOK
    return DONE if each.done else WOULD


def _moment(found: Difference) -> datetime | None:
    if found.tracks:
        return found.tracks.at
    return found.call.started_at if found.call else None


def _sentence(problem: CallrecError | OSError) -> Sentence:
    return problem.sentence if isinstance(problem, CallrecError) else told(problem)
