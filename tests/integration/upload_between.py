"""Stands between callrec and the S3 server, and meddles with what is uploaded."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class UploadBetween:
    """A connection in between. What is put under a key with `part` in it is cut in the middle of its body, so
    many `times`, or hangs there until the block ends, for `times` 0. All else passes.

    `reached` is set once an upload was cut, or hangs.
    """

    def __init__(self, port: int, part: str, times: int = 0) -> None:
        self._port, self._part, self._left, self._hangs = port, part.encode(), times, not times
        self.reached, self._ended = threading.Event(), threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> UploadBetween:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for each in self._open:
            _end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        meant = False
        with suppress(OSError):
            while asked := client.recv(1 << 12):
                first = asked.partition(b"\r\n")[0]
                if first.startswith(b"PUT "):
                    meant = self._part in first
                elif meant and not first.endswith(b"HTTP/1.1") and (self._hangs or self._left > 0):
                    self._meddle(client, server, asked)
                server.sendall(asked)

    def _meddle(self, client: socket.socket, server: socket.socket, asked: bytes) -> None:
        """Lets half of a piece of a body through, and no more."""
        server.sendall(asked[: len(asked) // 2])
        self._left -= 1
        self.reached.set()
        if self._hangs:
            self._ended.wait()
        for each in (client, server):
            _end(each)


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while answer := server.recv(1 << 16):
            client.sendall(answer)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
