"""The way to Asterisk's REST interface."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
import websocket

from callrec.errors import PbxUnreachable
from callrec.pbx.transport import IDLE_SECONDS, AriTransport, Websocket
from tests.unit.http_server import serving


def test_no_proxy_stands_between_us_and_the_pbx(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the machine has for the internet would know nothing of the PBX."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as pbx:
        pbx.settimeout(5)

        def answer() -> None:
            for _ in range(2):
                link, _ = pbx.accept()
                with link:
                    asked.append(link.recv(4096).split()[1].decode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"127.0.0.1:{pbx.getsockname()[1]}/ari"
        transport = AriTransport("callrec", "secret", 2.0)
        with pytest.raises(PbxUnreachable):
            transport.request("GET", f"http://{address}/asterisk/info")
        with pytest.raises(PbxUnreachable):
            transport.ws_connect(f"ws://{address}/events")
        thread.join(5)
    assert asked == ["/ari/asterisk/info", "/ari/events?subscribeAll=true"]


class _Counting(BaseHTTPRequestHandler):
    """Answers on kept-alive connections, and knows which there were."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self.seen.append(self.client_address[1])
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.parametrize(
    ("idle", "links", "connections"), [(IDLE_SECONDS, 0, 1), (IDLE_SECONDS + 1, 0, 2), (0, 1, 2)]
)
def test_a_connection_whose_end_may_be_under_way_is_not_used_again(
    idle: float, links: int, connections: int
) -> None:
    """Asterisk ends one that is idle, and one of a network that was parted may be dead."""
    _Counting.seen, passed = [], [0.0]
    with serving(_Counting) as url:
        transport = AriTransport("callrec", "secret", 2.0, seconds=lambda: passed[0])
        transport.request("GET", url)
        passed[0] += idle
        for _ in range(links):
            transport.renew()
        for _ in range(2):
            transport.request("GET", url)
        transport._session().close()
    assert len(_Counting.seen) == 3 and len(set(_Counting.seen)) == connections


@pytest.mark.parametrize("said", [-2147483000, 0, 4, 10])
def test_a_file_is_read_to_the_end_of_the_connection(said: int) -> None:
    """Of one above 2 GiB Asterisk miscounts the length, and sends all of it."""
    with socket.create_server(("127.0.0.1", 0)) as pbx:
        pbx.settimeout(5)

        def answer() -> None:
            link, _ = pbx.accept()
            with link:
                assert b"connection: close" in link.recv(4096).lower()
                link.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n0123456789".encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{pbx.getsockname()[1]}/ari/recordings/stored/x/file"
        length, chunks = AriTransport("callrec", "secret", 2.0).stream(url)
        assert (length, b"".join(chunks)) == (said, b"0123456789")
        thread.join(5)


CUT = '{"name": "山"}'.encode()[:-3] + b'"}'


@pytest.mark.parametrize("bad", [b'{"name": "M\xfcller"}', CUT, b"", b"no event", b'{"type": "Di'])
def test_one_bad_frame_does_not_end_the_link(bad: bytes) -> None:
    """A name in another encoding, one that is cut inside a sign, and what is no event at all."""
    pbx, ours = socket.socketpair()
    link = Websocket(websocket.WebSocket(skip_utf8_validation=True))
    link._socket.sock = ours
    good = b'{"type": "Dial"}'
    with pbx, ours:
        for frame in (bad, good):
            pbx.sendall(bytes([0x81, len(frame)]) + frame)
        told = link.recv()
        while told and told.encode() != good:
            told = link.recv()
    assert told


def test_a_name_that_is_not_utf8_stays_an_event() -> None:
    pbx, ours = socket.socketpair()
    link = Websocket(websocket.WebSocket(skip_utf8_validation=True))
    link._socket.sock = ours
    frame = b'{"type": "Dial", "name": "M\xfcller"}'
    with pbx, ours:
        pbx.sendall(bytes([0x81, len(frame)]) + frame)
        assert link.recv() == '{"type": "Dial", "name": "M\ufffdller"}'
