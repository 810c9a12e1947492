"""Limits how long an exchange with a server may take as a whole: connecting, TLS, asking, and the answer.

A timeout alone is no limit: it begins anew with each byte, so that a server that sends one now and then holds
a thread for ever. In `with within(5):` every wait of a socket that was made here is cut to what is left of
the five seconds, and each byte that moves adds a little: a large file takes its time, one that does not move
does not. Looking up a name is left to the system, which has limits of its own.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

LEAST_RATE = 8000
"""Bytes a second that a server must move, once its first seconds are over."""
_here = threading.local()


class within:  # noqa: N801 (it reads as the statement it begins)
    """One exchange of this thread with a server. A context manager; the inner one of two holds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> within:
        self._until = time.monotonic() + self._seconds
        self._outer, _here.exchange = current(), self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.exchange = self._outer

    def left(self) -> float:
        """Returns how many seconds are left. Raises TimeoutError when none are."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long as a whole")
        return left

    def moved(self, count: int) -> None:
        """Gives the exchange the time that so many bytes may take."""
        self._until += count / LEAST_RATE


def current() -> within | None:
    """Returns the exchange that this thread is in."""
    return getattr(_here, "exchange", None)


class _InTime:
    """What a socket adds to its ways to wait."""

    def recv(self, *args: Any) -> bytes:
        return _limited(self, super().recv, *args)  # type: ignore[misc, no-any-return]

    def recv_into(self, *args: Any) -> int:
        return _limited(self, super().recv_into, *args)  # type: ignore[misc, no-any-return]

    def send(self, *args: Any) -> int:
        return _limited(self, super().send, *args)  # type: ignore[misc, no-any-return]


class _Socket(_InTime, socket.socket):
    """A socket that keeps to the exchange of its thread."""

    def sendall(self, data: Any, *args: Any) -> None:
        _limited(self, super().sendall, data, *args)
        if exchange := current():
            exchange.moved(len(data))


class _TlsSocket(_InTime, ssl.SSLSocket):
    """The same with TLS, whose beginning is a part of the exchange too. Its `sendall` sends by `send`."""

    def do_handshake(self, block: bool = False) -> None:
        _limited(self, super().do_handshake, block)


def timed(plain: socket.socket) -> socket.socket:
    """Returns a socket that keeps to the exchanges of its threads, in place of `plain`, which is used up."""
    limit = plain.gettimeout()
    made = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
    made.settimeout(limit)
    return made


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """Returns a connection. Raises OSError."""
    exchange = current()
    return timed(
        socket.create_connection((host, port), min(seconds, exchange.left() if exchange else seconds))
    )


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Returns a context whose sockets keep to the exchanges of their threads; certificates must be right.

    `ca_file` has the authorities that are believed, else the system has. Raises OSError where it cannot be
    read.
    """
    return in_time(ssl.create_default_context(cafile=ca_file))


def in_time(context: ssl.SSLContext) -> ssl.SSLContext:
    """Makes the sockets of a context keep to the exchanges of their threads; returns it."""
    context.sslsocket_class = _TlsSocket
    return context


def _limited(waits: Any, act: Callable[..., Any], *args: Any) -> Any:
    """Does what can wait, for as long as the socket itself and the exchange allow."""
    exchange, own = current(), waits.gettimeout()
    if exchange is None or own == 0:
        return act(*args)
    left = exchange.left()
    waits.settimeout(left if own is None else min(own, left))
    try:
        done = act(*args)
    finally:
        waits.settimeout(own)
    if done is not None:
        exchange.moved(done if isinstance(done, int) else len(done))
    return done
