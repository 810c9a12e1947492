"""The installer on the configuration a distribution ships, with a running Asterisk that takes it up."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from callrec.asterisk_files.writing import KEPT
from callrec.configuration import read_answers
from callrec.demo.pbx import DemoPbx, PbxPorts
from callrec.doctor.pbx import AMI_ACTIONS, AMI_DANGERS
from callrec.errors import CallrecError
from callrec.fallback.rule_mirror import FAMILY
from callrec.pbx.ami import Ami
from callrec.pbx.ari import Ari
from callrec.pbx.astdb import AstDb
from callrec.resources import shipped
from callrec.settings import PbxSettings
from tests.integration.system import callrec, eventually
from tests.unit.asterisk_files.etc import files, install

ON_ALL_ADDRESSES = ("chan_iax2", "chan_unistim", "pbx_dundi")
"""Modules that would listen beyond 127.0.0.1; the test has no use for them."""
SAMPLES = ("pbx_ael", "pbx_lua")
"""Modules that would bring the distribution's examples of other dialplans into the office's."""
PASSWORD = "a|b&c;d\\1 'e"


@pytest.fixture
def pbx(scratch: Path, request: pytest.FixtureRequest) -> Iterator[DemoPbx]:
    """An Asterisk with the distribution's own configuration, running."""
    made = DemoPbx(scratch / f"own-pbx-{len(request.node.name)}", PbxPorts.free())
    made.make_folders()
    etc = made.home / "etc"
    shutil.copytree(made.root / "etc/asterisk", etc, dirs_exist_ok=True)
    (etc / "asterisk.conf").write_text(made.filled((shipped("asterisk/demo/asterisk.conf")).read_text()))
    manager = (etc / "manager.conf").read_text()
    (etc / "manager.conf").write_text(re.sub(r"(?m)^port\s*=.*", f"port = {made.ports.ami}", manager))
    with (etc / "modules.conf").open("a") as modules:
        modules.writelines(f"\n[modules](+)\nnoload = {name}.so\n" for name in ON_ALL_ADDRESSES + SAMPLES)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_running_pbx_takes_the_includes_up(pbx: DemoPbx) -> None:
    told = install(pbx.home / "etc", "--http-port", str(pbx.ports.http), ari_password=PASSWORD)
    _run(pbx, told)
    settings = _settings(told)
    assert (settings.ari_url, settings.ami_port) == (pbx.ari_url, pbx.ports.ami)
    ari = Ari(settings)
    assert int(eventually(lambda: _answer(ari), what="an answer of ARI").partition(".")[0]) >= 20
    assert ari.sends_linked_ids(), "also while no controller is connected"
    with Ami(settings) as ami:
        assert ami.has_context("callrec-gate") and ami.has_context("callrec-fallback")
        assert not ami.has_context("callrec-nothing")
        assert ami.may() >= AMI_ACTIONS and not AMI_DANGERS & ami.may()
        assert ami.setting("features.conf", "applicationmap", "callrec-keep").startswith("*1,self,")
    with AstDb(ari, Ami(settings)) as astdb:
        astdb.write("callrec-test", {"one": "two"})
        assert astdb.tree("callrec-test") == {"one": "two"}
    assert "callrec-keep" in pbx.cli("features show")
    assert "nothing had to be changed" in install(pbx.home / "etc")


OFFICE = """[office]
exten => 2101,1,NoOp()
 same => n,Dial(PJSIP/2101)
 same => n,Hangup()
"""
PROPOSED = " same => n,Gosub(callrec-gate,s,1(inbound,2101,${CALLERID(num)}))"
PASSED = " same => n,Set(DB(passed/2101)=${CALLREC_KNOWN})"


def test_an_office_finds_its_gate_loses_its_includes_and_leaves(pbx: DemoPbx, scratch: Path) -> None:
    etc = pbx.home / "etc"
    dialplan = etc / "extensions.conf"
    dialplan.write_text(OFFICE)
    before = files(etc)
    _run(pbx, install(etc, "--http-port", str(pbx.ports.http)))
    run = _Callrec(etc, scratch / "office")
    eventually(lambda: run("pbx", "check", "--json").returncode != UNREACHABLE, what="an answer of the PBX")
    assert run.ungated() == {"office,2101,2": PROPOSED.strip()}

    dial, gate = " same => n,Dial", f"{PROPOSED}\n{PASSED}\n"
    dialplan.write_text(dialplan.read_text().replace(dial, gate + dial))
    pbx.cli("dialplan reload")
    done = run("pbx", "check")
    assert done.returncode == 0 and "every call that is connected passes the gate" in done.stderr
    assert run.doctor("PBX: gate") == (True, "called by office")
    pbx.cli("channel originate Local/2101@office application Wait 1")
    eventually(lambda: "Value: 1" in pbx.cli("database get passed 2101"), what="a call that passed the gate")

    with_includes = dialplan.read_text()
    dialplan.write_text(with_includes.replace('#include "callrec/extensions.conf"\n', ""))  # as an Apply may
    pbx.cli("dialplan reload")
    done = run("pbx", "check")
    assert done.returncode == 1 and "extensions.conf are not as callrec pbx install makes them" in done.stdout
    is_ok, said = run.doctor("PBX: includes")
    assert not is_ok and "the PBX has no callrec-gate" in said and "callrec pbx install again" in said
    _run(pbx, install(etc))
    assert run.doctor("PBX: includes") == (True, "there") and run("pbx", "check").returncode == 0

    done = run("pbx", "remove", "--etc", str(etc), "--yes")
    assert done.returncode == 4 and f"{dialplan}:3: same => n,Gosub(callrec-gate" in done.stderr
    dialplan.write_text(dialplan.read_text().replace(gate, ""))
    pbx.cli("dialplan reload")
    pbx.cli(f"database put {FAMILY} 2101 standby")
    removed = run("pbx", "remove", "--etc", str(etc), "--yes")
    assert "the rules are out of the PBX's database" in removed.stdout, removed.stderr
    assert "2101" not in pbx.cli(f"database show {FAMILY}")
    _run(pbx, removed.stdout)
    assert {name: text for name, text in files(etc).items() if KEPT not in name} == before
    assert "callrec" not in pbx.cli("dialplan show") + pbx.cli("features show") + pbx.cli(
        "manager show users"
    )
    done = run("pbx", "check")
    assert done.returncode == UNREACHABLE and "has taken callrec's lines away" in done.stderr


UNREACHABLE = 3


class _Callrec:
    """The program, by the configuration that the proposed `callrec init` makes."""

    def __init__(self, etc: Path, home: Path) -> None:
        self._etc, self._config = etc, home / "callrec.toml"
        home.mkdir()
        answers = (
            "--answers",
            str(etc / "callrec/init.toml"),
            "--database-url",
            f"sqlite:///{home}/callrec.db",
        )
        done = callrec("--config", str(self._config), "init", "--non-interactive", *answers)
        assert done.returncode == 0, done.stderr

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        of = ("--etc", str(self._etc)) if arguments[:2] == ("pbx", "check") else ()
        return callrec("--config", str(self._config), *arguments, *of)

    def ungated(self) -> dict[str, str]:
        """The lines that are proposed, by the step that connects a call without the gate."""
        done = self("pbx", "check", "--json")
        assert done.returncode == 1, done.stderr
        assert done.stdout, done.stderr
        rows = json.loads(done.stdout)
        return {f"{each['context']},{each['extension']},{each['priority']}": each["line"] for each in rows}

    def doctor(self, part: str) -> tuple[bool, str]:
        """What doctor says of a part."""
        results = json.loads(self("doctor", "--json").stdout)
        (found,) = [each for each in results if each["part"] == part]
        return found["ok"], found["found"]


def _run(pbx: DemoPbx, told: str) -> None:
    """Runs the commands that were told on the PBX's console."""
    commands = re.findall(r'asterisk -rx "(.*)"', told)
    assert commands
    for command in commands:
        pbx.cli(command)


def _settings(told: str) -> PbxSettings:
    """The settings that the proposed `callrec init` would write."""
    (line,) = [line for line in told.splitlines() if " init --answers " in line]
    name = shlex.split(line)[-1]
    given: dict[str, Any] = read_answers(Path(name), Path(name).read_text())
    assert given["ari_password"] == PASSWORD
    passwords = {name: SecretStr(given.pop(name)) for name in ("ari_password", "ami_password")}
    return PbxSettings.model_validate({**given, **passwords})


def _answer(ari: Ari) -> str:
    """Asterisk's version, once it answers."""
    try:
        return ari.version()
    except CallrecError:
        return ""
