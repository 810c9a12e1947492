"""Stands between callrec and the S3 server, and meddles with what is uploaded."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from tests.integration.between import Between, end


class UploadBetween(Between):
    """A connection in between. What is put under a key with `part` in it is cut in the middle of its body, so
    many `times`, or hangs there until the block ends, for `times` 0. All else passes.

    `reached` is set once an upload was cut, or hangs.
    """

    def __init__(self, port: int, part: str, times: int = 0) -> None:
        super().__init__(port)
        self._part, self._left, self._hangs = part.encode(), times, not times
        self.reached, self._ended = threading.Event(), threading.Event()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        super().__exit__(kind, error, trace)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        meant = False
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
            end(each)
