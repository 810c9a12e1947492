"""Beside what else a PBX does: its mailboxes and menus, its own records of calls, its own listeners."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from callrec.demo.softphones import Sound
from tests.integration.call_paths import OTHER_HZ, STAFF_HZ, inbound
from tests.integration.odd_paths import configured, first_answered, only_recording
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as
from tests.listen import hears, is_silent, windows

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
MACHINES = ("VoiceMail(2102@default,u)", "Playback(vm-intro)", "Background(vm-intro)")
MAILBOX = "[general]\nformat = wav\n[default]\n2102 => 1\n"
CDR = "[general]\nenable = yes\nunanswered = yes\n[csv]\nloguniqueid = yes\n"


@pytest.mark.parametrize("application", MACHINES)
def test_what_a_mailbox_or_a_menu_says_is_recorded(
    system: SystemUnderTest, begin: datetime, application: str
) -> None:
    (system.demo.pbx.home / "etc/voicemail.conf").write_text(
        "[general]\nformat = wav\n[default]\n2102 => 1\n"
    )
    system.demo.pbx.cli("module load app_voicemail.so")
    dialplan = f"\n[from-phones](+)\nexten => 2901,1,{application}\n same => n,Wait(1)\n"
    with (
        configured(system, "extensions.conf", "pbx_config", lambda text: text + dialplan),
        system.rule("automatic", direction="inbound"),
    ):
        staff, caller = first_answered(system)
        staff.transfer("2901")
        staff.wait_ended()
        talk_for([caller], 4.0)
        caller.hangup()
        call, _, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call))
    assert hears(heard.external, heard.rate, OTHER_HZ)
    said = [not is_silent(each) for each in windows(heard.staff[-2 * heard.rate :], heard.rate)]
    assert sum(said) > len(said) / 2, "the greeting, of which the caller heard every word"


@contextmanager
def _told_of_records(system: SystemUnderTest, **variables: str) -> Iterator[None]:
    """A controller, with these variables, that has found that the PBX can write records: it asks when it
    connects."""
    system.demo.pbx.cli("module load func_cdr.so")
    with system.restarted_with(**variables):
        yield
        system.demo.pbx.cli("module unload func_cdr.so")


@contextmanager
def _own_records(system: SystemUnderTest) -> Iterator[list[str]]:
    """The rows that the PBX writes of its calls meanwhile; they are there at the end."""
    home = system.demo.pbx.home
    rows: list[str] = []
    (home / "log/cdr-csv").mkdir(exist_ok=True)
    (home / "etc/cdr.conf").write_text(CDR)
    for command in ("module reload cdr", "module load cdr_csv.so"):
        system.demo.pbx.cli(command)
    yield rows
    written = home / "log/cdr-csv/Master.csv"
    eventually(written.exists, what="the records of the PBX")
    rows += written.read_text().splitlines()
    system.demo.pbx.cli("module unload cdr_csv.so")


def test_the_records_of_the_pbx_have_the_call_and_nothing_of_ours(
    system: SystemUnderTest, begin: datetime
) -> None:
    """The snoops of the recording, the tones of the keys, the support phone."""
    with (
        _told_of_records(system, CALLREC_HELP__PHONE="2201"),
        _own_records(system) as rows,
        system.rule("automatic", direction="inbound"),
    ):
        staff, caller = inbound(system)
        for key in ("*1", "*5", "*5", "*9"):
            staff.press(key)
            talk_for([staff], 0.3)
        listening = system.phone("2201").pick_up(Sound(STAFF_HZ))
        caller.hangup()
        listening.wait_ended()
        call, kept, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert [each["reason"] for each in system.manifest(kept)["capture"]["silences"]] == ["key"]
    assert len(rows) == 1 and "PJSIP/outside-" in rows[0], "\n".join(rows)


def test_doctor_names_what_else_listens(system: SystemUnderTest) -> None:
    def found() -> str:
        rows = json.loads(system.callrec("doctor", "--json").stdout)
        (row,) = [row for row in rows if row["part"] == "PBX: other listeners"]
        assert row["ok"]
        return str(row["found"])

    assert found() == "none"
    dialplan = "\n[theirs]\nexten => s,1,MixMonitor(x.wav)\n same => n,ChanSpy(PJSIP/2101)\n"
    with configured(system, "extensions.conf", "pbx_config", lambda text: text + dialplan):
        assert found().startswith("beware of ChanSpy [theirs], MixMonitor [theirs]: ")
