"""The demo as a person runs it: one call told from end to end, and nothing left running."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile
from matplotlib import image

from callrec import account
from callrec.commands.show_picture import SIDES
from callrec.demo.processes import Child
from callrec.demo.softphones import Switchboard
from tests.example_lines import OTHERS, RECORDING, REQUEST, RUN_BY_THE_DEMO, story, words
from tests.integration.desk_office import answers
from tests.integration.system import callrec, eventually, talk_for
from tests.listen import hears


@contextmanager
def _demo(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running demo; whatever happens to the test, it is ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "callrec", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    ) as demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.kill()


def _gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_the_demo_tells_its_call_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its example in the help says; and what stands in the help of others is done with it."""
    target, output = tmp_path / "demo.json", tmp_path / "demo"
    ((_, line),) = story("demo")
    with _demo(tmp_path, *words(line, {})) as demo:
        assert demo.stdout is not None
        told = []
        for line in demo.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        shown = "".join(told)
        for step in ("search --on today --extension 2101", "show", "fetch", "verify"):
            assert f"$ callrec {step}" in shown, shown
        endpoints = json.loads(target.read_text())
        accounts = {account["username"] for account in endpoints["sip"]["accounts"]}
        assert accounts == {"2101", "2102", "2201", "outside"}
        _check_files(output)
        _only_on_loopback(endpoints)
        _desk_is_open_and_nothing_else(endpoints)
        monkeypatch.chdir(tmp_path)
        _Examples(endpoints, monkeypatch).run()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    eventually(lambda: _gone(list(endpoints["pids"].values())), 10, "the end of what the demo started")
    assert not Path(endpoints["config"]).exists()
    assert not Path(endpoints["desk"]["socket"]).parent.exists()


def test_a_demo_that_is_killed_takes_its_parts_with_it(tmp_path: Path) -> None:
    target = tmp_path / "demo.json"
    with _demo(tmp_path, "demo", "--json", str(target), "-o", str(tmp_path)) as demo:
        eventually(target.exists, 40, "the demo's parts")
        pids = list(json.loads(target.read_text())["pids"].values())
        demo.kill()
    eventually(lambda: _gone(pids), 10, "their end")


class _Examples:
    """The examples of commands that need a PBX and a bucket, and nothing else that happens there."""

    def __init__(self, endpoints: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
        self._demo, self._patch = endpoints, patch
        patch.setenv("CALLREC_CONFIG", endpoints["config"])
        for name, value in {"AUDIODRIVER": "disk", "DISKAUDIOFILE": "played", "DISKAUDIODELAY": "0"}.items():
            patch.setenv(f"SDL_{name}", value)
        (found,) = json.loads(callrec("search", "today", "--json").stdout)
        self._names = {RECORDING: found["id"][:13]}

    def run(self) -> None:
        for path in RUN_BY_THE_DEMO:
            for command, line in story(path):
                self._patch.setattr(account, "acting", partial(OTHERS.get, command, "sato"))
                self._run(command, words(line, self._names))

    def _run(self, command: str, given: list[str]) -> None:
        if command == "desk":
            self._serve(given)
        elif "--to" in given:
            self._ring(given)
        else:
            self._do(command, given)

    def _do(self, command: str, given: list[str]) -> None:
        done = callrec(*given, **(self._keys_to_destroy() if command == "purge" else {}))
        assert done.returncode == 0, f"{given}: {done.stdout}{done.stderr}"
        if command == "request open":  # each command has a request of its own
            self._names[REQUEST] = re.findall(r"\d{4}-\d{4}", done.stdout)[0]

    def _keys_to_destroy(self) -> dict[str, str]:
        """The variables that callrec purge alone is given."""
        lines = Path(self._demo["config"]).with_name("purge.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _ring(self, given: list[str]) -> None:
        sip = self._demo["sip"]
        (password,) = (each["password"] for each in sip["accounts"] if each["username"] == given[-1])
        with Switchboard(sip["host"], sip["port"]) as switchboard:
            phone = switchboard.phone(given[-1], password)
            assert callrec(*given).returncode == 0
            talk = phone.pick_up()
            talk_for([talk], 1.0)
            talk.hangup()

    def _serve(self, given: list[str]) -> None:
        socket_ = Path("desk.sock").absolute()
        self._patch.setenv("CALLREC_DESK__SOCKET", str(socket_))
        desk = Child("callrec desk", [sys.executable, "-m", "callrec", *given], Path("desk.log"))
        try:
            desk.wait_until(lambda: answers(socket_), 30, "the start of the desk")
        finally:
            desk.stop()


def _check_files(output: Path) -> None:
    (audio,) = output.glob("*.flac")
    sound, rate = soundfile.read(audio, dtype="int16")
    assert abs(len(sound) / rate - 6) < 1
    picture = (image.imread(audio.with_suffix(".png"))[:, :, :3] * 255).round().astype(int)
    for colour in SIDES.values():
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (picture == wanted).all(axis=2).sum() > 1000, "what is heard on a side is drawn"
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
