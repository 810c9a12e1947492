"""The installer on the configuration a distribution ships, with a running Asterisk that takes it up."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from callrec.configuration import read_answers
from callrec.demo.pbx import DemoPbx, PbxPorts
from callrec.doctor.pbx import AMI_ACTIONS, AMI_DANGERS
from callrec.errors import CallrecError
from callrec.pbx.ami import Ami
from callrec.pbx.ari import Ari
from callrec.pbx.astdb import AstDb
from callrec.resources import shipped
from callrec.settings import PbxSettings
from tests.integration.system import eventually
from tests.unit.asterisk_files.etc import install

ON_ALL_ADDRESSES = ("chan_iax2", "chan_unistim", "pbx_dundi")
"""Modules that would listen beyond 127.0.0.1; the test has no use for them."""
PASSWORD = "a|b&c;d\\1 'e"


@pytest.fixture
def pbx(scratch: Path) -> Iterator[DemoPbx]:
    """An Asterisk with the distribution's own configuration, running."""
    made = DemoPbx(scratch / "own-pbx", PbxPorts.free())
    made.make_folders()
    etc = made.home / "etc"
    shutil.copytree(made.root / "etc/asterisk", etc, dirs_exist_ok=True)
    (etc / "asterisk.conf").write_text(made.filled((shipped("asterisk/demo/asterisk.conf")).read_text()))
    manager = (etc / "manager.conf").read_text()
    (etc / "manager.conf").write_text(re.sub(r"(?m)^port\s*=.*", f"port = {made.ports.ami}", manager))
    with (etc / "modules.conf").open("a") as modules:
        modules.writelines(f"\n[modules](+)\nnoload = {name}.so\n" for name in ON_ALL_ADDRESSES)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_running_pbx_takes_the_includes_up(pbx: DemoPbx) -> None:
    told = install(pbx.home / "etc", "--http-port", str(pbx.ports.http), ari_password=PASSWORD)
    for command in re.findall(r'asterisk -rx "(.*)"', told):
        pbx.cli(command)
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


def _settings(told: str) -> PbxSettings:
    """The settings that the proposed `callrec init` would write."""
    (line,) = [line for line in told.splitlines() if line.strip().startswith("callrec init")]
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
