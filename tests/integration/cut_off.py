"""A way between two hosts that can be cut: nothing passes and nothing ends, and what was sent comes late."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Way:
    """A port in place of another one of this machine."""

    def __init__(self, port: int) -> None:
        self._to, self._is_open = port, threading.Event()
        self._is_open.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_open.clear()

    def heal(self) -> None:
        self._is_open.set()

    def close(self) -> None:
        self.heal()
        for each in (self._server, *self._links):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here = self._server.accept()[0]
                self._links.append(here)
                threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        self._is_open.wait()
        with suppress(OSError):
            there = socket.create_connection(("127.0.0.1", self._to))
            self._links.append(there)
            threading.Thread(target=self._pump, args=(there, here), daemon=True).start()
            self._pump(here, there)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._is_open.wait()
                target.sendall(data)
        self._is_open.wait()
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def ways(*ports: int) -> Iterator[list[Way]]:
    made = [Way(port) for port in ports]
    try:
        yield made
    finally:
        for each in made:
            each.close()
