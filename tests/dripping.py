"""A server that sends a byte before each timeout, and never all of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DRIP_SECONDS = 0.02


@contextmanager
def dripping(opening: bytes = b"") -> Iterator[int]:
    """The port of a server that says `opening` at once, and then one byte after another, without an end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip(link: socket.socket) -> None:
            with link, suppress(OSError):
                link.sendall(opening)
                while not over.wait(DRIP_SECONDS):
                    link.sendall(b"2")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
