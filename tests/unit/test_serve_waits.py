"""A controller that starts before its PBX: it waits where it is to, and says that it does."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from callrec.app import App
from callrec.errors import PbxUnreachable
from callrec.pbx.ari import Ari
from callrec.serve import Service


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return listening


def _away(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Has the PBX not answer so many times; returns a list of the questions."""
    asked: list[int] = []

    def version(_: Ari) -> str:
        asked.append(len(asked))
        if len(asked) <= times:
            raise PbxUnreachable("the PBX sleeps")
        return "22"

    monkeypatch.setattr(Ari, "version", version)
    monkeypatch.setattr("callrec.serve.WAIT_SECONDS", 0.0)
    return asked


def test_a_pbx_that_does_not_answer_yet_is_waited_for(
    app: App, supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _away(monkeypatch, times=2)
    with supervisor:
        Service(app)._meet_pbx(wait=True)
        told = [supervisor.recv(1000).decode() for _ in range(3)]
    assert len(asked) == 3
    assert told == 2 * ["READY=1\nWATCHDOG=1\nSTATUS=waits for the PBX: the PBX sleeps"] + ["STATUS="]


def test_it_is_not_waited_for_unless_that_is_asked(
    app: App, supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _away(monkeypatch, times=2)
    with supervisor, pytest.raises(PbxUnreachable):
        Service(app)._meet_pbx(wait=False)
    assert len(asked) == 1


def test_of_a_pbx_that_answers_nothing_is_said(
    app: App, supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    _away(monkeypatch, times=0)
    with supervisor:
        Service(app)._meet_pbx(wait=True)
        with pytest.raises(BlockingIOError):
            supervisor.recv(1000)
