"""Listens on a Unix socket, so that nobody who says nothing, or says it slowly, keeps others waiting.

A thread is given to a connection only when something was said on it, and is taken back when what is asked
has not arrived within `ASK_SECONDS`; and nobody has more than `MOST_OF_ONE` connections. Cheroot by itself
gives a thread to every connection, for as long as a byte comes now and then.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from cheroot.server import HTTPConnection
from cheroot.wsgi import Server

from callrec.desk import wire
from callrec.desk.way import LONGEST_PATH
from callrec.errors import Refused, WrongConfiguration
from callrec.failures import why
from callrec.files import make_folder, open_to_all

log = structlog.get_logger()

THREADS = 120
"""More than one account can have connections, so that nobody who takes no answer keeps others out."""
WAITING = 200
"""Connections that the kernel keeps until they are accepted."""
MOST_HEADERS = 1 << 16
MOST_OF_ONE = 100
"""Connections that one account may have at once: a process may have a thousand files open."""
ASK_SECONDS = 10
"""How long a question may take to arrive."""
TAKE_SECONDS = 600
"""How long who asked may take nothing of the answer: a player that is paused takes none."""
SENT_AHEAD = 1 << 15
"""About as many bytes as the kernel keeps of an answer, which go out whatever becomes of it."""
END_SECONDS = 30
"""How long what is being answered may take when the desk is to end."""


class Listener(Server):
    """Serves a WSGI application on a socket whose file everybody may use. `prepare`, `serve`, `stop`."""

    ConnectionClass: type[HTTPConnection]

    def __init__(self, path: Path, application: Any) -> None:
        super().__init__(
            str(path),
            application,
            numthreads=THREADS,
            request_queue_size=WAITING,
            timeout=ASK_SECONDS,
            shutdown_timeout=END_SECONDS,
            peercreds_enabled=True,
        )
        self.max_request_body_size = wire.MOST_ASKED
        self.max_request_header_size = MOST_HEADERS
        self.ConnectionClass = _Connection
        self._open, self._changing = Counter[int](), Lock()

    def process_conn(self, conn: HTTPConnection) -> None:
        """Hands a connection to a thread. A new one waits for its first byte without, or is one too many."""
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self._open[conn.peer_uid] > MOST_OF_ONE:
            conn.close()
        else:
            self.put_conn(conn)

    def count(self, user: int, more: int) -> None:
        """Counts the connections of an account."""
        with self._changing:
            self._open[user] += more

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        log.warning("the desk's server", said=msg, exc_info=traceback)


class _Connection(HTTPConnection):
    """A connection of which each question has its time, and its account is counted."""

    def __init__(self, server: Listener, sock: socket.socket, *more: Any) -> None:
        own = _Socket(fileno=sock.detach())
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AHEAD)
        super().__init__(server, own, *more)
        self._user: int = self.peer_uid
        self._counted = True
        server.count(self._user, 1)

    def close(self) -> None:
        if self._counted:
            self._counted = False
            self.server.count(self._user, -1)
        super().close()

    def communicate(self) -> bool:
        self.socket.patience_ends = time.monotonic() + ASK_SECONDS
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _Socket(socket.socket):
    """A socket that is read until a moment only, and written with patience. Both raise TimeoutError."""

    patience_ends = 0.0

    def recv_into(self, *given: Any) -> int:
        self.settimeout(max(self.patience_ends - time.monotonic(), 0.001))  # with 0 it would not wait at all
        return super().recv_into(*given)

    def send(self, *given: Any) -> int:
        self.settimeout(TAKE_SECONDS)
        return super().send(*given)


class SocketFile:
    """The file of a socket, which one process at a time listens on: `take`, then `open`, then `remove`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> None:
        """Makes the place ready for this process, until it ends. Raises Refused where another desk has it,
        and WrongConfiguration where nobody can."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise WrongConfiguration(
                "desk.socket {path} is too long for a socket: at most {most} bytes",
                path=self._path,
                most=LONGEST_PATH,
            )
        try:
            make_folder(self._path.parent, 0o755)
            self._lock()
            taken = self._path.exists() and not self._path.is_socket()
        except OSError as error:
            raise self._unusable(error) from error
        if taken:
            raise WrongConfiguration("desk.socket {path} is no socket: name another place", path=self._path)
        if self._answers():
            raise self._in_use()

    def open(self) -> None:
        """Lets everybody connect: who asks is told by the kernel, what is allowed by roles."""
        open_to_all(self._path)

    def remove(self) -> None:
        """Gives the place free."""
        self._path.unlink(missing_ok=True)
        os.close(self._held)

    def _lock(self) -> None:
        """Takes the lock beside the socket. What a desk that was killed leaves there holds up nobody."""
        beside = self._path.with_name(self._path.name + ".lock")
        self._held = os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._held)
            raise self._in_use() from error

    def _answers(self) -> bool:
        """Returns whether something else than a desk listens there."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self._path)) == 0

    def _in_use(self) -> Refused:
        return Refused("another callrec desk listens at {path} already", path=self._path)

    def _unusable(self, error: OSError) -> WrongConfiguration:
        return WrongConfiguration(
            "desk.socket {path} cannot be used: {problem}", path=self._path, problem=why(error)
        )
