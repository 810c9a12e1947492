"""All that is known of one call and its recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from callrec.archive.manifests import archived_manifest
from callrec.catalogue import alerts, custody, finding, holds, notes, requests, rules
from callrec.catalogue.alerts import DeliveryRow
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.catalogue.finding import SearchHit
from callrec.catalogue.holds import Hold
from callrec.catalogue.notes import WrittenNote
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import unseen
from callrec.errors import CallrecError
from callrec.model.access import Role
from callrec.model.captures import Custody
from callrec.model.rules import Rule

OF_REQUEST = ("request", "copy", "to", "medium")
"""What the custody log says of a request where something was done under it."""


@dataclass(frozen=True, slots=True)
class After:
    """What was written about a call and its recording when it was over."""

    notes: list[WrittenNote]
    holds: list[Hold]
    """Also those that were released."""
    requests: list[str]
    """The numbers of those that list it, as far as who asks reaches them."""


@dataclass(frozen=True, slots=True)
class ShownCall:
    """Everything that is known of a call and its recording. `considered`: the rules that were looked at, in
    the versions of then. `others`: further recordings of the call, where that was asked for. `manifest` is
    that of the recording as it lies in the bucket, where it was asked for; None where it could not be had, of
    which `without_manifest` tells why."""

    found: SearchHit
    entries: list[Entry]
    told: list[DeliveryRow]
    considered: list[Rule]
    after: After
    others: list[str]
    manifest: dict[str, Any] | None = None
    without_manifest: str = ""


@operation("show", Role.HANDLER)
def show(session: Session, /, id_: str, manifest: bool = False) -> ShownCall:
    """Returns what is known of the recording or call of an id or its beginning; with `manifest` also what the
    bucket alone has. Raises NotFound."""
    shown = _shown(session, id_)
    kept = shown.found.recording
    if kept is None or not manifest:
        return shown
    if kept.state is Custody.DESTROYED:
        return replace(shown, manifest={})
    try:
        return replace(shown, manifest=from_json(archived_manifest(session.app.store, kept)))
    except CallrecError as error:
        return replace(shown, without_manifest=str(error))


def _shown(session: Session, id_: str) -> ShownCall:
    with session.app.database.read() as connection:
        found, *more = finding.look_up_all(connection, id_, reach=session.reach)
        decision = found.call.decision
        versions = [(each.rule, each.version) for each in decision.considered] if decision else []
        return ShownCall(
            found,
            _entries(session, connection, found.recording.id) if found.recording else [],
            alerts.of_call(connection, found.call.id),
            list(rules.versions(connection, versions).values()),
            _after(session, connection, found),
            [each.recording.id for each in more if each.recording],
        )


def _entries(session: Session, connection: Connection, recording_id: str) -> list[Entry]:
    """Returns what was done with a recording. Of a request out of reach, by another facility that took part
    in the call, nothing is said: not its number, nor who was given a copy."""
    entries = custody.of(connection, recording_id)
    hidden = unseen(session, connection, [str(each.details.get("request") or "") for each in entries])
    return [
        replace(each, details={name: value for name, value in each.details.items() if name not in OF_REQUEST})
        if each.details.get("request") in hidden
        else each
        for each in entries
    ]


def _after(session: Session, connection: Connection, found: SearchHit) -> After:
    written = notes.of_call(connection, found.call.id)
    if found.recording is None:
        return After(written, [], [])
    id_ = found.recording.id
    listing = requests.numbers_of(connection, id_, reach=session.reach)
    held = holds.of_recording(connection, id_)
    hidden = unseen(session, connection, [each.request for each in held])
    return After(written, [each.without(hidden) for each in held], listing)
