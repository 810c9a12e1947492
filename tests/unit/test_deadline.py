"""A server that sends a byte before each timeout: every client gives it up when its whole time is over."""

from __future__ import annotations

import socket
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from callrec import web
from callrec.alerts.mail import Mail
from callrec.alerts.webhook import Webhook
from callrec.archive.s3 import S3Store
from callrec.deadline import LEAST_RATE, connected, current, within
from callrec.errors import AlertNotSent, CallrecError, PbxUnreachable, StoreUnreachable
from callrec.pbx.transport import AriTransport
from callrec.policy.office import Office
from callrec.settings import ArchiveSettings, HelpSettings
from tests.dripping import dripping
from tests.unit.samples import alert

DEADLINE = 0.05
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
ZONE = ZoneInfo("Asia/Tokyo")


def _webhook(port: int, scheme: str = "http") -> None:
    settings = HelpSettings(webhook_url=f"{scheme}://127.0.0.1:{port}/", webhook_secret="s")
    Webhook(settings, Office, seconds=DEADLINE).send(alert(), "")


def _mail(port: int, security: str = "none") -> None:
    settings = HelpSettings(
        smtp_host="127.0.0.1", smtp_port=port, mail_from="a@b.example", smtp_security=security
    )
    Mail(settings, Office, ZONE, seconds=DEADLINE).send(alert(), "c@d.example")


def _store(port: int) -> S3Store:
    settings = ArchiveSettings(endpoint_url=f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    return S3Store(settings, seconds=DEADLINE)


def _store_by_proxy(port: int, scheme: str) -> S3Store:
    url, proxy = f"{scheme}://s3.example", f"http://127.0.0.1:{port}"
    settings = ArchiveSettings(endpoint_url=url, proxy=proxy, access_key="a", secret_key="b")
    return S3Store(settings, seconds=DEADLINE)


def _ari(port: int) -> None:
    AriTransport("callrec", "secret", DEADLINE).request("GET", f"http://127.0.0.1:{port}/ari/asterisk/info")


def _ari_file(port: int) -> None:
    _, chunks = AriTransport("callrec", "secret", DEADLINE).stream(f"http://127.0.0.1:{port}/ari/file")
    b"".join(chunks)


def _ari_events(port: int) -> None:
    AriTransport("callrec", "secret", DEADLINE).ws_connect(f"ws://127.0.0.1:{port}/ari/events")


@pytest.mark.parametrize(
    ("ask", "opening", "error"),
    [
        (_webhook, b"", AlertNotSent),
        (_webhook, b"HTTP/1.1 200 OK\r\nX: ", AlertNotSent),
        (lambda port: _webhook(port, "https"), b"\x16\x03\x03\x40\x00", AlertNotSent),
        (_mail, b"", AlertNotSent),
        (_mail, b"220 here\r\n250-", AlertNotSent),
        (lambda port: _mail(port, "ssl"), b"\x16\x03\x03\x40\x00", AlertNotSent),
        (_ari, b"", PbxUnreachable),
        (_ari, BODY, PbxUnreachable),
        (_ari_file, BODY, PbxUnreachable),
        (_ari_events, b"HTTP/1.1 101 ", PbxUnreachable),
        (lambda port: _store(port).check(), b"", StoreUnreachable),
        (lambda port: _store_by_proxy(port, "http").check(), b"", StoreUnreachable),
        (lambda port: _store_by_proxy(port, "https").check(), b"HTTP/1.1 2", StoreUnreachable),
        (lambda port: b"".join(_store(port).read("x")), BODY, StoreUnreachable),
    ],
)
def test_a_server_that_drips_is_given_up(
    ask: Callable[[int], object], opening: bytes, error: type[CallrecError]
) -> None:
    with dripping(opening) as port, pytest.raises(error, match="no answer in time"):
        ask(port)


def test_what_moves_has_the_time_it_needs() -> None:
    """An exchange that moves its bytes is given the time that so many may take."""
    ours, theirs = socket.socketpair()
    with ours, theirs, within(60) as exchange:
        before = exchange.left()
        exchange.moved(LEAST_RATE * 100)
        assert exchange.left() > before + 90


def test_a_thread_without_an_exchange_has_the_timeouts_of_its_sockets() -> None:
    with dripping(b"abc") as port, connected("127.0.0.1", port, 5) as made:
        assert made.recv(1) == b"a" and current() is None and made.gettimeout() == 5


def test_a_session_heeds_no_environment() -> None:
    session = web.session()
    assert not session.trust_env and session.verify is True and not session.proxies
