"""Runs the controller process: its threads, from the first check to an orderly end.

One thread watches the PBX, one archives, one sends alerts, one reads what the dialplan did while callrec was
away, one gives the PBX its copy of the rules, one anchors the custody log each day, one puts into the bucket
what else belongs there and waits for that, one looks once for commits that the database has lost, one looks
after the key that signs, one compares the clocks, and one keeps house: it takes up changed rules and writes
down how things stand. The first thread ticks, and ends the process when one of the others has died. The parts
are made in `app`.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from callrec.app import App
from callrec.app.controller import ControllerAssembly, ControllerParts
from callrec.controller.rules_in_force import RulesInForce, keep_for_good
from callrec.errors import CallrecError, Refused
from callrec.language import translated
from callrec.pbx.ari import wait_for_app_to_go
from callrec.plain_text import plain_links
from callrec.problems import Problems
from callrec.spool import status
from callrec.worker import Worker

log = structlog.get_logger()

TICK_SECONDS = 0.5
HOUSE_SECONDS = 0.5
"""How often changed rules are looked for, and the status is written."""
STATE_SECONDS = 10.0
"""How often it is looked whether something waits to be put into the bucket: statements, and keys' records."""
LOST_SECONDS = 60.0
"""How long after a try that failed lost commits are looked for again: the whole bucket is listed."""
APP_GRACE_SECONDS = 3.0
"""How long Asterisk may need to notice that a controller that was killed is gone."""
TAKEOVER_SECONDS = 30.0
"""How long a controller that is taken over from may need to finish what it has begun."""


class Loop(Protocol):
    """What a thread of the controller process runs until it is stopped."""

    def run(self) -> None: ...
    def stop(self) -> None: ...


class Service:
    """One controller process: `prepare`, then `run` until `stop`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._problems = Problems()
        self._assembly = ControllerAssembly(app)
        self._rules: RulesInForce = self._assembly.rules_in_force(self._problems)
        self._started_at = self._rules.seen_at
        self._parts: ControllerParts
        self._house = Worker(self._keep_house, lambda: HOUSE_SECONDS)
        self._anchors = app.daily_anchors()
        self._clocks = app.clock_watch
        self._clocks.problems = self._problems
        self._stating = Worker(self._state, lambda: STATE_SECONDS)
        self._key = Worker(self._look_after_key, lambda: HOUSE_SECONDS)
        self._looking = Worker(self._look_for_lost, lambda: LOST_SECONDS)
        self._lost = app.lost_commits(lambda: self._looking.is_stopping)
        self._looked_for_lost = False
        self._tell_shift()
        self._tell_plain_text()

    def _tell_shift(self) -> None:
        shift = self._app.settings.office.shift_s
        if shift:
            text = translated("decisions are made as if it were {seconds} s later: see office.shift_s")
            self._problems.add("shift", text.format(seconds=shift))

    def _tell_plain_text(self) -> None:
        links = plain_links(self._app.settings)
        if links:
            text = translated(
                "unencrypted to another machine: {links}. Encrypt it, or set network.allow_plain_text = true"
            ).format(links=", ".join(links))
            self._problems.add("plain text", text)
            log.warning("unencrypted connections to other machines", settings=links)

    def prepare(self, *, takeover: bool) -> None:
        """Checks that nobody else does this work and that the parts answer, and takes up calls under way.

        Raises CallrecError when that cannot be.
        """
        if takeover:
            self._app.pbx.displace()
        self._app.spool.lock(TAKEOVER_SECONDS if takeover else 0.0)
        self._rules.start()
        self._app.pbx.version()
        if not takeover and not wait_for_app_to_go(self._app.pbx, APP_GRACE_SECONDS):
            raise Refused(
                "another callrec serve is connected to this PBX as {app}: stop it, or use --takeover",
                app=self._app.settings.pbx.app,
            )
        self._parts = self._assembly.parts(self._rules, self._problems)
        self._clocks.compared = self._parts.controller.clocks_compared
        self._clocks.compare()  # before the first event: calls are dated by what is found
        self._parts.controller.take_up()
        keep_for_good()

    def run(self) -> None:
        """Works until `stop`, or until another controller takes the PBX over. Raises Refused then, and
        CallrecError when a thread has died."""
        loops = self._loops()
        threads = [threading.Thread(target=each.run, name=name) for name, each in loops.items()]
        for thread in threads:
            thread.start()
        dead = self._tick_while(threads)
        self.stop()
        for each in loops.values():
            each.stop()
        for thread in threads:
            thread.join()
        self._write_status(running=False)
        self._app.database.close()
        log.info("ended")
        if self._parts.controller.replaced.is_set():
            raise Refused("another callrec serve has taken this PBX over")
        if dead:
            raise CallrecError("callrec serve ended by itself ({part}): see its log", part=dead)

    def stop(self) -> None:
        """Asks `run` to end. Recordings under way go on in the PBX."""
        self._stopping.set()

    # --- threads

    def _loops(self) -> dict[str, Loop]:
        """Returns what each thread runs, by its name."""
        parts = self._parts
        return {
            "watch": parts.controller,
            "archive": parts.archiver,
            "house": self._house,
            "signing key": self._key,
            "statements": self._stating,
            "lost commits": self._looking,
            "mirror": parts.mirror,
            "journal": parts.journal,
            "alerts": parts.alerter,
            "anchors": self._anchors,
            "clocks": self._clocks,
        }

    def _tick_while(self, threads: list[threading.Thread]) -> str:
        """Ticks until it is time to end; returns the name of a thread that died, if one did.

        A recorder that only seems to run is worse than one that ended: that one is started again.
        """
        controller = self._parts.controller
        while not self._stopping.wait(TICK_SECONDS) and not controller.replaced.is_set():
            dead = next((thread.name for thread in threads if not thread.is_alive()), "")
            if dead:
                return dead
            self._problems.attempt("tick", controller.tick)
        return ""

    # --- keeping house

    def _keep_house(self) -> None:
        self._problems.attempt("reload", self._rules.reload)
        self._problems.attempt("write status", self._write_status)

    def _look_after_key(self) -> None:
        """That it is gone is told before the next call ends. On a thread of its own: a disk that does not
        answer must not keep the status from being written."""
        self._problems.attempt("signing key", self._app.keys.signer)

    def _look_for_lost(self) -> None:
        if not self._looked_for_lost:
            self._looked_for_lost = self._problems.attempt("lost commits", self._lost.look)

    def _state(self) -> None:
        self._problems.attempt("statements", self._put_statements)
        self._problems.attempt("records of keys", lambda: self._app.key_copies.put())  # noqa: PLW0108

    def _put_statements(self) -> None:
        self._app.outbox.put(ended=lambda: self._stating.is_stopping)

    def _write_status(self, *, running: bool = True) -> None:
        status.write(self._app.spool.directory, self._status(running))

    def _status(self, running: bool) -> dict[str, Any]:
        parts = self._parts
        problems = {
            *parts.controller.problems(),
            *parts.archiver.problems(),
            *parts.alerter.problems(),
            *self._anchors.problems(),
            *self._problems.texts(),
        }
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
            "live": [{"extension": extension, "id": id_} for extension, id_ in parts.controller.live()],
            "problems": sorted(problems),
        }
