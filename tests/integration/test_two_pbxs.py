"""Two PBXs with one archive, as docs/scale.md has it: two Asterisks at once, each with its controller and its
spool; one PostgreSQL, one bucket, one desk."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue.finding import SearchHit
from callrec.configuration import write_file
from callrec.demo.pbx import OUTSIDE, DemoPbx, PbxPorts
from callrec.demo.processes import Child
from callrec.demo.softphones import Phone, Sound, Switchboard, Talk
from callrec.demo.system import DemoSystem
from callrec.resources import shipped
from callrec.settings_file import load
from callrec.spool import status
from tests.integration.call_paths import FIRST_HZ, OTHER_HZ, STAFF_HZ
from tests.integration.desk_office import own_database
from tests.integration.system import SystemUnderTest, callrec, eventually, talk_for
from tests.listen import hears, voiced

EXTENSION = "2201"
"""The phone that is called on the second PBX; on the first it is 2101."""


class Node:
    """Another PBX with a controller of its own, beside a system that is there: the same catalogue, bucket and
    keys."""

    def __init__(self, system: SystemUnderTest, home: Path, name: str) -> None:
        self.home, self._stack, self._switchboard = home, ExitStack(), system.switchboard
        demo = system.demo
        self.pbx = DemoPbx(home / "pbx", PbxPorts.free())
        self.config = home / "callrec.toml"
        home.mkdir()
        answers = replace(
            demo._answers(),
            pbx=name,
            spool=str(home / "spool"),
            ari_url=self.pbx.ari_url,
            ari_password=self.pbx.ari_password,
            ami_port=str(self.pbx.ports.ami),
            ami_password=self.pbx.ami_password,
            pbx_prompts=str(self.pbx.inside / "prompts"),
            evidence_keys=str(demo.app.settings.evidence.keys),
        )
        write_file(self.config, answers)
        self.app = App(load(str(self.config)))

    def __enter__(self) -> Node:
        self._stack.callback(self.app.close)
        self.app.make_spool()
        self._stack.callback(self.pbx.stop)
        self.pbx.configure()
        shutil.copytree(shipped("prompts"), self.home / "pbx/prompts")
        self.pbx.start()
        self.staff, self.caller = (
            self._phone(EXTENSION),
            self._phone(OUTSIDE, number="0312340092", register=False),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _phone(self, name: str, **options: Any) -> Phone:
        server = f"127.0.0.1:{self.pbx.ports.sip}"
        return self._switchboard.phone(name, self.pbx.sip_passwords[name], server=server, **options)

    def serve(self) -> Child:
        command = [sys.executable, "-m", "callrec", "--config", str(self.config), "serve"]
        child = Child("the other PBX's callrec serve", command, self.home / "controller.log")
        self._stack.callback(child.stop)
        return child

    def start_controller(self) -> None:
        child = self.serve()
        child.wait_until(lambda: self._is_linked(child), 30, "its link with its PBX")

    def status(self) -> dict[str, Any]:
        return status.read(self.home / "spool")

    def _is_linked(self, child: Child) -> bool:
        return bool(self.status().get("link_up")) and self.status().get("pid") == child.pid


@pytest.fixture(scope="module")
def first(scratch: Path, postgresql: str) -> Iterator[SystemUnderTest]:
    url = own_database(postgresql)
    with (
        DemoSystem(scratch / "two-pbxs", database_url=url, ports=PbxPorts.free()) as demo,
        Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
    ):
        yield SystemUnderTest(demo, switchboard)


def test_two_pbxs_record_at_once_into_one_archive(first: SystemUnderTest, scratch: Path) -> None:
    begin = first.app.now
    with Node(first, scratch / "second", "annex") as second, first.rule("automatic"):
        second.start_controller()
        eventually(lambda: second.status().get("revision") == first.app.revision(), what="the one rule")
        talks = [
            *_talking(first.caller("0312340091"), first.phone("2101"), "2101", OTHER_HZ),
            *_talking(second.caller, second.staff, EXTENSION, FIRST_HZ),
        ]
        talk_for(talks, 2)  # all four at the same time
        for each in talks[::2]:
            each.hangup()
        ids = {
            _checked(first, first.recording_of("+81312340091", begin), "demo", OTHER_HZ),
            _checked(first, first.recording_of("+81312340092", begin), "annex", FIRST_HZ),
        }
        _one_search_and_one_desk(first, ids)
        assert not second.status()["problems"] and not first.problems()


def _talking(caller: Phone, staff: Phone, number: str, hertz: float) -> list[Talk]:
    calling = caller.dial(number, Sound(hertz))
    return [calling, staff.pick_up(Sound(STAFF_HZ))]


def _checked(system: SystemUnderTest, hit: SearchHit, pbx: str, hertz: float) -> str:
    """A recording names its PBX, in the catalogue and in its manifest, and has the sound of its own call."""
    assert hit.recording and hit.call.pbx == pbx
    assert system.manifest(hit.recording)["call"]["pbx"] == pbx
    heard = system.listen(hit.recording)
    assert hears(voiced(heard.external), heard.rate, hertz)
    assert hears(voiced(heard.staff), heard.rate, STAFF_HZ)
    return hit.recording.id


def _one_search_and_one_desk(system: SystemUnderTest, ids: set[str]) -> None:
    """Who cannot read callrec.toml finds the calls of both at the one desk, and whoever can, too."""
    who = pwd.getpwuid(os.getuid()).pw_name
    assert system.callrec("access", "grant", who, "handler").returncode == 0
    desk = ("--desk", str(system.demo.socket))
    for how in (("--config", str(system.demo.config)), desk):
        done = callrec(*how, "search", "today", "--json", CALLREC_LANG="en")
        assert done.returncode == 0, done.stderr
        assert {each["id"] for each in json.loads(done.stdout)} == ids
    done = callrec("--config", str(system.demo.config), "verify", "--all", "--json")
    assert done.returncode == 0, done.stdout
    assert {each["id"] for each in json.loads(done.stdout) if each["ok"]} >= ids
    assert callrec("--config", str(system.demo.config), "catalogue", "check").returncode == 0
    assert callrec("--config", str(system.demo.config), "custody", "verify").returncode == 0


def test_two_pbxs_of_one_name_are_refused(first: SystemUnderTest, scratch: Path) -> None:
    with Node(first, scratch / "namesake", "demo") as second:
        child = second.serve()
        eventually(lambda: not child.running, what="its end")
        said = (second.home / "controller.log").read_text("utf-8")
        assert "another PBX is named demo in this catalogue" in said
        assert first.controller.running
