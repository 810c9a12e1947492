"""Checks that no certificate ends soon, of the servers that callrec reaches by TLS."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _
from callrec.settings import Settings

SOON = timedelta(days=14)
SECONDS = 3.0
"""How long a server may be silent."""
Server = tuple[str, int, bool]
"""Host and port; True where TLS begins by STARTTLS of SMTP."""


def _certificates(checkup: Checkup) -> str:
    """Checks how long each certificate holds that this machine trusts. Of others their own checks tell."""
    found = []
    for server in _servers(checkup.app.settings):
        host, port, _starttls = server
        if (end := _end_of(server, checkup.app.ca_file)) is None:
            continue
        if end - checkup.app.now < SOON:
            raise CheckFailed(
                "the certificate of {host}:{port} ends on {day}: renew it",
                host=host,
                port=port,
                day=end.date(),
            )
        found.append(_("{host} until {day}").format(host=f"{host}:{port}", day=end.date()))
    return ", ".join(found) or _("none")


def _servers(settings: Settings) -> Iterator[Server]:
    """Yields the servers that the settings have callrec reach by TLS."""
    for url in (settings.pbx.ari_url, settings.archive.endpoint_url, settings.help.webhook_url):
        parts = urlsplit(url or "")
        if parts.scheme == "https" and parts.hostname:
            yield parts.hostname, parts.port or 443, False
    help_ = settings.help
    if help_.smtp_host and help_.smtp_security != "none":
        yield help_.smtp_host, help_.smtp_port, help_.smtp_security == "starttls"


def _end_of(server: Server, ca_file: Path | None) -> datetime | None:
    """Returns when a server's certificate ends; None where it does not answer, or is not trusted."""
    host, port, starttls = server
    try:
        context = ssl.create_default_context(cafile=ca_file)
        told = _by_starttls(host, port, context) if starttls else _at_once(host, port, context)
    except (OSError, smtplib.SMTPException):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)


def _at_once(host: str, port: int, context: ssl.SSLContext) -> Any:
    with (
        socket.create_connection((host, port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.getpeercert()


def _by_starttls(host: str, port: int, context: ssl.SSLContext) -> Any:
    with smtplib.SMTP(host, port, timeout=SECONDS) as server:
        server.starttls(context=context)
        assert isinstance(server.sock, ssl.SSLSocket)
        return server.sock.getpeercert()


CHECKS: tuple[Check, ...] = (("certificates", _certificates),)
