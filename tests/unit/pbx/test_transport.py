"""The way to Asterisk's REST interface."""

from __future__ import annotations

import fcntl
import itertools
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest
import websocket

from callrec.errors import PbxUnreachable
from callrec.pbx.transport import IDLE_SECONDS, AriRefused, AriTransport, Websocket
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
    """Answers on kept-alive connections, and knows which there were.

    Connections are numbered: two to different ports may come from the same one.
    """

    protocol_version = "HTTP/1.1"
    opened: ClassVar[Iterator[int]] = itertools.count()
    seen: ClassVar[list[int]] = []

    def setup(self) -> None:
        super().setup()
        self.number = next(self.opened)

    def do_GET(self) -> None:
        self.seen.append(self.number)
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
        transport._connection(url).close()
    assert len(_Counting.seen) == 3 and len(set(_Counting.seen)) == connections


class _Parting(_Counting):
    """Ends each connection after one answer, without a word in the answer."""

    def do_GET(self) -> None:
        super().do_GET()
        self.close_connection = True


def test_a_connection_that_was_ended_is_made_anew() -> None:
    """Asterisk ends those that were idle: the request that comes then must not be lost."""
    _Parting.seen = []
    with serving(_Parting) as url:
        transport = AriTransport("callrec", "secret", 2.0)
        for _ in range(3):
            transport.request("GET", url)
            assert select.select([transport._local.connection.sock], [], [], 2)[0], "its end is here"
        transport._connection(url).close()
    assert len(set(_Parting.seen)) == 3


@pytest.mark.parametrize("trusted", [True, False])
def test_an_encrypted_pbx_is_one_that_is_known(tmp_path: Path, trusted: bool) -> None:
    certificate = tmp_path / "pbx.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pbx"]
    names = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(certificate),
        "-out",
        f"{tmp_path}/c.pem",
    ]
    subprocess.run([*made, *names], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "c.pem").read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    _Counting.seen = []
    with serving(_Counting, context) as url:
        transport = AriTransport("callrec", "secret", 2.0, certificate if trusted else None)
        with nullcontext() if trusted else pytest.raises(PbxUnreachable, match="not trusted"):
            for _ in range(2):
                transport.request("GET", url)
        transport._connection(url).close()
    assert len(_Counting.seen) == 2 * trusted and len(set(_Counting.seen)) == trusted, "one, kept alive"


class _Refusing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        status, body = self.path.partition("?")[0].split("/")[-1].split("-")
        said = {"json": b'{"message": "M\xfcller is busy"}', "text": b"<html>", "list": b"[]"}[body]
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("409-json", "the PBX refused POST /409-json: 409 M\ufffdller is busy"),
        ("500-text", "500 Internal Server Error"),
        ("404-list", "404 Not Found"),
        ("302-text", "302 Found"),
    ],
)
def test_a_refusal_is_told_in_asterisks_words(path: str, says: str) -> None:
    """What is asked may hold a number of somebody: it is not repeated."""
    with serving(_Refusing) as url, pytest.raises(AriRefused) as refused:
        AriTransport("callrec", "secret", 2.0).request("POST", f"{url}/ari/{path}", {"value": "0312345678"})
    assert says in str(refused.value) and "0312345678" not in str(refused.value)


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_is_told_what_to_check(status: int) -> None:
    with serving(_Refusing) as url, pytest.raises(PbxUnreachable, match=r"check pbx\.ari_user"):
        AriTransport("callrec", "secret", 2.0).request("POST", f"{url}/ari/{status}-json")


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


def test_a_connection_to_elsewhere_is_another() -> None:
    _Counting.seen = []
    with serving(_Counting) as url, serving(_Counting) as other:
        transport = AriTransport("callrec", "secret", 2.0)
        for address in (url, other, url):
            transport.request("GET", address)
        transport._connection(url).close()
    assert len(set(_Counting.seen)) == 3


def test_as_many_descriptors_as_there_may_be() -> None:
    """select() knows none above 1023, which a container may well have."""
    with serving(_Counting) as url:
        transport = AriTransport("callrec", "secret", 2.0)
        transport.request("GET", url)
        connection = transport._local.connection
        high = fcntl.fcntl(connection.sock.fileno(), fcntl.F_DUPFD, 1024)
        connection.sock.close()
        connection.sock = socket.socket(fileno=high)
        connection.sock.settimeout(2.0)  # the descriptor does not block: a reader has to wait for it
        transport.request("GET", url)
        connection.close()


class _Unmeasured(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


def test_a_file_of_which_nobody_says_how_long_it_is() -> None:
    with serving(_Unmeasured) as url:
        transport = AriTransport("callrec", "secret", 2.0)
        for ask in (transport.size, transport.stream):
            with pytest.raises(PbxUnreachable):
                ask(url)
