"""The running controller: it must not only seem to run."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from callrec.app import App
from callrec.app.controller import ControllerParts
from callrec.catalogue import rules
from callrec.controller.controller import Controller
from callrec.demo.processes import wait_until
from callrec.errors import (
    CallrecError,
    CatalogueOutdated,
    CatalogueUnreachable,
    CheckFailed,
    PbxUnreachable,
    Refused,
)
from callrec.health.progress import Progress
from callrec.model.rules import Mode, Rule, Scope
from callrec.pbx.ami import Ami
from callrec.pbx.ari import Ari
from callrec.policy.office import Office
from callrec.serve import Service
from callrec.settings import (
    CatalogueSettings,
    EvidenceSettings,
    HealthSettings,
    NetworkSettings,
    OfficeSettings,
    PbxSettings,
    Settings,
    SpoolSettings,
)
from callrec.spool import status
from callrec.spool.directory import Spool
from callrec.worker import Pulse
from tests.unit.fakes import MemoryStore


class Quiet:
    """The controller's parts, with nothing to do until they are stopped."""

    def __init__(self, *, dies: bool = False) -> None:
        self.replaced, self._ended = threading.Event(), threading.Event()
        self._dies, self.link_up = dies, False
        self.link_changed_at = datetime.now(UTC)
        self.pulse, self.actions_pulse = Pulse(), Pulse()

    def run(self) -> None:
        if not self._dies:
            self._ended.wait(10)

    def stop(self) -> None:
        self._ended.set()

    wake = stop

    def tick(self) -> None:
        pass

    def live(self) -> list[tuple[str, str]]:
        return []

    problems = live

    def unsent(self) -> int:
        return 0

    def followed(self) -> set[str]:
        return set()

    def take_rules(self, taken: Office) -> None:
        pass


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.serve.TICK_SECONDS", 0.02)
    monkeypatch.setattr("callrec.serve.HOUSE_SECONDS", 0.02)


def _service(app: App, controller: Quiet, archiver: Quiet) -> Service:
    service = Service(app)
    parts: Any = ControllerParts
    service.standing.parts = parts(controller, archiver, Quiet(), Quiet(), Quiet(), Quiet())
    return service


def _without_database(spool: Path, url: str = "postgresql+psycopg://nobody@127.0.0.1:9/none") -> App:
    return App(Settings(catalogue=CatalogueSettings(url=url), spool=SpoolSettings(directory=spool)))


def _status(app: App) -> dict[str, Any]:
    return status.read(app.spool.directory)


@pytest.mark.parametrize("dead", ["watch", "archive"])
def test_a_thread_that_dies_ends_the_process(app: App, dead: str) -> None:
    """Whoever started it starts it again; a recorder that only seems to run records nothing."""
    service = _service(app, Quiet(dies=dead == "watch"), Quiet(dies=dead == "archive"))
    with pytest.raises(CallrecError, match=f"ended by itself \\({dead}\\)"):
        service.run()
    assert _status(app)["running"] is False


def test_a_look_that_lasts_keeps_nothing_from_ending(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes over, and the supervisor, wait for the spool's lock for half a minute."""
    monkeypatch.setattr("callrec.serve.STOP_SECONDS", 0.1)
    service, lasting = _service(app, Quiet(), Quiet()), threading.Event()
    looking: Any = Quiet()
    looking.run = lambda: lasting.wait(60)
    service.standing.parts = replace(service._parts, reconciler=looking)
    running = threading.Thread(target=service.run, daemon=True)
    running.start()
    service.stop()
    running.join(20)
    ended = not running.is_alive()
    lasting.set()
    assert ended


@pytest.mark.parametrize(("replaced", "code"), [(False, 1), (True, 4)])
def test_a_disk_that_hangs_does_not_keep_the_process_from_ending(
    app: App, monkeypatch: pytest.MonkeyPatch, replaced: bool, code: int
) -> None:
    """What it has not taken a kill would lose, too; nobody who waits could tell what hangs."""
    limit = "TAKEN_OVER_SECONDS" if replaced else "END_SECONDS"
    monkeypatch.setattr(f"callrec.serve.{limit}", 0.5)
    disk, ended = threading.Event(), list[int]()

    def end(with_code: int) -> None:
        ended.append(with_code)
        disk.set()

    def hang() -> None:
        disk.wait(60)

    monkeypatch.setattr("os._exit", end)
    hanging: Any = Quiet()
    hanging.run = hang
    service = _service(app, hanging, Quiet())
    if replaced:
        hanging.replaced.set()
    service.stop()
    with suppress(Refused):
        service.run(last=lambda: ended.append(0))
    assert ended == [0, code]


def test_an_end_that_comes_to_an_end_is_left_alone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os._exit", lambda code: pytest.fail("it was ended"))
    service = _service(app, Quiet(), Quiet())
    service.stop()
    service.run()
    timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    assert all(each.finished.is_set() for each in timers)


def test_a_port_of_metrics_that_is_taken_keeps_no_call_from_being_recorded(app: App) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        health = HealthSettings(metrics_port=taken.getsockname()[1])
        service = Service(App(app.settings.model_copy(update={"health": health})))
        assert "metrics" not in service._health.loops(service.standing)
    assert any("health.metrics_port" in each for each in service._problems.texts())


def test_the_supervisor_hears_of_a_controller_as_long_as_it_watches_the_pbx(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that hangs is not dead: only somebody outside can start the process again."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        controller, archiver = Quiet(), Quiet()
        service = _service(app, controller, archiver)
        running = threading.Thread(target=service.run)
        running.start()
        assert supervisor.recv(100) == b"READY=1"
        assert supervisor.recv(100) == b"WATCHDOG=1"
        archiver.pulse._since = -1e9  # an upload that hangs keeps no call from being recorded
        wait_until(lambda: service.standing.progress.stalled() == ["archive"], 20, "the archive")
        _drain(supervisor)
        assert supervisor.recv(100) == b"WATCHDOG=1"
        controller.pulse._since = -1e9
        wait_until(lambda: service._hanging == {"watch"}, 20, "the watch")
        _drain(supervisor)
        service.stop()
        assert supervisor.recv(100) == b"STOPPING=1"
        running.join(20)
        assert not running.is_alive()


def _drain(supervisor: socket.socket) -> None:
    """Reads what was told so far."""
    supervisor.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            supervisor.recv(100)
    supervisor.settimeout(20)


def test_one_that_was_replaced_says_so(app: App) -> None:
    controller = Quiet()
    controller.replaced.set()
    with pytest.raises(Refused, match="has taken this PBX over"):
        _service(app, controller, Quiet()).run()


def test_plain_text_to_another_machine_is_a_problem_until_it_is_intended(app: App) -> None:
    there = PbxSettings(ari_url="http://10.0.0.5:8088/ari")
    for allowed in (False, True):
        network = NetworkSettings(allow_plain_text=allowed)
        here = App(app.settings.model_copy(update={"pbx": there, "network": network}))
        service = _service(here, Quiet(), Quiet())
        service.standing.write()
        found = [each for each in _status(here)["problems"] if "pbx.ari_url (http://10.0.0.5:8088)" in each]
        assert bool(found) != allowed


def test_a_signing_key_that_is_gone_is_a_problem_until_it_is_back(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing else happens: the next call must not be the first to find out."""
    monkeypatch.setattr("callrec.serve.STATE_SECONDS", 0.02)
    monkeypatch.setattr(App, "store", MemoryStore())
    here = App(app.settings.model_copy(update={"evidence": EvidenceSettings(keys=tmp_path / "keys")}))
    here.keys.first("sato", here.now)
    key, away = here.keys.signing_file, tmp_path / "away.pem"
    copy = f"evidence/keys/{here.keys.signer().key_id}.json"
    service = _service(here, Quiet(), Quiet())
    running = threading.Thread(target=service.run)
    running.start()
    try:
        wait_until(lambda: _status(here).get("problems") == [], 10, "a status")
        key.rename(away)
        told = f"the signing key {key} is not there: put it back, or make one: callrec evidence key new"
        # the daily anchor is signed, too, and may tell of it as well
        wait_until(lambda: told in _status(here)["problems"], 10, "the problem")
        away.rename(key)
        wait_until(lambda: told not in _status(here)["problems"], 10, "its end")
        wait_until(lambda: copy in cast(MemoryStore, here.store).objects, 10, "the copy of its record")
    finally:
        service.stop()
        running.join()


def test_a_disk_of_keys_that_does_not_answer_hangs_no_status(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    here = App(app.settings.model_copy(update={"evidence": EvidenceSettings(keys=tmp_path / "keys")}))
    monkeypatch.setattr(here.keys, "signer", lambda: answers.wait(20))
    service = _service(here, Quiet(), Quiet())
    running = threading.Thread(target=service.run)
    running.start()
    try:
        wait_until(lambda: _status(here).get("running") is True, 10, "a status")
        before = _status(here)["at"]
        wait_until(lambda: _status(here)["at"] != before, 5, "the next status")
    finally:
        answers.set()
        service.stop()
        running.join()


def test_lost_commits_are_looked_for_beside_statements(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look through a large bucket takes an hour: what somebody does meanwhile is stated all the same."""
    found, put = threading.Event(), threading.Event()
    monkeypatch.setattr("callrec.serve.STATE_SECONDS", 0.02)
    monkeypatch.setattr(App, "store", MemoryStore())
    monkeypatch.setattr("callrec.evidence.lost_commits.LostCommits.look", lambda _: found.wait(20))
    monkeypatch.setattr(Service, "_put_statements", lambda _: put.set())
    service = _service(app, Quiet(), Quiet())
    running = threading.Thread(target=service.run)
    running.start()
    try:
        assert put.wait(5)
    finally:
        found.set()
        service.stop()
        running.join()


def test_an_orderly_end(app: App) -> None:
    service = _service(app, Quiet(), Quiet())
    service.stop()
    service.run()


def test_what_cannot_be_done_now_is_in_the_status_until_it_can(app: App) -> None:
    service = _service(app, Quiet(), Quiet())

    def fails() -> None:
        raise ZeroDivisionError("a bug")

    service._problems.attempt("step", fails)
    service.standing.write()
    assert _status(app)["problems"] == ["ZeroDivisionError('a bug')"]
    fails.__code__ = (lambda: None).__code__
    service._problems.attempt("step", fails)
    service.standing.write()
    assert _status(app)["problems"] == []


def test_a_thread_that_hangs_is_a_problem_and_nothing_says_that_it_works(
    app: App,
) -> None:
    """It is neither dead nor idle: whoever is told of silence learns of it."""
    controller = Quiet()
    controller.link_up = True
    service = _service(app, controller, Quiet())
    running = threading.Thread(target=service.run)
    running.start()
    try:
        wait_until(lambda: bool(_status(app).get("running")), 10, "a status")
        assert service.standing.works()
        controller.pulse._since = time.monotonic() - 3600
        assert not service.standing.works()
        told = "the thread watch hangs: callrec serve must be started again"
        wait_until(lambda: told in _status(app).get("problems", []), 10, "the problem")
        assert "threads: the thread {name} hangs: callrec serve must be started again (1)" in [
            each.name for each in service.standing.wrong()
        ]
        controller.pulse.rest()
        wait_until(lambda: told not in _status(app)["problems"], 10, "its end")
    finally:
        service.stop()
        running.join(10)


def test_a_link_that_is_down_is_an_illness(app: App) -> None:
    controller = Quiet()
    service = _service(app, controller, Quiet())
    assert "the link to the PBX is down: see callrec doctor" in [
        str(each.said) for each in service.standing.wrong()
    ]
    controller.link_up = True
    assert not service.standing.wrong()


def test_a_thread_that_hangs_is_told_also_where_nobody_can_keep_house(app: App) -> None:
    """It may hold the lock that the status waits for."""
    controller, stuck = Quiet(), Pulse()
    controller.link_up = True
    service = _service(app, controller, Quiet())
    stuck._since = time.monotonic() - 3600
    service.standing.progress = Progress({"watch": stuck})
    assert ["hangs" in str(each.said) for each in service.standing.wrong()] == [True]
    assert len({each.kind for each in service.standing.wrong()}) == 1


def test_a_spool_is_waited_for_when_it_is_taken_over(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    first.lock()
    with pytest.raises(Refused):
        second.lock()
    assert first._lock is not None
    ends = threading.Timer(0.3, lambda: os.close(first._lock or 0))
    ends.start()
    second.lock(patience_s=5)
    ends.join()


def test_the_watch_goes_on_after_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    pbx, tries = Ari(PbxSettings()), []

    def listen(self: Ari, handle: object) -> None:
        tries.append(handle)
        if len(tries) == 2:
            self.stop()
        raise KeyError("a bug")

    monkeypatch.setattr(Ari, "_listen", listen)
    pbx.watch(lambda event: None, lambda: None, lambda: None)
    assert len(tries) == 2


@pytest.mark.parametrize("url", ["postgresql+psycopg://nobody@127.0.0.1:9/none", "sqlite:////nowhere/c.db"])
def test_without_the_database_the_rules_last_seen_are_in_force_also_after_a_restart(
    app: App, url: str
) -> None:
    everywhere = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, app.now, "")
    with app.database.begin() as connection:
        rules.add(connection, everywhere, who="test", at=app.now)
    first = Service(app)
    first._rules.start()
    assert len(first._rules.office.rules) == 1
    app.database.close()
    away = _without_database(app.spool.directory, url.replace("/nowhere", str(app.spool.directory)))
    again = _service(away, Quiet(), Quiet())
    again._rules.start()
    assert list(again._rules.office.rules) == list(app.office().rules)
    again.standing.write()
    told = _status(away)
    assert told["catalogue_away"] and told["rules_at"] < datetime.now(UTC).isoformat()


def test_the_collection_of_garbage_does_not_look_through_the_rules(app: App) -> None:
    """With many rules it takes long enough for a recording to begin late."""
    service = _service(app, Quiet(), Quiet())
    with app.database.begin() as connection:
        everywhere = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, app.now, "")
        rules.add(connection, everywhere, who="test", at=app.now)
    try:
        service._rules._take_changes()
        assert len(service._rules.office.rules) == 1
        assert not any(each is service._rules.office for each in gc.get_objects())
    finally:
        gc.unfreeze()


LOADED = """
import sys
from callrec import manifest
from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.controller.rules_in_force import RulesInForce
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.settings import Settings, SpoolSettings

app = App(Settings(spool=SpoolSettings(directory=sys.argv[1])))
app.make_spool()
rules = RulesInForce(app, app.spool.directory, Problems())
rules.office = Office()
def waits(): return [name for name in ("holidays", "phonenumbers") if name not in sys.modules]
before = waits()
ControllerAssembly(app).parts(rules, Problems())
print(*before, "/", *waits(), manifest._manifests().rebuild())
"""


def test_no_call_waits_for_what_commands_load_when_asked(tmp_path: Path) -> None:
    """In a process of its own: in this one all is loaded."""
    code = [sys.executable, "-c", LOADED, str(tmp_path)]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["holidays", "phonenumbers", "/", "None"]


def test_without_the_database_and_without_a_copy_it_does_not_start(tmp_path: Path) -> None:
    away = _without_database(tmp_path)
    away.make_spool()
    with pytest.raises(CatalogueUnreachable):
        Service(away)._rules.start()


def test_a_damaged_copy_of_the_rules_is_not_used(app: App) -> None:
    Service(app)._rules.start()
    copy = app.spool.directory / "office.json"
    copy.write_text(copy.read_text().replace("revision", "revisiom"))
    away = _without_database(app.spool.directory)
    with pytest.raises(CheckFailed, match=r"office\.json cannot be used"):
        Service(away)._rules.start()


def _change(app: App) -> None:
    everywhere = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, app.now, "")
    with app.database.begin() as connection:
        rules.add(connection, everywhere, who="test", at=app.now)


def _sql(app: App, statement: str) -> None:
    with app.database.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE alembic_version SET version_num = '9999'", "DROP TABLE revision"]
)
def test_a_database_of_another_version_is_not_one_that_is_away(app: App, statement: str) -> None:
    """Somebody has to mend it; the copy of the rules would only hide that."""
    Service(app)._rules.start()
    _sql(app, statement)
    with pytest.raises(CatalogueOutdated, match="run callrec init") as refused:
        Service(app)._rules.start()
    assert refused.value.exit_code == 3


def test_a_database_that_comes_back_as_another_one_stays_away(app: App) -> None:
    service = _service(app, Quiet(), Quiet())
    service._rules._away(CatalogueUnreachable("no answer"))
    _sql(app, "UPDATE alembic_version SET version_num = '9999'")
    service._rules.reload()
    service.standing.write()
    told = _status(app)
    assert told["catalogue_away"] and "has version 9999" in told["problems"][0]
    assert told["rules_at"] == told["started_at"]


def test_a_database_that_was_away_may_be_an_older_one_with_the_same_number(app: App) -> None:
    """It was restored from a backup, and changed as often as the one that is lost."""
    service = _service(app, Quiet(), Quiet())
    service._rules.start()
    before = service._rules.office
    service._rules.reload()
    assert service._rules.office is before
    service._rules._away(CatalogueUnreachable("no answer"))
    service._rules.reload()
    assert service._rules.office is not before and service._rules.office.revision == before.revision


def test_a_copy_of_the_rules_that_could_not_be_written_is_written_later(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: App, office: Office) -> None:
        raise OSError(28, "No space left on device")

    service = _service(app, Quiet(), Quiet())
    service._rules.start()
    _change(app)
    with monkeypatch.context() as disk:
        disk.setattr(App, "save_office", full)
        service._rules.reload()
    assert "the disk is full" in str(service._problems.texts())
    service._rules.reload()
    assert app.saved_office()[0].revision == app.revision() and not service._problems.texts()


def test_the_database_is_back(app: App) -> None:
    service = _service(app, Quiet(), Quiet())
    service._rules._away(CatalogueUnreachable("no answer"))
    _change(app)
    service._rules.reload()
    service.standing.write()
    told = _status(app)
    assert not told["catalogue_away"] and told["problems"] == []
    assert told["revision"] == app.revision() and told["rules_at"] > told["started_at"]


def test_rules_and_status_do_not_wait_for_the_pbx(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of a large office takes the PBX many seconds."""
    asked, answered = threading.Event(), threading.Event()

    def silent(_: App) -> Ami:
        asked.set()
        answered.wait(20)
        raise PbxUnreachable("no answer")

    monkeypatch.setattr(App, "ami", silent)
    controller = Quiet()
    controller.link_up = True
    service = _service(app, controller, Quiet())
    mirror = service._assembly._mirror(cast(Controller, controller), service._rules, service._problems)
    service.standing.parts = replace(service._parts, mirror=mirror)
    worker = threading.Thread(target=service.run)
    worker.start()
    try:
        assert asked.wait(10)
        _change(app)
        revision = app.revision()
        wait_until(lambda: _status(app).get("revision") == revision, 10, "taking up the rules")
    finally:
        service.stop()
        answered.set()
        worker.join()


def test_status_does_not_wait_for_a_database_that_hangs(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it says that the controller does not report, and nothing of what is wrong."""
    service, answered, asked = _service(app, Quiet(), Quiet()), threading.Event(), threading.Event()

    def silent() -> None:
        asked.set()
        answered.wait(30)

    monkeypatch.setattr(service._rules, "reload", silent)
    worker = threading.Thread(target=service.run)
    worker.start()
    try:
        assert asked.wait(10)
        told = _status(app).get("at")
        wait_until(lambda: _status(app).get("at") not in (told, None), 10, "another report")
    finally:
        service.stop()
        answered.set()
        worker.join()


def test_a_restart_without_the_database_knows_until_when_the_rules_were_looked_at(app: App) -> None:
    """Their copy is written when they change, which may be months ago."""
    service = _service(app, Quiet(), Quiet())
    service._rules.start()
    _, saved_at = app.saved_office()
    service._rules.reload()
    service.standing.write(running=False)
    seen = _status(app)["rules_at"]
    assert seen > saved_at.isoformat()
    again = _service(_without_database(app.spool.directory), Quiet(), Quiet())
    again._rules.start()
    again.standing.write()
    assert _status(app)["rules_at"] == seen


@pytest.mark.parametrize("words", [None, "", '{"revision": 77, "rules_at": "2100-01-01T00:00:00+00:00"}'])
def test_without_a_status_of_these_rules_the_time_is_that_of_their_copy(app: App, words: str | None) -> None:
    Service(app)._rules.start()
    _, saved_at = app.saved_office()
    if words is not None:
        (app.spool.directory / status.FILE).write_text(words)
    again = Service(_without_database(app.spool.directory))
    again._rules.start()
    assert again._rules.seen_at == saved_at


def test_decisions_off_the_clock_are_a_problem_as_long_as_they_are_made(app: App) -> None:
    settings = app.settings.model_copy(update={"office": OfficeSettings(shift_s=3600)})
    (problem,) = Service(App(settings))._problems.texts()
    assert problem == "decisions are made as if it were 3600.0 s later: see office.shift_s"
    assert not Service(app)._problems.texts()
