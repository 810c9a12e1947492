"""Speaks to systemd in its two simple protocols: how a service is (sd_notify), and lines for the journal.

Both are datagrams to a Unix socket; without systemd nothing is sent. Source: sd_notify(3), and "Native
Journal Protocol" in systemd's documentation.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

JOURNAL = Path("/run/systemd/journal/socket")
MOST_BYTES = 100_000
"""What a datagram may hold on any kernel; a longer value is cut."""
SECONDS = 1.0
"""How long a journal that does not read is waited for."""


def notify(*states: str) -> None:
    """Tells the supervisor how this service is: `READY=1`, `WATCHDOG=1`, `STOPPING=1`, `STATUS=…`.

    Does nothing where nobody asked for it, or the supervisor has gone: a service must not end for that.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), _datagrams() as sender:
        sender.sendto("\n".join(states).encode(), _address(address))


def watchdog_seconds() -> float | None:
    """Returns within how many seconds the supervisor wants to hear of this process; None: it does not."""
    wanted, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or pid not in ("", str(os.getpid())):
        return None
    return int(wanted) / 1e6


def is_journal(stream: IO[str]) -> bool:
    """Returns whether what is written to a stream goes to the journal, as systemd says (JOURNAL_STREAM)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Journal:
    """The journal of this machine. Raises TimeoutError where it does not take a line within a second, OSError
    where it is not there."""

    def __init__(self, path: Path = JOURNAL, seconds: float = SECONDS) -> None:
        self._path = path
        self._sender = _datagrams()
        self._sender.settimeout(seconds)

    def send(self, fields: Mapping[str, str]) -> None:
        """Sends one entry. Names of fields are capitals, digits and `_`."""
        self._sender.sendto(b"".join(_field(name, text) for name, text in fields.items()), str(self._path))

    def close(self) -> None:
        self._sender.close()


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)


def _address(text: str) -> str:
    """Returns an address as the kernel has it: `@` stands for the zero byte of the abstract namespace."""
    return "\0" + text[1:] if text.startswith("@") else text


def _field(name: str, text: str) -> bytes:
    """Returns a field in the form in which its value may have line breaks."""
    value = text.encode("utf-8", "replace")[: MOST_BYTES // 4]
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
