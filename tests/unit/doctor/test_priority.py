"""Whether Asterisk goes before what else its machine does, as far as that is seen from here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callrec.app import App
from callrec.doctor.priority import judge, servers
from callrec.errors import CheckFailed
from callrec.settings import PbxSettings
from tests.unit.doctor.look import check, with_settings


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ({os.SCHED_RR}, "real-time"),
        ({os.SCHED_RR, os.SCHED_FIFO}, "real-time"),
        ({os.SCHED_RR, os.SCHED_OTHER}, "some Asterisks of this machine are real-time and some are not"),
        (set(), "no process of it is seen from here"),
    ],
)
def test_what_policies_mean(policies: set[int], words: str) -> None:
    assert judge(policies) == words


@pytest.mark.parametrize("policy", [os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE])
def test_one_that_waits_for_others(policy: int) -> None:
    with pytest.raises(CheckFailed, match="start it with -p"):
        judge({policy})


def _process(processes: Path, pid: int, name: str, *words: str) -> None:
    folder = processes / str(pid)
    folder.mkdir()
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cmdline").write_text("".join(f"{word}\0" for word in words))


def test_servers_are_told_from_consoles(tmp_path: Path) -> None:
    _process(tmp_path, 10, "asterisk", "/usr/sbin/asterisk", "-g", "-f", "-p", "-U", "asterisk")
    _process(tmp_path, 11, "asterisk", "/usr/sbin/asterisk", "-rx", "core show channels")
    _process(tmp_path, 12, "asterisk", "asterisk", "-vvvr")
    _process(tmp_path, 13, "asterisk", "asterisk", "-R")
    _process(tmp_path, 14, "astcanary", "astcanary", "/run/asterisk/alt", "10")
    _process(tmp_path, 15, "asterisk", "asterisk", "-f", "-C", "/srv/r/asterisk.conf")
    (tmp_path / "16").mkdir()  # one that has just ended
    (tmp_path / "self").mkdir()
    assert sorted(servers(tmp_path)) == [10, 15]


def test_a_pbx_on_another_machine_is_not_judged(app: App) -> None:
    away = with_settings(app, pbx=PbxSettings(ari_url="https://pbx.example:8089/ari"))
    result = check(away, "PBX: priority")
    away.close()
    assert result.ok and result.found == "the PBX is on another machine"
