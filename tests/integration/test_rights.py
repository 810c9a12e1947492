"""What whoever reads callrec.toml can do to the PBX: what callrec itself does, and no more."""

from __future__ import annotations

import gc
import json
import re
import threading
from pathlib import Path

import pytest

from callrec.pbx.ami import Ami, AmiRefused
from callrec.pbx.ari import Ari
from tests.integration.system import SystemUnderTest, eventually

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
ODD = {
    "inbound/2101": 'a|b&c;d,e"\\${EPOCH} $[1+1] 港 +x)(',
    '港"2101': "x",
    "=": "",
    "${SHELL(id)}": '"quoted"',
    "c,d": "\\",
    "long": "x" * 3000,
} | {f"outbound/{number}": "=" for number in range(60)}
"""Signs that mean something to a dialplan, to a configuration file, to HTTP or to AMI."""


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Originate", {"Channel": "Local/s@callrec-play", "Application": "System", "Data": "id"}),
        ("Originate", {"Channel": "Local/s@callrec-play", "Application": "NoOp"}),
        ("Command", {"Command": "core show version"}),
        ("MixMonitor", {"Channel": "PJSIP/x", "File": "x.wav", "Command": "id"}),
        ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"}),
        ("CreateConfig", {"Filename": "x.conf"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("ModuleLoad", {"LoadType": "load", "Module": "app_system.so"}),
        ("Reload", {}),
        (
            "DialplanExtensionAdd",
            {"Context": "x", "Extension": "s", "Priority": "1", "Application": "System"},
        ),
        ("DBPut", {"Family": "callrec-rule", "Key": "x", "Val": "y"}),
        ("DBDel", {"Family": "callrec-rule", "Key": "x"}),
        ("DBDelTree", {"Family": "callrec-rule"}),
        ("Setvar", {"Variable": "SHELL(id)", "Value": "x"}),
        ("Setvar", {"Variable": "FILE(/tmp/x)", "Value": "x"}),
        ("Setvar", {"Variable": "DB(callrec-rule/x)", "Value": "y"}),
        ("Getvar", {"Variable": "SHELL(id)"}),
    ],
)
def test_ami_runs_no_command_and_changes_nothing(
    system: SystemUnderTest, action: str, fields: dict[str, str]
) -> None:
    with system.app.ami() as ami, pytest.raises(AmiRefused):
        ami._action(action, **fields)


def test_the_dialplan_tells_of_a_file_only_whether_it_is_a_wav(system: SystemUnderTest) -> None:
    inside, home = system.demo.pbx.inside, system.demo.pbx.home
    (home / "text").write_text('"RIFF" = "RIFF" ? 1')
    with system.app.astdb() as astdb:
        assert astdb.reads(f"{inside}/hold/hold.wav")
        assert not astdb.reads(f"{inside}/hold/nothing.wav")
        assert not astdb.reads(f"{inside}/etc/callrec/manager.conf,0,4000")
        assert not astdb.reads(f"{inside}/text")
        assert astdb.tree("callrec-probe") == {}


@pytest.mark.parametrize("variable", ["CALLREC_FILE", "from", "to", "file"])
def test_the_dialplan_runs_no_command_that_it_is_given(system: SystemUnderTest, variable: str) -> None:
    """The recording of the fallback, begun in the middle, with a file name that goes on with a command."""
    pbx, spool = system.app.pbx, system.demo.pbx.home / "spool"
    _begin_recording(pbx, variable, f"x),touch {system.demo.pbx.inside}/spool/made #")
    began = eventually(lambda: list(spool.rglob("*.wav")), what="the recording")
    assert all(path.parent == spool / "recording/callrec" for path in began)
    pbx.hang_up(f"callrec.{variable}")
    eventually(lambda: not pbx.channels(), what="the end of the call")
    assert not (spool / "made").exists()
    for name in pbx.stored():
        pbx.delete_stored(name)


def _begin_recording(pbx: Ari, variable: str, value: str) -> None:
    pbx._call(
        "channels",
        "originateWithId",
        channelId=f"callrec.{variable}",
        endpoint="Local/8500@groups",
        context="callrec-fallback",
        extension="s",
        label="record",
        variables={"variables": {variable: value}},
    )


def test_no_process_has_a_secret_in_its_arguments(system: SystemUnderTest) -> None:
    told = json.dumps(system.demo.description())
    secrets = re.findall(r'"(?:password|secret_key)": "([^"]+)"', told)
    assert len(secrets) == len(system.demo.pbx.sip_passwords) + 3
    lines = [_read(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert [line for line in lines if "callrec" in line], "those of the system are among them"
    assert [line for line in lines for secret in secrets if secret in line] == []


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:  # it has ended
        return ""


def test_the_database_of_the_pbx_takes_every_sign(system: SystemUnderTest) -> None:
    odd = {key: value for key, value in ODD.items() if key != "="}
    with system.app.astdb() as astdb:
        astdb.write("callrec-test", odd)
        assert astdb.tree("callrec-test") == odd
        astdb.delete("callrec-test", [*odd, "nothing"])
        assert astdb.tree("callrec-test") == {}
        with pytest.raises(AmiRefused, match=r"did not take 1 entries .*callrec-test/= is one of them"):
            astdb.write("callrec-test", ODD)
        astdb.delete("callrec-test", odd)
    assert not system.app.pbx.channels()


def test_200_sessions_of_ami_leave_nothing_behind(system: SystemUnderTest) -> None:
    def left() -> tuple[int, int]:
        gc.collect()  # what tests before have opened closes at some moment or other
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = left()
    for _ in range(200):
        with Ami(system.app.settings.pbx) as ami:
            assert ami.has_context("callrec-store")
    assert all(after <= there for after, there in zip(left(), before, strict=True))
