"""Knows until when the certificates hold of the servers that callrec reaches by TLS, before one ends."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from callrec.deadline import connected, tls_context, within
from callrec.errors import CheckFailed
from callrec.settings import Settings
from callrec.worker import Worker

SOON = timedelta(days=14)
SECONDS = 3.0
"""How long a server may be silent."""
WHOLE_SECONDS = 10.0
"""How long it may take to show its certificate, in all."""
LOOK_SECONDS = 6 * 3600.0
"""How often the servers are asked."""
Server = tuple[str, int, bool]
"""Host and port; True where TLS begins by STARTTLS of SMTP."""


def servers(settings: Settings) -> Iterator[Server]:
    """Yields the servers that the settings have callrec reach by TLS."""
    webhooks = settings.help.webhook_url, settings.health.webhook_url
    urls = [urlsplit(each or "") for each in (settings.pbx.ari_url, settings.archive.endpoint_url, *webhooks)]
    yield from dict.fromkeys(
        (each.hostname, each.port or 443, False) for each in urls if each.scheme == "https" and each.hostname
    )
    help_ = settings.help
    if help_.smtp_host and help_.smtp_security != "none":
        yield help_.smtp_host, help_.smtp_port, help_.smtp_security == "starttls"


def end_of(server: Server, ca_file: Path | None) -> datetime | None:
    """Returns when a server's certificate ends; None where it does not answer, or is not trusted."""
    host, port, starttls = server
    try:
        context = tls_context(ca_file)
        with within(WHOLE_SECONDS):
            told = _by_starttls(host, port, context) if starttls else _at_once(host, port, context)
    except (OSError, UnicodeError, smtplib.SMTPException):  # UnicodeError: no machine can have that name
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)


def require_long(server: Server, end: datetime, now: datetime) -> None:
    """Raises CheckFailed where a certificate ends soon."""
    if end - SOON < now:
        raise CheckFailed(
            "the certificate of {host}:{port} ends on {day}: renew it",
            host=server[0],
            port=server[1],
            day=end.date(),
        )


class CertificateWatch(Worker):
    """Asks the servers for their certificates, on a thread of its own: one of them may not answer."""

    def __init__(
        self, found: list[Server], ca_file: Callable[[], Path | None], now: Callable[[], datetime]
    ) -> None:
        self._servers, self._ca_file, self._now = found, ca_file, now
        self.ends: dict[Server, datetime] = {}
        """When each certificate ends; of servers that answered."""
        super().__init__(self.work, lambda: LOOK_SECONDS)

    def work(self) -> None:
        """Asks each server once. What keeps one from answering, those tell who need it."""
        for server in self._servers:
            self.pulse.beat()
            if (end := end_of(server, self._ca_file())) is not None:
                self.ends[server] = end

    def by_name(self) -> dict[str, datetime]:
        """Returns when each certificate ends, by the host and port of its server."""
        return {f"{host}:{port}": end for (host, port, _), end in list(self.ends.items())}

    def problems(self) -> list[CheckFailed]:
        """Returns which certificates end soon."""
        told = []
        for server, end in list(self.ends.items()):
            try:
                require_long(server, end, self._now())
            except CheckFailed as error:
                told.append(error)
        return told


def _at_once(host: str, port: int, context: ssl.SSLContext) -> Any:
    with (
        connected(host, port, SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.getpeercert()


class _Smtp(smtplib.SMTP):
    """SMTP that keeps to the deadline."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connected(host, port, timeout)


def _by_starttls(host: str, port: int, context: ssl.SSLContext) -> Any:
    with _Smtp(host, port, timeout=SECONDS) as server:
        server.starttls(context=context)
        assert isinstance(server.sock, ssl.SSLSocket)
        return server.sock.getpeercert()
