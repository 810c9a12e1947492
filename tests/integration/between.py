"""Stands between callrec and another part: what passes on a connection is for who stands there to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Between:
    """A port in place of that of a part, while the block lasts. Passes everything on, but what is overridden
    in `_ask` and `_answer`, each on a thread of its own for each connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._open:
            end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                for work, ends in ((self._ask, (client, server)), (self._answer, (server, client))):
                    threading.Thread(target=_quietly, args=(work, *ends), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        """Passes on what is asked, until that ends."""
        pass_on(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        """Passes on what is answered, until that ends."""
        pass_on(server, client)


def pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(1 << 16):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)  # the end of an answer may be all that says how long it is


def end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def _quietly(
    work: Callable[[socket.socket, socket.socket], None], one: socket.socket, other: socket.socket
) -> None:
    with suppress(OSError):  # one of both has ended
        work(one, other)
