"""How the controller stands, as it tells itself, and what a person has to see to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callrec import sentences
from callrec.app import App
from callrec.desk.operation import Session, operation
from callrec.errors import CallrecError, CatalogueDamaged, Sentence, Unreachable
from callrec.health.backlog import Backlog, backlogs
from callrec.health.odd_events import OddEvents
from callrec.health.testcalls import results
from callrec.ids import ID
from callrec.lifecycle.concerns import concerns
from callrec.model.access import EVERYWHERE, Reach, Role
from callrec.model.flaws import Flaw
from callrec.sentence_field import SentenceField
from callrec.spool import status


@dataclass(frozen=True, slots=True)
class LiveCapture:
    """A capture under way, by the extension of the recorded call."""

    extension: str
    id: str


@dataclass(frozen=True, slots=True)
class Illness:
    """What is wrong, by a name that stays the same as long as it lasts. `since`: ISO; None: not known."""

    name: str
    since: str | None
    said: SentenceField


@dataclass(frozen=True, slots=True)
class Status:
    """The controller's own account of itself, and what waits in the spool. Moments are ISO, as it wrote
    them; None: it told nothing."""

    running: bool
    pid: int | None
    reported_at: str | None
    link_up: bool
    link_changed_at: str | None
    catalogue_away: bool
    rules_revision: int | None
    rules_at: str | None
    live: list[LiveCapture]
    waiting_recordings: int
    waiting_calls: int
    waiting_alerts: int
    waits: list[Backlog]
    """What waits in the spool of each kind, how much, and since when."""
    problems: list[Illness]
    """What the controller says is wrong."""
    flaws: dict[Flaw, list[str]]
    """The calls of the last day that have each flaw, the latest last."""
    concerns: list[SentenceField]
    """What is overdue or could not be done after calls."""
    spool: str
    spool_free_bytes: int
    spool_full_in_s: float | None
    """When its disk will be full, if it goes on filling as in the last hour; None: it does not, or nobody
    knows."""
    certificates: dict[str, str]
    """Until when the certificates of servers hold, by host and port; ISO."""
    test_calls: dict[str, str | None]
    """When the latest test call of each facility began that went well; ISO. None: none did."""
    signing_key_at: str | None
    """Since when callrec signs by the key it has; ISO. None: there is none."""


@operation("status", Role.RULES)
def controller_status(session: Session, /, seen: bool) -> Status:
    """Returns how the controller stands. With `seen` the flaws of calls are forgotten before.

    Works without the database; raises CatalogueNewer or Refused where it must not be touched.
    """
    app = session.app
    app.database.check_ours()
    if seen:
        session.require_all("status --seen")
        app.spool.flaws.forget()
        OddEvents.forget(app.spool.directory)
    return collect(app, session.reach)


def collect(app: App, reach: Reach = EVERYWHERE) -> Status:
    """Returns how the controller stands; of single calls only what is in reach."""
    told = status.read(app.spool.directory)
    running = app.spool.is_locked()
    return Status(
        running=running,
        pid=told.get("pid") if running else None,
        reported_at=told.get("at"),
        link_up=bool(running and told.get("link_up")),
        link_changed_at=told.get("link_changed_at"),
        catalogue_away=bool(told.get("catalogue_away")),
        rules_revision=told.get("revision"),
        rules_at=told.get("rules_at"),
        live=_live(app, told.get("live", []), reach) if running else [],
        waiting_recordings=len(app.spool.waiting()),
        waiting_calls=len(app.spool.calls()),
        waiting_alerts=_help_unsent(app, told if running else {}),
        waits=backlogs(app.spool.directory),
        problems=_problems(told, reach),
        # A flaw is kept without its facility.
        flaws=app.spool.flaws.recent() if reach == EVERYWHERE else {},
        concerns=_concerns(app, reach),
        spool=str(app.spool.directory),
        spool_free_bytes=app.spool.free_bytes(),
        spool_full_in_s=told.get("disk_full_in_s") if running else None,
        certificates=told.get("certificates", {}),
        test_calls={
            each.facility: each.succeeded_at.isoformat() if each.succeeded_at else None
            for each in results(app.spool.directory)
            if reach.covers(each.facility)
        },
        signing_key_at=_signing_key_at(app),
    )


def _problems(told: dict[str, Any], reach: Reach) -> list[Illness]:
    """Returns what is wrong with callrec; what names a recording or call only to who reaches all."""
    if "illnesses" not in told:  # a controller of before, or none
        every = [Illness(each, None, Sentence("{text}", text=each)) for each in told.get("problems", [])]
    else:
        every = [
            Illness(each["name"], each["since"], sentences.read(each["said"])) for each in told["illnesses"]
        ]
    return [each for each in every if reach == EVERYWHERE or not ID.search(str(each.said))]


def _help_unsent(app: App, told: dict[str, Any]) -> int:
    """Returns of how many calls for help somebody is yet to be told, by the controller; without one, how many
    are in the spool, where those that were sent wait for the database too."""
    unsent = told.get("help_unsent")
    return len(app.spool.alerts()) if unsent is None else int(unsent)


def _signing_key_at(app: App) -> str | None:
    try:
        return app.keys.record(app.keys.signer().key_id).created_at.isoformat()
    except CallrecError:
        return None


def _live(app: App, told: list[dict[str, str]], reach: Reach) -> list[LiveCapture]:
    found = [LiveCapture(each["extension"], each["id"]) for each in told]
    if reach == EVERYWHERE:
        return found
    office = app.office()
    return [each for each in found if reach.covers(office.facility_of(each.extension))]


def _concerns(app: App, reach: Reach) -> list[Sentence]:
    """Returns what is to be seen to. A database that is away is told of by the controller; of a row that is
    damaged the key is told only to who reaches all."""
    try:
        with app.database.read() as connection:
            return concerns(connection, app.now.astimezone(app.settings.office.zone), reach)
    except CatalogueDamaged as error:
        key = {} if reach == EVERYWHERE else {"key": "—"}
        return [Sentence(error.template, **error.values | key)]
    except Unreachable:
        return []
