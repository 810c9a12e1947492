"""Makes sessions of HTTP that heed our settings alone, and keep to the deadlines of callrec.deadline.

What the environment says of proxies, certificates and passwords (HTTPS_PROXY, REQUESTS_CA_BUNDLE, ~/.netrc)
is another program's: it would send somebody's password to a server of ours.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from callrec import deadline


class InTime:
    """What a connection of urllib3 adds to keep to the exchange of its thread; the base before its own."""

    ssl_context: Any = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if isinstance(self, HTTPSConnection):
            deadline.in_time(self._context())

    def _context(self) -> Any:
        self.ssl_context = self.ssl_context or create_urllib3_context()
        return self.ssl_context

    def _new_conn(self) -> socket.socket:
        if exchange := deadline.current():
            exchange.left()
        return deadline.timed(super()._new_conn())  # type: ignore[misc]


class _Http(InTime, HTTPConnection):
    pass


class _Https(InTime, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


def session(ca_file: Path | None = None, proxy: str = "") -> requests.Session:
    """Returns a session. `ca_file` has the authorities that are believed, in place of the public ones."""
    made = requests.Session()
    made.trust_env = False
    made.verify = str(ca_file) if ca_file else True
    made.proxies = proxies(proxy)
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


@contextmanager
def posted(
    url: str, body: bytes, headers: dict[str, str], seconds: float, ca_file: Path | None, proxy: str = ""
) -> Iterator[requests.Response]:
    """Gives the answer to what is posted, of which no more is waited for than is read, all of it within so
    many seconds. No redirection is followed. Raises RequestException, OSError."""
    with (
        deadline.within(seconds),
        session(ca_file, proxy) as made,
        made.post(
            url, data=body, headers=headers, timeout=seconds, allow_redirects=False, stream=True
        ) as response,
    ):
        yield response


@contextmanager
def asked(url: str, seconds: float, ca_file: Path | None, proxy: str = "") -> Iterator[requests.Response]:
    """Gives the answer of a URL, as `posted` does. Raises RequestException, OSError."""
    with (
        deadline.within(seconds),
        session(ca_file, proxy) as made,
        made.get(url, timeout=seconds, allow_redirects=False, stream=True) as response,
    ):
        yield response


def proxies(proxy: str) -> dict[str, str]:
    """Returns by which proxy the servers of each scheme are reached; empty where there is none."""
    return {"http": proxy, "https": proxy} if proxy else {}
