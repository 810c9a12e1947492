"""The parts of a running controller by which it tells of its own illness, and what they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Protocol

import structlog

from callrec.alerts.mail import Mail
from callrec.app.controller import ControllerParts
from callrec.app.parts import App
from callrec.errors import WrongConfiguration
from callrec.health import certificates
from callrec.health.after_calls import AfterCalls
from callrec.health.certificates import CertificateWatch
from callrec.health.gauges import Figures, Gauges
from callrec.health.heartbeat import WhileItWorks, heartbeat, textfile
from callrec.health.letter_ways import LettersByMail, LettersByWebhook
from callrec.health.metrics import PrometheusMeters
from callrec.health.metrics_server import MetricsServer
from callrec.health.teller import LetterWay, Sender, Teller
from callrec.policy.office import Office
from callrec.problems import Problem, Problems
from callrec.worker import Pulse

log = structlog.get_logger()


class Watched(Protocol):
    """The running controller, as those see it who tell of its health."""

    def works(self) -> bool: ...
    def wrong(self) -> list[Problem]: ...
    def figures(self) -> Figures: ...


class Loop(Protocol):
    """What a thread runs until it is stopped."""

    pulse: Pulse

    def run(self) -> None: ...
    def stop(self) -> None: ...


class HealthParts:
    """Makes what watches the controller of one app. `problems` are those of its process."""

    def __init__(self, app: App, problems: Problems) -> None:
        self._app, self._settings, self._problems = app, app.settings.health, problems

    @cached_property
    def meters(self) -> PrometheusMeters:
        return PrometheusMeters()

    @cached_property
    def certificates(self) -> CertificateWatch:
        """What knows until when certificates hold."""
        servers = list(certificates.servers(self._app.settings))
        return CertificateWatch(servers, lambda: self._app.ca_file, lambda: self._app.now)

    @cached_property
    def after_calls(self) -> AfterCalls:
        """What looks after calls."""
        app = self._app
        return AfterCalls(app.database, app.spool.flaws, lambda: app.now, app.settings.office.zone)

    def loops(self, watched: Watched) -> dict[str, Loop]:
        """Returns the threads that tell of the health of the others, by their names. Nothing of a call waits
        for them."""
        server = self.server()
        return {
            "certificates": self.certificates,
            "after calls": self.after_calls,
            "illness": self.teller(watched.wrong),
            "heartbeat": self.heartbeat(watched.works),
            "textfile": self.textfile(watched.works),
            **({"metrics": server} if server else {}),
        }

    def teller(self, wrong: Callable[[], Iterable[Problem]]) -> Teller:
        """Makes what writes letters of illness; `wrong` is all that there is now."""
        app, at = self._app, self._settings.digest_at
        minutes = int(at[:2]) * 60 + int(at[3:]) if at else None
        sender = Sender(app.settings.pbx.name, app.settings.office.zone, minutes)
        return Teller(
            app.spool.directory,
            self._ways(),
            sender,
            wrong,
            self._problems,
            lambda: app.now,
            check_there=app.spool.check_there,
        )

    def heartbeat(self, works: Callable[[], bool]) -> WhileItWorks:
        """Makes what asks the URL of the settings, while `works` says so."""
        settings = self._settings
        return heartbeat(
            settings.heartbeat_url, works, self._problems, lambda: self._app.ca_file, settings.proxy
        )

    def textfile(self, works: Callable[[], bool]) -> WhileItWorks:
        """Makes what writes the metrics into the file of the settings, while `works` says so."""
        return textfile(self._settings.textfile, works, self._problems, self.meters.text)

    def server(self) -> MetricsServer | None:
        """Makes what serves the metrics; None without a port. One that is taken is a problem: calls must be
        recorded all the same."""
        port = self._settings.metrics_port
        try:
            return MetricsServer(self.meters, port) if port else None
        except WrongConfiguration as error:
            self._problems.add("metrics", error)
            log.error("there are no metrics", problem=str(error))
            return None

    def measure(self, parts: ControllerParts, watched: Watched) -> None:
        """Has the parts count, and the figures asked when somebody looks at the metrics."""
        self.meters.registry.register(Gauges(self._app.spool.directory, watched.figures))
        parts.controller.meter(self.meters)
        parts.archiver.meter(self.meters)
        for worker in parts.alerter.workers:
            worker.meters = self.meters

    def _ways(self) -> list[LetterWay]:
        settings, app, ways = self._settings, self._app, list[LetterWay]()
        zone = app.settings.office.zone
        if settings.mail_to:
            mail = Mail(app.settings.help, Office, zone, app.ca_file)
            ways.append(LettersByMail(mail, settings.mail_to, zone))
        if settings.webhook_url:
            ways.append(LettersByWebhook(app.health_webhook()))
        return ways
