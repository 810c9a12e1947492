"""One UDP socket for all SIP of the phones, and what is sent again until it is answered."""

from __future__ import annotations

import heapq
import itertools
import socket
import time
from collections.abc import Callable
from contextlib import suppress

FIRST_SECONDS, LONGEST_SECONDS, LIMIT_SECONDS = 0.5, 4.0, 32.0
"""After how long a message is sent again, at first and at most, and until when (RFC 3261: T1, T2, 64 T1)."""
BUFFER = 1 << 22

Key = tuple[str, str]
"""What waits for an answer: the call id, and the sequence with its method."""


class Wire:
    """Sends to one PBX on 127.0.0.1, and does things later. Has no thread: `due` and `read` are called."""

    def __init__(self, pbx_port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", pbx_port))
        self.socket.setblocking(False)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.pbx = f"127.0.0.1:{pbx_port}"
        self._waiting: dict[Key, bytes] = {}
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def send(self, data: bytes) -> None:
        # The PBX may be gone, or its queue full; what matters is sent again.
        with suppress(OSError):
            self.socket.send(data)

    def send_until(self, key: Key, data: bytes) -> None:
        """Sends a message again and again until `settle` is called with its key."""
        self._waiting[key] = data
        self._again(key, data, FIRST_SECONDS, time.monotonic() + LIMIT_SECONDS)

    def settle(self, key: Key) -> None:
        self._waiting.pop(key, None)

    def read(self) -> bytes:
        """Returns the next datagram, or nothing."""
        with suppress(OSError):
            return self.socket.recv(65536)
        return b""

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), action))

    def wait(self) -> float:
        """Returns the seconds until something has to be done; a second at most."""
        return min(1.0, self._later[0][0] - time.monotonic()) if self._later else 1.0

    def due(self) -> None:
        """Does the first thing that is due, if any is."""
        if self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()

    def _again(self, key: Key, data: bytes, seconds: float, end: float) -> None:
        if self._waiting.get(key) is not data:
            return
        self.send(data)
        if time.monotonic() < end:
            longer = min(2 * seconds, LONGEST_SECONDS)
            self.later(seconds, lambda: self._again(key, data, longer, end))
