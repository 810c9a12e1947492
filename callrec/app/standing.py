"""Knows how the controller of one process stands: for its status, and for those who watch it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from callrec import sentences
from callrec.app.controller import ControllerAssembly, ControllerParts
from callrec.app.health import HealthParts
from callrec.app.parts import App
from callrec.controller.rules_in_force import RulesInForce
from callrec.errors import Sentence
from callrec.health.backlog import Overdue
from callrec.health.disk_forecast import DiskForecast
from callrec.health.gauges import Figures
from callrec.health.progress import Progress
from callrec.health.testcalls_due import TestCallsDue
from callrec.problems import Problem, Problems, Said
from callrec.spool import status

THREADS = "threads"
"""The part whose problems are threads that hang."""


class Telling(Protocol):
    """A part that says what is wrong with it."""

    def problems(self) -> Iterable[Said]: ...


class Standing:
    """How the controller of one process stands. Parts and progress are given once they are there."""

    parts: ControllerParts

    def __init__(
        self,
        app: App,
        assembly: ControllerAssembly,
        health: HealthParts,
        rules: RulesInForce,
        anchors: Telling,
        problems: Problems,
    ) -> None:
        self._app, self._health, self._rules, self._anchors = app, health, rules, anchors
        self._odd_events, self._problems = assembly.odd_events, problems
        self._started_at = rules.seen_at
        self.progress = Progress({})
        """Whether the threads get on."""
        self._overdue = Overdue(app.spool.directory)
        self._forecast = DiskForecast(app.spool.free_bytes)
        self._testcalls = TestCallsDue(app.spool.directory, lambda: app.now)
        self._seen = Problems()

    def works(self) -> bool:
        """Tells whether the PBX is linked and no thread hangs: what the heartbeat says to others."""
        return self.parts.controller.link_up and not self.progress.stalled()

    def wrong(self) -> list[Problem]:
        """Returns everything that is wrong, for who is told of it. Waits for no lock of a call: a thread that
        hangs may hold it, and must be told."""
        self._seen.take(THREADS, self.progress.problems())
        if self.parts.controller.link_up:
            self._seen.clear("link")
        else:
            self._seen.add("link", Sentence("the link to the PBX is down: see callrec doctor"))
        noted = [each for each in self._problems.all() if not each.name.startswith(f"{THREADS}: ")]
        return [*noted, *self._seen.all(), *self._health.after_calls.all()]

    def figures(self) -> Figures:
        """Returns how it stands, for the metrics."""
        controller, wrong = self.parts.controller, self.wrong()
        return Figures(
            pbx=self._app.settings.pbx.name,
            works=self.works(),
            link_up=controller.link_up,
            database_away=self._rules.catalogue_away,
            live=len(controller.live()),
            lacking=controller.lacking(),
            help_unsent=self.parts.alerter.unsent(),
            stalled=len(self.progress.stalled()),
            odd_events=self._odd_events.count,
            disk_free_bytes=self._app.spool.free_bytes(),
            disk_full_in_s=self._forecast.full_in(),
            custody_head=self._health.after_calls.custody_head,
            heard_at=self._app.now.timestamp(),
            certificates=self._health.certificates.by_name(),
            problems=tuple(wrong),
        )

    def write(self, *, running: bool = True) -> None:
        """Writes the status. Raises SpoolGone and other OSError."""
        self._app.spool.check_there()
        status.write(self._app.spool.directory, self._status(running))

    def _status(self, running: bool) -> dict[str, Any]:
        parts, problems = self.parts, self._problems
        for name, part in self._tell_problems().items():
            problems.take(name, part.problems())
        return {
            "running": running,
            "pid": os.getpid(),
            "at": datetime.now(UTC).isoformat(),
            "started_at": self._started_at.isoformat(),
            "pbx": self._app.settings.pbx.name,
            "settings": status.mark_of(self._app.settings),
            "link_up": parts.controller.link_up,
            "link_changed_at": parts.controller.link_changed_at.isoformat(),
            "catalogue_away": self._rules.catalogue_away,
            "revision": self._rules.office.revision,
            "rules_at": self._rules.seen_at.isoformat(),
            "followed": sorted(parts.controller.followed()),
            "live": [{"extension": extension, "id": id_} for extension, id_ in parts.controller.live()],
            "help_unsent": parts.alerter.unsent(),
            "disk_full_in_s": self._forecast.full_in(),
            "certificates": {
                name: end.isoformat() for name, end in self._health.certificates.by_name().items()
            },
            "problems": sorted(problems.texts()),
            "illnesses": [_plain(each) for each in problems.all()],
        }

    def _tell_problems(self) -> dict[str, Telling]:
        """Returns the parts that say themselves what is wrong with them."""
        parts = self.parts
        return {
            "calls": parts.controller,
            "archive": parts.archiver,
            "alerts": parts.alerter,
            "anchors": self._anchors,
            THREADS: self.progress,
            "events": self._odd_events,
            "waiting": self._overdue,
            "disk": self._forecast,
            "test calls": self._testcalls,
            "certificates": self._health.certificates,
        }


def _plain(problem: Problem) -> dict[str, Any]:
    """Returns a problem as the status has it."""
    return {"name": problem.name, "since": problem.since.isoformat(), "said": sentences.plain(problem.said)}
