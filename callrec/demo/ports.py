"""Ports of 127.0.0.1 that stay free between being chosen and being listened on.

A server is told its port and listens on it some time later. Two things could take the port meanwhile: the
kernel, which gives any port of its own range to a connection that goes out, and another process that chooses
ports as well. So a port is chosen outside that range, and the process that has chosen it keeps it, until it
ends, by a name that the kernel gives to one process only.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack

from callrec.errors import DemoFailed

FIRST, LAST = 10_000, 19_999
"""Below the ports of Asterisk's sound (20000-29999) and those of connections that go out (from 32768)."""
_TRIES = 1_000
_kept: dict[int, int] = {}
"""The descriptor of each port's name. It is closed by the end of the process, and by nothing before."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, *, higher: int = 0) -> int:
    """Returns a port of 127.0.0.1 that nobody listens on or has chosen, and keeps it for this process.

    The port that is `higher` by so many is free and kept as well. Raises DemoFailed where none is left.
    """
    for _ in range(_TRIES):
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        if _keep_all({port, port + higher}, kind):
            return port
    raise DemoFailed("no port of 127.0.0.1 is free between {first} and {last}", first=FIRST, last=LAST)


def keep(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Returns whether `port` was free, and then keeps it for this process."""
    return _keep_all({port}, kind)


def _keep_all(ports: set[int], kind: socket.SocketKind) -> bool:
    """Keeps all of `ports`, or none of them."""
    held: list[tuple[int, socket.socket]] = []
    with ExitStack() as names:
        for port in ports:
            name = names.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            if not _named(name, port) or not _is_free(port, kind):
                return False
            held.append((port, name))
        _kept.update({port: name.detach() for port, name in held})
    return True


def _named(name: socket.socket, port: int) -> bool:
    """Returns whether `name` was given the port's name, which is no file; not where another has it."""
    try:
        name.bind(f"\0callrec-demo-port-{port}")
    except OSError:
        return False
    return True


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    """Returns whether `port` of 127.0.0.1 can be bound now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
