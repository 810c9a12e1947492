"""Runs the controller process: its threads, from the first check to an orderly end.

One thread watches the PBX, one archives, one sends alerts, one reads what the dialplan did while callrec was
away, one gives the PBX its copy of the rules and one that of what is being recorded, one looks of which the
spool has let go, one looks whether the PBX still is this controller's, one compares what should be with what
is, one anchors the custody log each day, one puts into the bucket what else belongs there and waits for that,
one looks once for commits that the database has lost, one looks after the key that signs, one compares the
clocks, one takes up changed rules, and one keeps house: it writes down how things stand. Those of
`app.health` tell people and machines how all of these are. The first thread ticks, and ends the process when
one of the others has died. The parts are made in `app`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog

from callrec import systemd
from callrec.app import App
from callrec.app.controller import ControllerAssembly, ControllerParts
from callrec.app.health import HealthParts, Loop
from callrec.app.standing import Standing
from callrec.controller.rules_in_force import RulesInForce, keep_for_good
from callrec.ending import ended_within
from callrec.errors import CallrecError, PbxUnreachable, Refused, Sentence
from callrec.health.progress import Progress
from callrec.pbx.ari import wait_for_app_to_go
from callrec.pbx.transport import AriRefused
from callrec.plain_text import plain_links
from callrec.problems import Problems
from callrec.worker import Pulse, Worker

log = structlog.get_logger()

TICK_SECONDS = 0.5
VITAL = frozenset({"watch"})
"""The threads without which no call is recorded. What others wait for, a start again would not bring back."""
HOUSE_SECONDS = 0.5
"""How often changed rules are looked for, and the status is written, each on a thread of its own."""
STATE_SECONDS = 10.0
"""How often it is looked whether something waits to be put into the bucket: statements, and keys' records."""
LOST_SECONDS = 60.0
"""How long after a try that failed lost commits are looked for again: the whole bucket is listed."""
APP_GRACE_SECONDS = 3.0
"""How long Asterisk may need to notice that a controller that was killed is gone."""
LONGEST_SECONDS = {
    "archive": 1800.0,
    "lost commits": 7200.0,
    "anchors": 7200.0,
    "statements": 600.0,
    "reconciliation": 1800.0,
}
"""How long one thing may take a thread, where that is no minute: hours of sound are joined and put into the
bucket, and the whole bucket, or a month of it, is listed."""
NOT_WAITED_FOR = frozenset({"reconciliation", "clocks", "drafts that are over", "rules"})
"""The threads that ask others for long, and leave nothing half done: the end waits STOP_SECONDS for them."""
STOP_SECONDS = 2.0
"""How long the end waits for threads that ask others, and have nothing to finish."""
END_SECONDS = 50.0
"""How long an end may take in all; where a disk hangs, the process ends then as if it were killed. The
supervisor waits longer (TimeoutStopSec of the unit), and would not say what hangs."""
WAIT_SECONDS = 2.0
"""How often a PBX is asked at the start that does not answer yet, where it is waited for."""
TAKEOVER_SECONDS = 30.0
"""How long a controller that is taken over from may need to finish what it has begun."""
TAKEN_OVER_SECONDS = 25.0
"""How long its end may take, then: who has taken over may wait for its spool."""


class Service:
    """One controller process: `prepare`, then `run` until `stop`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._problems = Problems()
        self._assembly = ControllerAssembly(app)
        self._rules: RulesInForce = self._assembly.rules_in_force(self._problems)
        self._house = Worker(self._keep_house, lambda: HOUSE_SECONDS)
        self._reloading = Worker(self._reload, lambda: HOUSE_SECONDS)
        self._anchors = app.daily_anchors()
        self._clocks = app.clock_watch
        self._clocks.problems = self._problems
        self._stating = Worker(self._state, lambda: STATE_SECONDS)
        self._key = Worker(self._look_after_key, lambda: HOUSE_SECONDS)
        self._looking = Worker(self._look_for_lost, lambda: LOST_SECONDS)
        self._lost = app.lost_commits(lambda: self._looking.is_stopping)
        self._looked_for_lost = False
        self._ticking = Pulse()
        self._hanging: frozenset[str] = frozenset()
        self._health = HealthParts(app, self._problems)
        self.standing = Standing(
            app, self._assembly, self._health, self._rules, self._anchors, self._problems
        )
        self._holding = self._assembly.holding(self._link_up, self._problems)
        self._drafts = self._assembly.drafts(self._link_up, self._problems)
        self._tell_shift()
        self._tell_plain_text()

    def _tell_shift(self) -> None:
        shift = self._app.settings.office.shift_s
        if shift:
            self._problems.add(
                "shift",
                Sentence(
                    "decisions are made as if it were {seconds} s later: see office.shift_s", seconds=shift
                ),
            )

    def _tell_plain_text(self) -> None:
        links = plain_links(self._app.settings)
        if links:
            said = Sentence(
                "unencrypted to another machine: {links}. Encrypt it, or set network.allow_plain_text = true",
                links=", ".join(links),
            )
            self._problems.add("plain text", said)
            log.warning("unencrypted connections to other machines", settings=links)

    def prepare(self, *, takeover: bool, new_pbx: bool = False, wait: bool = False) -> None:
        """Checks that nobody else does this work and that the parts answer, and takes up calls under way.

        `new_pbx`: this PBX has taken the place of another one of its name; `wait`: one that does not answer
        yet is waited for. Raises CallrecError when that cannot be.
        """
        if takeover:
            self._rules.start()  # before: who cannot go on must not end the one who does
            self._holding.take(new_pbx=new_pbx)
            self._app.pbx.displace()
        self._app.spool.lock(TAKEOVER_SECONDS if takeover else 0.0)
        self._rules.start()
        self._meet_pbx(wait=wait)
        if not takeover and not wait_for_app_to_go(self._app.pbx, APP_GRACE_SECONDS):
            raise Refused(
                "another callrec serve is connected to this PBX as {app}: stop it, or use --takeover",
                app=self._app.settings.pbx.app,
            )
        if not takeover:
            self._holding.take(new_pbx=new_pbx)
        self.standing.parts = self._assembly.parts(self._rules, self._problems, self._drafts)
        self._health.measure(self._parts, self.standing)
        self._clocks.compared = self._parts.controller.clocks_compared
        # Before the first event: calls are dated by what is found.
        self._problems.attempt("compare clocks", self._clocks.compare)
        self._problems.attempt("drafts", lambda: self._assembly.bring_up(self._drafts, self._problems))
        self._parts.controller.take_up()
        keep_for_good()

    def _meet_pbx(self, *, wait: bool) -> None:
        """Has the PBX answer. Raises PbxUnreachable, AriRefused where it does not, unless that is waited for.

        Whoever waits is ready for the supervisor: else no machine would end to start while its PBX is away.
        """
        told = ""
        while True:
            try:
                self._app.pbx.version()
                break
            except (PbxUnreachable, AriRefused) as error:
                if not wait:
                    raise
                if told != (told := str(error)):
                    log.warning("waits for the PBX", problem=told)
            systemd.notify("READY=1", "WATCHDOG=1", f"STATUS=waits for the PBX: {told}")
            self._stopping.wait(WAIT_SECONDS)
        if told:
            systemd.notify("STATUS=")

    def run(self, last: Callable[[], object] = lambda: None) -> None:
        """Works until `stop`, or until another controller takes the PBX over. Raises Refused then, and
        CallrecError when a thread has died. `last` is done before the process ends because its end hangs."""
        watchers = self._health.loops(self.standing)
        loops = {**self._loops(), **watchers}
        let_go = NOT_WAITED_FOR.union(watchers)
        threads = [
            threading.Thread(target=each.run, name=name, daemon=name in let_go)
            for name, each in loops.items()
        ]
        self.standing.progress = self._progress(loops)
        for thread in threads:
            thread.start()
        systemd.notify("READY=1")
        dead = self._tick_while(threads)
        systemd.notify("STOPPING=1")
        seconds = TAKEN_OVER_SECONDS if self._parts.controller.replaced.is_set() else END_SECONDS
        with ended_within(seconds, threads, self._exit_code, last):
            self._end(loops.values(), threads)
        log.info("ended")
        if self._parts.controller.replaced.is_set():
            raise Refused("another callrec serve has taken this PBX over")
        if dead:
            raise CallrecError("callrec serve ended by itself ({part}): see its log", part=dead)

    def _end(self, loops: Iterable[Loop], threads: Iterable[threading.Thread]) -> None:
        """Has all threads finish what they are at, and says that nothing runs any more."""
        self.stop()
        for each in loops:
            each.stop()
        for thread in threads:
            thread.join(STOP_SECONDS if thread.daemon else None)
        self._problems.attempt("write status", lambda: self.standing.write(running=False))
        self._app.close()

    def _exit_code(self) -> int:
        """Returns the exit code of an end that hangs: as that of one that does not, but for success."""
        return (Refused if self._parts.controller.replaced.is_set() else CallrecError).exit_code

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
            "rules": self._reloading,
            "signing key": self._key,
            "statements": self._stating,
            "lost commits": self._looking,
            "mirror": parts.mirror,
            "drafts": self._drafts,
            "drafts that are over": self._drafts.looking,
            "ownership": self._holding,
            "journal": parts.journal,
            "alerts": parts.alerter,
            "reconciliation": parts.reconciler,
            "anchors": self._anchors,
            "clocks": self._clocks,
        }

    def _progress(self, loops: dict[str, Loop]) -> Progress:
        pulses = {name: each.pulse for name, each in loops.items()}
        shared = {"tick": self._ticking, "actions": self._parts.controller.actions_pulse}
        return Progress({**shared, **pulses}, LONGEST_SECONDS)

    def _tick_while(self, threads: list[threading.Thread]) -> str:
        """Ticks until it is time to end; returns the name of a thread that died, if one did.

        A recorder that only seems to run is worse than one that ended: that one is started again.
        """
        controller = self._parts.controller
        while not self._stopping.wait(TICK_SECONDS) and not controller.replaced.is_set():
            dead = next((thread.name for thread in threads if not thread.is_alive()), "")
            if dead:
                return dead
            self._ticking.beat()
            self._assembly.ownership.beat()
            self._problems.attempt("tick", controller.tick)
            self._ticking.rest()
            self._tell_supervisor()
        return ""

    def _tell_supervisor(self) -> None:
        """Tells that this process works, while it does: it is started again where calls would be missed."""
        hanging = VITAL.intersection(self.standing.progress.stalled())
        if not hanging:
            systemd.notify("WATCHDOG=1")
        elif hanging != self._hanging:
            log.error("threads hang: no calls are recorded", threads=sorted(hanging))
        self._hanging = hanging

    @property
    def _parts(self) -> ControllerParts:
        return self.standing.parts

    def _link_up(self) -> bool:
        return self._parts.controller.link_up

    # --- keeping house

    def _reload(self) -> None:
        """On a thread of its own: a database that hangs must not keep the status from being written."""
        self._problems.attempt("reload", self._rules.reload)

    def _keep_house(self) -> None:
        spool = self._app.spool
        if self._problems.attempt("spool", spool.check_there):
            self._problems.attempt("disk", spool.keep_room)
            self._problems.attempt("write status", self.standing.write)

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
