"""Stands between callrec and the S3 server, and meddles with what is to be deleted."""

from __future__ import annotations

import socket
import threading

from tests.integration.between import Between

GONE = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
NOTHING = b'<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListVersionsResult>'
LISTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % len(NOTHING)
NOT_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
LISTS = {"hide": LISTED + NOTHING, "nowhere": NOT_THERE}
"""What is answered to who asks which versions there are."""


class S3Between(Between):
    """A connection in between. `before`: the deletion of that number never comes to the server; `after`: it
    does, and its answer never comes back; `lie`: each is said to be done, and none is; `hide`: nothing is
    said to be there to be deleted; `nowhere`: nor any place for it; `twice`: each comes to the server, which
    says there was none.

    `reached` is set once callrec waits for what will not come.
    """

    def __init__(self, port: int, way: str, number: int = 1) -> None:
        super().__init__(port)
        self._way, self._number, self._seen = way, number, 0
        self._silent = False
        self.reached = threading.Event()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        while asked := client.recv(1 << 16):
            first = asked.partition(b"\r\n")[0]
            if self._way in LISTS and first.startswith(b"GET ") and b"versions" in first:
                client.sendall(LISTS[self._way])
            elif not asked.startswith(b"DELETE ") or self._pass_on(client):
                server.sendall(asked)

    def _pass_on(self, client: socket.socket) -> bool:
        """Whether a deletion is told to the server."""
        if self._way == "lie":
            client.sendall(GONE)
            return False
        if self._way == "twice":
            return True
        self._seen += 1
        if self._seen < self._number:
            return True
        self._silent = True
        if self._way == "before":
            self.reached.set()
        return self._way == "after"

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        while answer := server.recv(1 << 16):
            if self._silent:
                self.reached.set()
            else:
                second = self._way == "twice" and answer.startswith(b"HTTP/1.1 204 ")
                client.sendall(NOT_THERE if second else answer)
