"""Clocks: the kernel's word on ours is taken as it is, and what a server tells of its own is read."""

from __future__ import annotations

import ctypes
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from callrec import clocks
from callrec.clocks import KernelClock, kernel_clock, time_at
from callrec.errors import Unreachable
from tests.unit.http_server import serving

SECONDS = 5.0
SYNCHRONISED, UNSYNCHRONISED = 0, 5


class _Server(BaseHTTPRequestHandler):
    """Tells the time that its path says, percent signs for blanks; for `/nothing` none, for `/slow` not until
    it is `awaited`."""

    awaited = threading.Event()

    def do_HEAD(self) -> None:
        self.send_response_only(418)
        if self.path == "/slow":
            self.awaited.wait(10)
        elif self.path != "/nothing":
            self.send_header("Date", self.path[1:].replace("%20", " "))
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(_Server) as address:
        yield address


def test_the_time_of_a_server_whatever_it_answers(server: str) -> None:
    at = time_at(f"{server}/Sun, 22 Nov 2026 01:00:00 GMT", SECONDS, None)
    assert at == datetime(2026, 11, 22, 1, tzinfo=UTC)


def test_a_time_of_no_zone_is_that_of_the_world(server: str) -> None:
    """As RFC 5322 has it; without any, no manifest could be made."""
    at = time_at(f"{server}/Sun, 22 Nov 2026 01:00:00 -0000", SECONDS, None)
    assert at == datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.mark.parametrize("said", ["nothing", "gestern", "Sun, 99 Nov 2026 01:00:00 GMT"])
def test_one_that_does_not_tell_its_time(server: str, said: str) -> None:
    with pytest.raises(Unreachable, match="does not tell its time"):
        time_at(f"{server}/{said}", SECONDS, None)


def test_one_that_is_slow(server: str) -> None:
    with pytest.raises(Unreachable, match="does not tell its time"):
        time_at(f"{server}/slow", 0.2, None)
    _Server.awaited.set()


def test_one_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(Unreachable) as said:
        time_at("http://callrec:geheim@127.0.0.1:9/ari", SECONDS, None)
    assert "connection refused" in str(said.value) and "geheim" not in str(said.value)


class _Kernel:
    """What adjtimex answers; `error_us` is its estimate."""

    def __init__(self, state: int, error_us: int) -> None:
        self._state, self._error_us = state, error_us

    def adjtimex(self, given: Any) -> int:
        found = ctypes.cast(given, ctypes.POINTER(clocks._Timex)).contents
        assert found.modes == 0, "it is asked, and sets nothing"
        found.esterror = self._error_us
        return self._state


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (SYNCHRONISED, KernelClock(True, 0.0021)),
        (1, KernelClock(True, 0.0021)),  # a leap second is to come
        (UNSYNCHRONISED, KernelClock(False, None)),
        (-1, None),
    ],
)
def test_what_the_kernel_says(state: int, found: KernelClock | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: _Kernel(state, 2100))
    assert kernel_clock() == found


@pytest.mark.parametrize("missing", [OSError, AttributeError])
def test_no_such_kernel(missing: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> None:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", none)
    assert kernel_clock() is None


def test_the_kernel_of_this_machine() -> None:
    """As another program asks it."""
    script = (
        "import ctypes; t = ctypes.create_string_buffer(2048); "
        "print(ctypes.CDLL(None).adjtimex(t), int.from_bytes(t.raw[32:40], 'little'))"
    )
    said = subprocess.run(["python3", "-c", script], capture_output=True, text=True, check=True).stdout
    state, error_us = map(int, said.split())
    found = kernel_clock()
    assert found and found.synchronised == (state != UNSYNCHRONISED)
    if found.synchronised:
        assert found.estimated_error_s == pytest.approx(error_us / 1e6, abs=0.1)
