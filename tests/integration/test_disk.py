"""A disk under spool and catalogue that is full, or goes away: nothing is lost, and all heals by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from callrec.demo.ports import free_port
from callrec.demo.softphones import Sound, Talk
from callrec.fallback.journal import KEYS
from tests.integration.small_disk import SmallDisk, on_small_disk
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as
from tests.integration.web_server import web_server

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
HEALED_SECONDS = 60.0
"""Three times what is waited between two tries after ten seconds of trying."""


@pytest.fixture(scope="module")
def disk(system: SystemUnderTest, scratch: Path) -> Iterator[SmallDisk]:
    with on_small_disk(system, scratch) as made:
        yield made


def _call(system: SystemUnderTest, number: str, seconds: float = 1.0) -> tuple[Talk, Talk]:
    """A call under way, in which they have talked for so long."""
    caller = system.caller(number).dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    caller.wait_established()
    talk_for([caller, staff], seconds)
    return caller, staff


def _over(caller: Talk, staff: Talk) -> None:
    caller.hangup()
    staff.wait_ended()


def _whole(system: SystemUnderTest, number: str, begin: datetime) -> None:
    """The recording of a call is in the archive, from its first second to its last."""
    found = system.recording_of(number, begin, HEALED_SECONDS)
    assert found.recording is not None
    as_long_as(system.listen(found.recording), talk_seconds(found.call))


def _fill_to_the_last_byte(disk: SmallDisk) -> None:
    """Also what the reserve had."""

    def full() -> bool:
        disk.fill()
        return not disk.reserve.exists() and disk.is_full()

    eventually(full, what="a full disk")


def _all_is_well(system: SystemUnderTest, disk: SmallDisk) -> None:
    system.wait_until_clean()
    eventually(lambda: not system.problems(), HEALED_SECONDS, "a clean status")
    assert disk.reserve.exists()


def test_a_full_disk_under_spool_and_catalogue_comes_to_no_standstill(
    disk: SmallDisk, system: SystemUnderTest, begin: datetime
) -> None:
    """What fills it stays: the reserve is enough to archive what waits, and new sound stays on the PBX."""
    with system.rule("automatic"):
        system.demo.s3.stop()
        _over(*_call(system, "0311180001"))
        eventually(lambda: list(disk.spool.glob("recordings/*/*.manifest.json")), what="a whole recording")
        disk.fill()
        eventually(lambda: not disk.reserve.exists(), what="letting the reserve go")
        told = system.callrec("status")
        assert told.returncode == 1 and "the reserve of [disk] was let go" in told.stdout + told.stderr
        _over(*_call(system, "0311180002"))
        system.demo.s3.start()
        _whole(system, "+81311180001", begin)
        assert not disk.reserve.exists() and system.app.pbx.stored(), "the second one is safe on the PBX"
        disk.make_room()
        _whole(system, "+81311180002", begin)
    _all_is_well(system, disk)


def test_a_kill_at_a_full_disk_loses_neither_what_is_kept_nor_the_call_for_help(
    disk: SmallDisk, system: SystemUnderTest, begin: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    helped = {"WEBHOOK_URL": f"http://127.0.0.1:{port}/", "WEBHOOK_SECRET": "a secret of some length"}
    variables = {f"CALLREC_HELP__{name}": value for name, value in helped.items()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)  # also for the start after the kill
    with system.rule("standby"), web_server(port) as posts, system.restarted_with(**variables):
        caller, staff = _call(system, "0311180003")
        eventually(lambda: list(disk.spool.glob("checkpoints/*.json")), what="the first checkpoint")
        _fill_to_the_last_byte(disk)
        staff.press("*1")
        staff.press("*9")
        eventually(lambda: posts, what="the alert, which leaves from memory")
        assert not list(disk.spool.glob("alerts/*.json"))
        with system.app.ami() as ami:
            assert len(ami.tree(KEYS)) == 2, "what is not on disk yet is to be found there"
        system.controller.kill()
        talk_for([staff, caller], 0.5)
        _over(caller, staff)
        disk.make_room()
        system.demo.start_controller()
        _whole(system, "+81311180003", begin)
        call = system.call_of("+81311180003", begin)
        assert call.incident and [str(each.key) for each in call.key_presses] == ["keep", "help"]
        eventually(
            lambda: "help alert: webhook  sent" in system.callrec("show", call.id).stdout, what="its row"
        )
        system.wait_until_clean()
        monkeypatch.undo()
    _all_is_well(system, disk)


def test_a_spool_that_goes_away_is_waited_for_and_nothing_is_written_beside_it(
    disk: SmallDisk, system: SystemUnderTest, begin: datetime
) -> None:
    log = system.demo.home / "controller.log"
    with system.rule("automatic"):
        first = _call(system, "0311180004")
        disk.unmount()
        beside = _listed(disk.spool)
        eventually(lambda: "mount its disk" in log.read_text(), what="the problem")
        _over(*first)
        _over(*_call(system, "0311180005"))
        assert system.callrec("status").returncode != 0
        assert _listed(disk.spool) == beside
        disk.mount()
        _whole(system, "+81311180004", begin)
        _whole(system, "+81311180005", begin)
    _all_is_well(system, disk)


def _listed(folder: Path) -> dict[Path, float]:
    return {each: each.stat().st_mtime for each in folder.rglob("*")}
