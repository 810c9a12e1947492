"""Stands between callrec and another part, on a port of its own, and does to the bytes what its mood says."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from tests.faults.moods import Cut, Link, Mood

CHUNK = 1 << 16
Connect = Callable[[], socket.socket]


class Proxy:
    """A port of 127.0.0.1 behind which another part is reached. A context manager."""

    def __init__(self, connect: Connect, host: str = "127.0.0.1") -> None:
        self._connect, self._mood = connect, Mood()
        self._server = socket.create_server((host, 0))
        self._lock, self._links = threading.Lock(), set[Pair]()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Ends every connection there is, as a network does that is unplugged and plugged in again."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.reset()

    @contextmanager
    def in_mood(self, mood: Mood, *, cut: bool = False) -> Iterator[None]:
        """Behaves so for a while. `cut`: to connections that are there already by ending them."""
        self._mood = mood
        if cut:
            self.cut()
        try:
            yield
        finally:
            self._mood = Mood()
            mood.over.set()
            if mood.loses:
                self.cut()  # of what it has swallowed, the rest makes no sense

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        link = Pair(client, lambda: self._mood)
        with self._lock:
            self._links.add(link)
        try:
            link.run(self._connect)
        finally:
            with self._lock:
                self._links.discard(link)


class Pair:
    """One connection through the proxy: its two ends, and two threads."""

    def __init__(self, client: socket.socket, mood: Callable[[], Mood]) -> None:
        self._client, self._mood = client, mood
        self._server: socket.socket | None = None
        self._link = Link(client)

    def run(self, connect: Connect) -> None:
        """Passes on both ways until either side ends."""
        try:
            self._mood().opened()
            self._server = connect()
        except (Cut, OSError):
            return self.reset()
        answers = threading.Thread(target=self._pass_on, args=(self._server, self._client, "answered"))
        answers.daemon = True
        answers.start()
        self._pass_on(self._client, self._server, "asked")
        answers.join()
        self._client.close()
        return self._server.close()

    def reset(self) -> None:
        """Ends both sides at once, without a goodbye."""
        for side in (self._client, self._server):
            if side:
                with suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RDWR)
                with suppress(OSError):
                    side.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, way: str) -> None:
        try:
            while data := source.recv(CHUNK):
                for piece in getattr(self._mood(), way)(self._link, data):
                    target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except (Cut, OSError):
            self.reset()


def to_port(port: int) -> Connect:
    return lambda: socket.create_connection(("127.0.0.1", port), 5)


def to_socket(path: str) -> Connect:
    """To a Unix socket, as PostgreSQL has one."""

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.connect(path)
        return made

    return connect
