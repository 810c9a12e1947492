"""The demo as a person runs it: one call told from end to end, and nothing left running."""

from __future__ import annotations

import json
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import soundfile

from tests.integration.system import callrec, eventually
from tests.listen import hears


@contextmanager
def _demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running demo; whatever happens to the test, it is ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "callrec", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.kill()


def _gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_the_demo_tells_its_call_and_leaves_nothing_running(tmp_path: Path) -> None:
    target, output = tmp_path / "demo.json", tmp_path / "out"
    with _demo("--stay", "--json", str(target), "-o", str(output)) as demo:
        assert demo.stdout is not None
        told = []
        for line in demo.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        story = "".join(told)
        for step in ("search --on today --extension 2101", "show", "fetch", "verify"):
            assert f"$ callrec {step}" in story, story
        endpoints = json.loads(target.read_text())
        accounts = {account["username"] for account in endpoints["sip"]["accounts"]}
        assert accounts == {"2101", "2102", "2201", "outside"}
        assert callrec("--config", endpoints["config"], "doctor").returncode == 0
        _check_files(output)
        _only_on_loopback(endpoints)
        _desk_is_open_and_nothing_else(endpoints)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    eventually(lambda: _gone(list(endpoints["pids"].values())), 10, "the end of what the demo started")
    assert not Path(endpoints["config"]).exists()
    assert not Path(endpoints["desk"]["socket"]).parent.exists()


def test_a_demo_that_is_killed_takes_its_parts_with_it(tmp_path: Path) -> None:
    target = tmp_path / "demo.json"
    with _demo("--json", str(target), "-o", str(tmp_path)) as demo:
        eventually(target.exists, 40, "the demo's parts")
        pids = list(json.loads(target.read_text())["pids"].values())
        demo.kill()
    eventually(lambda: _gone(pids), 10, "their end")


def _check_files(output: Path) -> None:
    (audio,) = output.glob("*.flac")
    sound, rate = soundfile.read(audio, dtype="int16")
    assert abs(len(sound) / rate - 6) < 1
    picture = audio.with_suffix(".png").read_bytes()
    assert picture[:4] == b"\x89PNG" and struct.unpack(">II", picture[16:24]) == (1200, 400)
    assert audio.with_name(audio.stem + ".manifest.json").exists()
    assert not hears(sound[:, 0], rate, 1000.0)


def _desk_is_open_and_nothing_else(demo: dict[str, Any]) -> None:
    """Who has no role is refused by the desk itself; other accounts reach it, but no file of the demo."""
    path = Path(demo["desk"]["socket"])
    assert callrec("--desk", str(path), "facility", "list").returncode == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 and stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    config = Path(demo["config"])
    assert (
        stat.S_IMODE(config.stat().st_mode) == 0o600 and stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    )


def _only_on_loopback(demo: dict[str, Any]) -> None:
    """What can be connected to is on 127.0.0.1: every TCP port, the PBX's SIP port and its RTP ports.

    (PJSIP also keeps two UDP sockets for answers of name servers, which it does not let one bind.)
    """
    for pid in demo["pids"].values():
        for each in psutil.Process(pid).net_connections(kind="inet"):
            serves = each.status == psutil.CONN_LISTEN or each.laddr.port == demo["sip"]["port"]
            rtp = each.type == socket.SOCK_DGRAM and 20000 <= each.laddr.port < 30000
            assert not (serves or rtp) or each.laddr.ip == "127.0.0.1", each
