"""The proxy of the faults does what its mood says, for as long as it has it, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.faults.moods import (
    CutsAnswers,
    CutsRequests,
    Drips,
    Garbles,
    Hangs,
    HttpAnswers,
    Link,
    Mood,
    Refuses,
    Slow,
    Tears,
)
from tests.faults.proxy import Proxy, to_port

BODY = b"x" * 20_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(BODY)

    def do_PUT(self) -> None:
        self._answer(str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made.server_port
    made.shutdown()
    made.server_close()


@pytest.fixture
def proxy(server: int) -> Iterator[Proxy]:
    with Proxy(to_port(server)) as made:
        yield made


def _get(proxy: Proxy, seconds: float = 10) -> bytes:
    with requests.get(f"http://127.0.0.1:{proxy.port}/a", timeout=seconds) as answer:
        answer.raise_for_status()
        return answer.content


def test_without_a_mood_all_passes(proxy: Proxy) -> None:
    assert _get(proxy) == BODY
    assert requests.put(f"http://127.0.0.1:{proxy.port}/a", data=BODY, timeout=10).text == "20000"


@pytest.mark.parametrize(
    "mood", [Refuses(), Hangs(), CutsAnswers(), CutsRequests(after=10), Garbles(), HttpAnswers(), Drips()]
)
def test_a_fault_begins_and_ends(proxy: Proxy, mood: Mood) -> None:
    seconds = 0.1 if isinstance(mood, Hangs | Drips) else 0.3  # these two are waited for to the end
    with proxy.in_mood(mood, cut=True), pytest.raises(requests.RequestException):
        _get(proxy, seconds)
    assert _get(proxy) == BODY


def test_a_slow_part_is_slow(proxy: Proxy) -> None:
    mood = Slow(delay=0.05, rate=1e6)
    waited: list[float] = []

    def wait(timeout: float | None = None) -> bool:
        waited.append(timeout or 0)
        return False

    mood.over.wait = wait  # type: ignore[method-assign]
    with proxy.in_mood(mood):
        assert _get(proxy) == BODY
    assert waited.count(0.05) >= 2, "each way"


def test_every_third_is_refused_and_its_body_swallowed(proxy: Proxy) -> None:
    with proxy.in_mood(HttpAnswers(every=3)), requests.Session() as session:
        url = f"http://127.0.0.1:{proxy.port}/a"
        told = [session.put(url, data=BODY, timeout=10).status_code for _ in range(6)]
    assert told == [200, 200, 503, 200, 200, 503]


@pytest.mark.parametrize("mood", [HttpAnswers(at_most=1), Tears()])
def test_a_request_right_behind_a_swallowed_body_gets_there(mood: HttpAnswers) -> None:
    """However the network cuts into pieces what is sent."""
    head = b"PUT /b/a.flac HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
    near, far = socket.socketpair()
    with near, far:
        link = Link(near)
        passed = [list(mood.asked(link, piece)) for piece in (head + b"012", b"34", b"56789" + head, b"0123")]
        assert far.recv(99).startswith(b"HTTP/1.1 50")
    assert passed == [[], [], [head], [b"0123"]]


def test_a_part_is_kept_once(proxy: Proxy) -> None:
    kept: list[str] = []
    tears = Tears(store=lambda path, body: kept.append(path))
    url = f"http://127.0.0.1:{proxy.port}/b/a.flac"
    with proxy.in_mood(tears):
        told = [requests.put(url, data=BODY, timeout=10).status_code for _ in range(2)]
    assert told == [500, 200] and kept == ["/b/a.flac"]


def test_what_is_connected_can_be_cut(proxy: Proxy) -> None:
    with requests.Session() as session:
        url = f"http://127.0.0.1:{proxy.port}/a"
        session.get(url, timeout=10)
        with proxy.in_mood(Refuses(), cut=True), pytest.raises(requests.RequestException):
            session.get(url, timeout=10)
