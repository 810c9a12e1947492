"""The units under systemd: ready when they work, confined as shipped, started again where they hang."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from callrec.demo.softphones import Sound
from tests.integration.between import Between
from tests.integration.machine import PROGRAM, Machine, booted, empty
from tests.integration.people import People
from tests.integration.system import SystemUnderTest, eventually, talk_for

CONFIG = "/etc/callrec/callrec.toml"
pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


@pytest.fixture
def machine(system: SystemUnderTest, people: People) -> Iterator[Machine]:
    """A machine that runs callrec in place of the system's own processes."""
    system.wait_until_clean()
    demo = system.demo
    assert demo.controller is not None and demo.desk is not None
    demo.controller.stop()
    demo.desk.stop()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="callrec-machine-") as folder,
            booted(Path(folder), system, people, watchdog=5) as made,
        ):
            yield made
    finally:
        demo.start_controller()
        demo.start_desk()


def test_the_services_work_as_they_are_confined(machine: Machine, system: SystemUnderTest) -> None:
    machine.start("callrec.service")
    machine.start("callrec-desk.service")
    kept = system.record_call("0312340113")

    told = machine.callrec("log", kept.id, "--json")
    assert told.returncode == 0, told.stderr
    steps = [line["event"] for line in json.loads(told.stdout)]
    wanted = ["answered", "decided", "record", "recording", "over", "to be archived", "archived"]
    assert [step for step in wanted if step in steps] == wanted
    assert steps.index("answered") < steps.index("recording") < steps.index("archived")
    assert "12340113" not in told.stdout, "numbers are not in the log unless it is asked for them"

    first = machine.pid("callrec.service")
    machine.send("callrec.service", signal.SIGSTOP)  # says nothing any more
    eventually(lambda: machine.pid("callrec.service") not in (0, first) or None, 60, "another start")
    eventually(
        lambda: machine.ask("systemctl", "is-active", "callrec.service").returncode == 0 or None,
        60,
        "the controller",
    )
    assert system.record_call("0312340114").id


@pytest.fixture
def empty_machine(system: SystemUnderTest, people: People) -> Iterator[Machine]:
    """A machine on which callrec is to be installed, beside the system's PBX and S3 server."""
    system.wait_until_clean()
    assert system.demo.controller is not None
    system.demo.controller.stop()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="callrec-machine-") as folder,
            empty(Path(folder), people) as made,
        ):
            yield made
    finally:
        system.demo.start_controller()


def test_an_empty_machine_becomes_a_recorder_and_is_one_no_more(
    empty_machine: Machine, system: SystemUnderTest
) -> None:
    machine, pbx = empty_machine, Between(urlsplit(system.app.settings.pbx.ari_url).port or 0)
    _initialise(machine, system)
    _secrets_as_credentials(machine, system)
    machine.run("sed", "-i", f's#^ari_url.*#ari_url = "{pbx.url}/ari"#', CONFIG)

    refused = machine.ask("setpriv", "--reuid=callrec", "--clear-groups", PROGRAM, "service", "install")
    assert refused.returncode == 4 and "only root can do that: sudo callrec service" in refused.stderr
    done = machine.callrec("service", "install", "--now")
    assert done.returncode == 0, (done.stdout, done.stderr, machine.log())
    assert "started, now and whenever the machine starts" in done.stdout
    assert "waits for the PBX" in machine.told("callrec.service"), "the PBX is still starting"
    with pbx:
        eventually(lambda: _is_linked(machine), what="the link to the PBX")
        assert not machine.told("callrec.service"), "it waits no more"
        again = machine.callrec("service", "install")
        assert again.returncode == 0 and " written" not in again.stdout

        _call(machine, system, "0312340115")
        for unit in ("callrec-testcall", "callrec-purge", "callrec-doctor"):
            ran = machine.ask("systemctl", "start", f"{unit}.service")
            assert ran.returncode == 0, (unit, machine.log())
        assert "there are no keys for it" not in machine.log(), "the purge has those of its unit"
        _removed(machine)


def _removed(machine: Machine) -> None:
    """What somebody has changed is replaced only when that is asked for, and not removed."""
    desk = "/etc/systemd/system/callrec-desk.service"
    machine.run("sh", "-c", f"echo '# mine' >>{desk}")
    done = machine.callrec("service", "install")
    assert done.returncode == 4 and "-# mine" in done.stdout and "nothing was written" in done.stderr
    assert machine.callrec("service", "install", "--force").returncode == 0
    assert "# mine" not in machine.run("cat", desk)
    assert "# mine" in machine.run("cat", f"{desk}.before-callrec")
    machine.run("sh", "-c", f"echo '# mine' >>{desk}")

    assert machine.callrec("service", "remove").returncode == 2, "nobody is there to be asked"
    done = machine.callrec("service", "remove", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{desk} was changed by somebody and stays" in done.stdout and "callrec pbx remove" in done.stdout
    left = machine.run("ls", "/etc/systemd/system").split()
    assert [each for each in left if each.startswith("callrec")] == [
        Path(desk).name,
        f"{Path(desk).name}.before-callrec",
    ]
    assert machine.ask("systemctl", "is-active", "callrec.service").returncode
    assert machine.ask("systemctl", "is-active", "callrec-desk.service").returncode
    machine.run(
        "test", "-e", "/srv/office/spool", "-a", "-e", CONFIG, "-a", "-e", "/var/lib/callrec/catalogue.db"
    )


def _secrets_as_credentials(machine: Machine, system: SystemUnderTest) -> None:
    """Takes the keys to S3 out of callrec.toml, and gives the purge some of its own."""
    machine.run("sed", "-i", "-E", '/^(access|secret)_key = "[^"]+/d', CONFIG)
    assert system.demo.s3.secret_key not in machine.run("cat", CONFIG)
    for section in ("archive", "destruction"):
        for name in ("access_key", "secret_key"):
            machine.write(f"/etc/callrec/credentials/{section}.{name}", f"{getattr(system.demo.s3, name)}\n")


def _initialise(machine: Machine, system: SystemUnderTest) -> None:
    """Has root write callrec.toml by a file of answers, and add an office."""
    pbx, s3 = system.app.settings.pbx, system.demo.s3
    answers = {
        "ari_url": pbx.ari_url,
        "ari_password": pbx.ari_password.get_secret_value(),
        "ami_port": str(pbx.ami_port),
        "ami_password": pbx.ami_password.get_secret_value(),
        "s3_url": s3.endpoint_url,
        "bucket": "an-office",
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
        "spool": "/srv/office/spool",
        "pbx_prompts": str(system.demo.pbx.inside / "office-prompts"),
    }
    machine.write("/etc/answers.toml", "".join(f'{name} = "{value}"\n' for name, value in answers.items()))
    done = machine.callrec("init", "--answers", "/etc/answers.toml", "--non-interactive", "--make-bucket")
    assert done.returncode == 0 and not done.stderr, (done.stdout, done.stderr)
    # the PBX sees another machine's disk, and has a copy
    copy = system.demo.pbx.home / "office-prompts"
    shutil.copytree(machine.path("/srv/office/prompts"), copy, dirs_exist_ok=True)
    for said in (
        "the account callrec is made",
        "bucket an-office is made",
        "archive: bucket an-office, lock",
    ):
        assert said in done.stdout
    assert "next: callrec service install" in done.stdout and "next: callrec pbx install" not in done.stdout
    assert machine.run("stat", "-c", "%U %a", CONFIG) == "callrec 600\n"
    for words in (
        ("facility", "add", "shiba", "--name", "芝"),
        ("extension", "add", "2101", "--facility", "shiba"),
        ("rule", "add", "--everywhere", "--mode", "automatic", "--announce", "none"),
    ):
        assert machine.callrec(*words).returncode == 0


def _is_linked(machine: Machine) -> bool:
    told = json.loads(machine.callrec("status", "--json").stdout)
    return bool(told["link_up"])


def _call(machine: Machine, system: SystemUnderTest, number: str) -> None:
    """A call with this number outside, until it is in the archive."""
    caller = system.caller(number).dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    talk_for([staff], 1.0)
    caller.hangup()

    def archived() -> bool:
        found = json.loads(machine.callrec("search", "--number", number, "--json").stdout or "[]")
        return [each["state"] for each in found] == ["archived"]

    eventually(archived, 30, what="the recording in the archive")
