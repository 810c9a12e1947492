"""The running controller: it must not only seem to run."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import rules
from callrec.errors import CallrecError, CatalogueUnreachable, CheckFailed, NotFound, Refused
from callrec.model import Decision, Mode, Rule, Scope
from callrec.pbx.ari import Ari
from callrec.policy.office import Office
from callrec.serve import STATUS, Service
from callrec.settings import CatalogueSettings, PbxSettings, Settings, SpoolSettings
from callrec.spool.box import Spool
from tests.scenarios.replay import office

RULE = ("automatic", "everywhere", None, None)


class Quiet:
    """The controller's parts, with nothing to do until they are stopped."""

    def __init__(self, *, dies: bool = False) -> None:
        self.replaced, self._ended = threading.Event(), threading.Event()
        self._dies, self.link_up = dies, False
        self.link_changed_at = datetime.now(UTC)

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

    def take_rules(self, taken: Office) -> None:
        pass


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.serve.TICK_SECONDS", 0.02)
    monkeypatch.setattr("callrec.serve.HOUSE_SECONDS", 0.02)


def _service(app: App, controller: Quiet, archiver: Quiet) -> Service:
    service = Service(app)
    parts: Any = service
    parts._controller, parts._archiver, parts._office = controller, archiver, Office()
    return service


def _without_database(spool: Path) -> App:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    return App(Settings(catalogue=CatalogueSettings(url=url), spool=SpoolSettings(directory=spool)))


def _status(app: App) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((app.spool.directory / STATUS).read_text())
    return told


@pytest.mark.parametrize("dead", ["watch", "archive"])
def test_a_thread_that_dies_ends_the_process(app: App, dead: str) -> None:
    """Whoever started it starts it again; a recorder that only seems to run records nothing."""
    service = _service(app, Quiet(dies=dead == "watch"), Quiet(dies=dead == "archive"))
    with pytest.raises(CallrecError, match=f"ended by itself \\({dead}\\)"):
        service.run()
    assert _status(app)["running"] is False


def test_one_that_was_replaced_says_so(app: App) -> None:
    controller = Quiet()
    controller.replaced.set()
    with pytest.raises(Refused, match="has taken this PBX over"):
        _service(app, controller, Quiet()).run()


def test_an_orderly_end(app: App) -> None:
    service = _service(app, Quiet(), Quiet())
    service.stop()
    service.run()


def test_what_cannot_be_done_now_is_in_the_status_until_it_can(app: App) -> None:
    service = _service(app, Quiet(), Quiet())

    def fails() -> None:
        raise ZeroDivisionError("a bug")

    service._try(fails)
    service._write_status()
    assert _status(app)["problems"] == ["ZeroDivisionError('a bug')"]
    fails.__code__ = (lambda: None).__code__
    service._try(fails)
    service._write_status()
    assert _status(app)["problems"] == []


def test_a_missing_prompt_is_a_problem_and_no_reason_to_leave_the_pbx_without_rules(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: App, decision: Decision) -> list[str]:
        raise NotFound("there is no prompt {name}", name=decision.prompt)

    monkeypatch.setattr(App, "sounds", missing)
    service = _service(app, Quiet(), Quiet())
    decided = office(RULE).decide(office(RULE).facts("inbound", [], None, datetime.now(UTC)))  # type: ignore[arg-type]
    assert service._sounds(decided) == ()
    assert service._problems == {"prompts": "there is no prompt notice"}


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


def test_without_the_database_the_rules_last_seen_are_in_force_also_after_a_restart(app: App) -> None:
    everywhere = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, app.now, "")
    with app.database.begin() as connection:
        rules.add(connection, everywhere, who="test", at=app.now)
    first = Service(app)
    assert len(first._first_office().rules) == 1
    app.database.close()
    away = _without_database(app.spool.directory)
    again = _service(away, Quiet(), Quiet())
    assert list(again._first_office().rules) == list(app.office().rules)
    again._write_status()
    told = _status(away)
    assert told["catalogue_away"] and told["rules_at"] < datetime.now(UTC).isoformat()


def test_without_the_database_and_without_a_copy_it_does_not_start(tmp_path: Path) -> None:
    away = _without_database(tmp_path)
    with pytest.raises(CatalogueUnreachable):
        Service(away)._first_office()


def test_a_damaged_copy_of_the_rules_is_not_used(app: App) -> None:
    Service(app)._first_office()
    copy = app.spool.directory / "office.json"
    copy.write_text(copy.read_text().replace("revision", "revisiom"))
    away = _without_database(app.spool.directory)
    with pytest.raises(CheckFailed, match=r"office\.json cannot be used"):
        Service(away)._first_office()
