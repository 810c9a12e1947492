"""What systemd is told: by real sockets, as it listens on them."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callrec.systemd import MOST_BYTES, Journal, is_journal, notify, watchdog_seconds


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        made.settimeout(10)
        yield made


def test_a_supervisor_is_told_how_the_service_is(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
    notify("READY=1", "STATUS=all is well")
    assert listening.recv(1000) == b"READY=1\nSTATUS=all is well"


def test_an_abstract_address_is_meant_by_an_at_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"callrec-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("\0" + name)
        made.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notify("WATCHDOG=1")
        assert made.recv(1000) == b"WATCHDOG=1"


def test_without_a_supervisor_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")


@pytest.mark.parametrize(
    ("wanted", "pid", "seconds"),
    [("30000000", "", 30.0), ("30000000", "1", None), ("", "", None), ("soon", "", None)],
)
def test_the_watchdog_is_that_of_this_process(
    wanted: str, pid: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", wanted)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_seconds() == seconds
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_seconds() == (30.0 if wanted.isdecimal() else None)


def test_the_journal_is_known_by_what_systemd_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert is_journal(stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + 1}")
        assert not is_journal(stream)
    assert not is_journal(io.StringIO())


def test_a_value_may_have_line_breaks_and_a_huge_one_is_cut(listening: socket.socket, tmp_path: Path) -> None:
    with closing(Journal(Path(listening.getsockname()))) as journal:
        journal.send({"MESSAGE": "one\ntwo", "CALLREC_X": "x" * 10 * MOST_BYTES})
    found = listening.recv(2 * MOST_BYTES)
    assert found.startswith(b"MESSAGE\n\x07\x00\x00\x00\x00\x00\x00\x00one\ntwo\nCALLREC_X\n")
    assert len(found) < MOST_BYTES
