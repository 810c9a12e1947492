"""The recorder tells of its own illness: on real parts, to real servers of mail and web."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from callrec.app import App
from callrec.app.health import HealthParts
from callrec.demo.ports import free_port
from callrec.demo.softphones import Sound
from callrec.errors import Sentence
from callrec.problems import Problems
from callrec.settings import HealthSettings, HelpSettings, Settings, SpoolSettings
from tests.integration.mail_server import Mailbox, mail_server
from tests.integration.system import SystemUnderTest, eventually, frozen
from tests.integration.web_server import web_server

TO = "ops@city.example"
SECRET = "a secret of some length"
NOT_RECORDED = "extension 2101 should be recorded and is not"
TIMING = "res_timing_timerfd.so"
on_one_database = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


def _problems(system: SystemUnderTest) -> list[str]:
    done = system.callrec("status", "--json")
    found: list[str] = json.loads(done.stdout)["problems"]
    assert done.returncode == (1 if found else 0), done.stderr
    return [each for each in found if each not in system.standing]


@contextmanager
def _refusing_snoops(system: SystemUnderTest) -> Iterator[None]:
    """The PBX has no clock for its snoops: it can make none until the block ends."""
    system.demo.pbx.cli(f"module unload {TIMING}")
    assert TIMING not in system.app.pbx.modules()
    try:
        yield
    finally:
        system.demo.pbx.cli(f"module load {TIMING}")


@on_one_database
def test_a_pbx_that_refuses_every_snoop_is_not_well(
    system: SystemUnderTest, begin: datetime, tmp_path: Path
) -> None:
    """While the call lasts; others see it in the metrics. Then the PBX can again."""
    port, file = free_port(), tmp_path / "callrec.prom"
    told = {"CALLREC_HEALTH__METRICS_PORT": str(port), "CALLREC_HEALTH__TEXTFILE": str(file)}
    with system.restarted_with(**told), system.rule("standby", announce="none"):
        eventually(lambda: _metric(port, "callrec_works") == 1 and not _problems(system), what="all well")
        with _refusing_snoops(system):
            caller = system.caller("0311223344").dial("2101", Sound(500.0))
            system.phone("2101").pick_up(Sound(1000.0))
            caller.wait_established()
            eventually(lambda: any(NOT_RECORDED in each for each in _problems(system)), what="the problem")
            assert _metric(port, "callrec_captures_lacking") == 1
        _all_well(system, "a recording, once the PBX can again")
        assert _metric(port, "callrec_captures_lacking") == 0
        caller.hangup()
        system.call_of("+81311223344", begin)
        assert _metric(port, 'callrec_pbx_refusals_total{action="StartSnoop"}') > 1
        eventually(lambda: file.exists() and "callrec_works 1.0" in file.read_text(), what="the file")


def _all_well(system: SystemUnderTest, what: str) -> None:
    """Waits until nothing is a problem; what still is one is told."""
    told: list[str] = []

    def look() -> bool:
        told[:] = _problems(system)
        return not told

    try:
        eventually(look, what=what)
    except AssertionError as late:
        raise AssertionError(f"{late}: {told}") from None


def _metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next((float(each.rpartition(" ")[2]) for each in lines if each.startswith(f"{name} ")), 0.0)


class Watched:
    """A machine whose illness real servers are told of."""

    def __init__(self, spool: Path, mail_port: int, web_port: int) -> None:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": mail_port, "smtp_security": "none"}
        self.app = App(
            Settings(
                spool=SpoolSettings(directory=spool),
                help=HelpSettings(mail_from="callrec@city.example", **mail),
                health=HealthSettings(
                    mail_to=(TO,),
                    webhook_url=f"http://127.0.0.1:{web_port}/health",
                    webhook_secret=SECRET,
                    digest_at="",
                ),
            )
        )
        self.app.make_spool()
        self.problems = Problems()

    @contextmanager
    def running(self) -> Iterator[None]:
        teller = HealthParts(self.app, self.problems).teller(self.problems.all)
        thread = threading.Thread(target=teller.run)
        thread.start()
        try:
            yield
        finally:
            teller.stop()
            thread.join(30)
            self.app.close()


def test_an_illness_is_told_once_by_mail_and_webhook_over_an_outage_and_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callrec.health.course.LASTED_SECONDS", 0.2)
    monkeypatch.setattr("callrec.health.teller.LOOK_SECONDS", 0.05)
    box, ports = Mailbox(), (free_port(), free_port())
    watched = Watched(tmp_path, *ports)
    ill = Sentence("the S3 server does not answer at {url}", url="https://s3.city.example")
    with web_server(ports[1]) as posted:
        watched.problems.add("archive", ill)
        with watched.running():
            eventually(lambda: posted, what="the message")
            eventually(lambda: "told by mail" in str(watched.problems.all()), what="that no mail goes")
        monkeypatch.setattr("callrec.health.teller.APART_SECONDS", 0.0)
        again = Watched(tmp_path, *ports)
        again.problems.add("archive", ill)
        with mail_server(box, ports[0]), again.running():
            eventually(lambda: box.mails, what="the mail, after a restart")
            eventually(
                lambda: not [each for each in again.problems.all() if "told" in each.name], what="a well"
            )
            again.problems.add("mirror", "the PBX has no copy of the rules")
            eventually(lambda: len(box.mails) == 2 and len(posted) == 2, what="the next illness")
    first, second = box.mails
    assert first["To"] == TO and "【録音異常】" in first["Subject"]
    assert "https://s3.city.example" in first.get_content() and "no copy of the rules" in second.get_content()
    said = [json.loads(body) for _, body in posted]
    assert [[each["kind"] for each in message["begun"]] for message in said] == [["archive"], ["mirror"]]
    assert posted[0][0]["X-Callrec-Signature"].startswith("sha256=")


@on_one_database
def test_a_controller_that_is_frozen_is_silent(system: SystemUnderTest) -> None:
    """Nothing says that it works while it does not."""
    port = free_port()
    with (
        web_server(port) as asked,
        system.restarted_with(CALLREC_HEALTH__HEARTBEAT_URL=f"http://127.0.0.1:{port}/ping"),
    ):
        eventually(lambda: asked, what="a heartbeat")
        assert system.demo.controller is not None
        with frozen(system.demo.controller):
            count = len(asked)
            eventually(lambda: system.callrec("status").returncode == 1, what="that status tells it")
            assert len(asked) == count
