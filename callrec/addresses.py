"""Reads and checks addresses, of mail and of machines, and shows those of servers without their secrets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from callrec.texts import narrow

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAIL = re.compile(rf"(?=[^@]{{1,64}}@)(?=.{{3,254}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?"
)


def is_address(text: str) -> bool:
    """Returns whether this is one bare mail address, such as help@city.example, that is safe in a header and
    that mail servers of every kind take."""
    return bool(_MAIL.fullmatch(text))


def read_address(text: str) -> str | None:
    """Returns the address that a text is, with narrow signs and its domain in small letters; None where it is
    none or has a name around it: of what is no bare address nothing is taken."""
    found = narrow(text)
    if not is_address(found):
        return None
    name, _, domain = found.rpartition("@")
    return f"{name}@{domain.lower()}"


def is_host(text: str) -> bool:
    """Returns whether this names one machine: by name, or by an IP address without brackets."""
    if ":" not in text:
        return bool(_NAME.fullmatch(text))
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_here(host: str) -> bool:
    """Returns whether a host is this machine for sure: what is said to it crosses no network."""
    name = host.lower().rstrip(".")
    if not name or name.startswith("/") or name == "localhost" or name.endswith(".localhost"):
        return True  # a path is a Unix socket
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def without_secrets(url: str) -> str:
    """Returns as much of a URL as nobody need hide: no password, no options, and of a web address no path.

    Tokens stand in paths. A URL that falls apart at the wrong place, because of a sign in its password that
    was not escaped, is not shown at all.
    """
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        return f"{scheme}://{rest.partition('?')[0]}"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return "…"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if url.count("@") > 1 or ("@" in url and "@" not in parts.netloc):
        return "…"
    if scheme.startswith("postgres"):
        user = f"{unquote(parts.username)}@" if parts.username else ""
        return f"postgresql://{user}{host}{port}{parts.path}"
    return f"{scheme}://{host}{port}"
