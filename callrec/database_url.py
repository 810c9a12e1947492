"""Checks the address of the database: what SQLAlchemy, SQLite and libpq would only stumble over later.

Two kinds are known: `sqlite:////path/catalogue.db`, and `postgresql://user:password@host/name` with options
of libpq after `?`. No sentence repeats the address, which may hold a password.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from callrec.addresses import is_host
from callrec.errors import WrongValue

_NUMBERS = {
    *("connect_timeout", "tcp_user_timeout", "keepalives", "keepalives_idle", "keepalives_interval"),
    "keepalives_count",
}
_CHOICES = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
    "gssencmode": {"disable", "prefer", "require"},
    "channel_binding": {"disable", "prefer", "require"},
    "load_balance_hosts": {"disable", "random"},
    "sslnegotiation": {"postgres", "direct"},
    "sslcertmode": {"disable", "allow", "require"},
    "ssl_min_protocol_version": {"TLSv1.2", "TLSv1.3"},
    "ssl_max_protocol_version": {"TLSv1.2", "TLSv1.3"},
}
_TEXTS = {
    *("host", "hostaddr", "port", "user", "options", "application_name"),
    *("passfile", "require_auth", "krbsrvname"),
    *("sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslcrldir"),
}
_DRIVERS = {"postgresql", "postgres", "postgresql+psycopg"}


def check_database_url(url: str) -> str:
    """Returns the address. Raises WrongValue."""
    scheme = url.partition(":")[0]
    if not url.isprintable():
        raise WrongValue("write it on one line, without control characters")
    if scheme in ("sqlite", "sqlite+pysqlite"):
        _check_sqlite(url)
    elif scheme in _DRIVERS:
        _check_postgresql(url)
    else:
        raise WrongValue(
            "this is no database URL: write sqlite:////path/catalogue.db or "
            "postgresql://user:password@host/name"
        )
    return url


def _check_sqlite(url: str) -> None:
    path, asked, _ = url.partition("://")[2].partition("?")
    if asked:
        raise WrongValue("the address of a SQLite database has no options: leave ? and what follows it out")
    if not path.startswith("//") or path.endswith("/"):
        raise WrongValue("write the path of a SQLite database from the root: sqlite:////path/catalogue.db")


def _check_postgresql(url: str) -> None:
    parts = urlsplit(url)
    if "#" in url or url.count("@") > 1 or ("@" in url and "@" not in parts.netloc):
        raise WrongValue("write @ : / ? # of a password as %40 %3A %2F %3F %23")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if port == 0 or (host and not is_host(host)) or re.search(r"%(?![0-9A-Fa-f]{2})", parts.netloc):
        raise WrongValue(
            "this is no database URL: write @ : / ? # % of a password as %40 %3A %2F %3F %23 %25"
        )
    if len(parts.path) < 2 or "/" in parts.path[1:]:
        raise WrongValue("name the database: postgresql://user:password@host/name")
    _check_options(parse_qsl(parts.query, keep_blank_values=True))


def _check_options(options: list[tuple[str, str]]) -> None:
    for name, value in options:
        if name in _NUMBERS:
            usable = bool(re.fullmatch(r"[0-9]{1,9}", value))
        elif name in _CHOICES:
            usable = value in _CHOICES[name]
        elif name in _TEXTS:
            usable = bool(value)
        else:
            raise WrongValue(
                "callrec knows no option {name} of PostgreSQL; user and password stand before @",
                name=repr(name),
            )
        if not usable:
            raise WrongValue("the option {name} cannot have this value", name=name)
    named = dict(options)
    if named.get("sslmode", "").startswith("verify") and "sslrootcert" not in named:
        raise WrongValue("sslmode={mode} needs sslrootcert, a file or system", mode=named["sslmode"])
