"""Finds the connections over which passwords and calls go unencrypted to another machine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from callrec.addresses import is_here, without_secrets
from callrec.settings import Settings

_ENCRYPTED = {"require", "verify-ca", "verify-full"}


def plain_links(settings: Settings) -> list[str]:
    """Returns the settings of such connections, each with what it reaches; none where they are intended
    (`network.allow_plain_text`)."""
    return [] if settings.network.allow_plain_text else sorted(_links(settings))


def _links(settings: Settings) -> Iterator[str]:
    urls = {
        "pbx.ari_url": settings.pbx.ari_url,
        "archive.endpoint_url": settings.archive.endpoint_url or "",
        "help.webhook_url": settings.help.webhook_url,
        "health.webhook_url": settings.health.webhook_url,
        "health.heartbeat_url": settings.health.heartbeat_url,
    }
    for key, url in urls.items():
        if url.lower().startswith("http:") and not is_here(urlsplit(url).hostname or ""):
            yield f"{key} ({without_secrets(url)})"
    if not is_here(settings.pbx.ami_host):
        yield f"pbx.ami_host ({settings.pbx.ami_host})"
    if settings.help.smtp_security == "none" and not is_here(settings.help.smtp_host):
        yield f"help.smtp_host ({settings.help.smtp_host})"
    if _is_plain_database(settings.catalogue.url):
        yield f"catalogue.url ({without_secrets(settings.catalogue.url)})"


def _is_plain_database(url: str) -> bool:
    """Returns whether a database is on another machine, and may be spoken to without TLS."""
    if not url.startswith("postgres"):
        return False
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    named = [parts.hostname or "", *options.get("host", ()), *options.get("hostaddr", ())]
    hosts = [host for each in named for host in each.split(",")]
    hosts = [host.partition(":")[0] if host.count(":") == 1 else host for host in hosts]  # with its port
    return options.get("sslmode", [""])[-1] not in _ENCRYPTED and not all(is_here(host) for host in hosts)
