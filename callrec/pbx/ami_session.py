"""One connection to Asterisk's Manager Interface, by pyst2 without its threads (decision 21).

pyst2 writes an action to a socket and takes the answer from a queue, which three threads of its own fill. A
PBX that hangs holds them for ever, and one header (ChanVariable) kills them. Here one object stands in the
place of both, and whoever asks reads the answer off the connection: there is nothing that could be left over
but one descriptor, which is closed.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from asterisk.manager import EOL, Event, Manager, ManagerException, ManagerMsg, ManagerSocketException

T = TypeVar("T")
CHUNK = 1 << 16
LONGEST = 1 << 20
"""How many bytes a message may have: one that has more is none of Asterisk's."""
END = (2 * EOL).encode()
LOGOFF_SECONDS = 1.0
"""How long a session waits to be told goodbye."""


class Message(ManagerMsg):  # type: ignore[misc]
    """A message of AMI. pyst2's own dies on a ChanVariable, and stops at a line that is no header.

    Of two headers of one name the first counts: what is inside a value cannot replace what came before it.
    """

    def parse(self, response: list[str]) -> None:
        for line in response:
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon:
                self.data += line
            elif name.startswith("ChanVariable"):
                variable, _, is_ = value.partition("=")
                self.headers.setdefault("ChanVariable", {})[variable] = is_
            else:
                self.headers.setdefault(name, value)


class _Wire:
    """A connection, as pyst2 wants its socket and its queue of answers to be.

    Every method raises ManagerSocketException when the time is up that `until` says, when the connection is
    lost, and when what comes is not AMI.
    """

    def __init__(self, host: str, port: int, until: float) -> None:
        self.until, self.asked = until, ""
        self._read = bytearray()
        try:
            self._socket = socket.create_connection((host, port), self._left())
        except OSError as error:
            raise ManagerSocketException(error.errno, error.strerror) from error

    def greeting(self) -> str:
        """Returns the line with which every AMI begins."""
        line = self._up_to(EOL.encode())
        if "/" not in line or ":" in line:
            raise ManagerSocketException(0, "this is not AMI")
        return line

    def write(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def flush(self) -> None:
        """Does nothing: all was sent."""

    def get(self) -> Message:
        """Returns the answer to what was asked last; whatever else comes is passed over."""
        while True:
            message = self.next_message()
            if message.has_header("Response") and message.get_header("ActionID", self.asked) == self.asked:
                return message

    def next_message(self) -> Message:
        return Message(self._up_to(END).split(EOL))

    def close(self) -> None:
        with suppress(OSError):  # the PBX may have ended it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _up_to(self, end: bytes) -> str:
        """Returns what comes before `end`, and reads past it. What is not UTF-8 is replaced."""
        looked = 0
        while (at := self._read.find(end, looked)) < 0:
            looked = max(len(self._read) - len(end) + 1, 0)
            self._receive()
        text = self._read[:at].decode("utf-8", "replace")
        del self._read[: at + len(end)]
        return text

    def _receive(self) -> None:
        if len(self._read) > LONGEST:
            raise ManagerSocketException(0, "a message has no end")
        try:
            self._socket.settimeout(self._left())
            data = self._socket.recv(CHUNK)
        except OSError as error:
            raise ManagerSocketException(error.errno, error.strerror) from error
        if not data:
            raise ManagerSocketException(0, "the connection has ended")
        self._read += data

    def _left(self) -> float:
        """Returns how many seconds are left: of the whole, however much comes meanwhile."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long as a whole")
        return left


class AmiSession(Manager):  # type: ignore[misc]
    """A session of AMI, for one thread at a time. To be ended.

    Every method raises ManagerException when it takes longer than so many seconds, when the connection is
    lost, and when what comes is not AMI; after that it is good for nothing but its end.
    """

    def __init__(self, host: str, port: int, seconds: float) -> None:
        super().__init__()
        self.is_clean = False
        self._wire = _Wire(host, port, time.monotonic() + seconds)
        self._sock = self._response_queue = self._wire
        self._connected.set()
        try:
            self.title = self._wire.greeting()
        except BaseException:
            self._wire.close()
            raise

    def __del__(self) -> None:
        """Does nothing: pyst2 would log off here, from whatever thread collects garbage."""

    def send_action(self, cdict: dict[str, Any], **fields: Any) -> Message:
        """Does as pyst2's, with a number that nobody can guess: nothing else passes for the answer."""
        self._wire.asked = secrets.token_hex(8)
        answer: Message = super().send_action({**cdict, **fields, "ActionID": self._wire.asked})
        return answer

    def log_in(self, user: str, password: str, seconds: float) -> None:
        """Raises ManagerAuthException where the PBX does not accept them."""
        self._exchange(lambda: self.login(user, password), seconds)

    def ask(self, action: str, fields: dict[str, str], seconds: float) -> Message:
        """Returns the answer to an action."""
        return self._exchange(lambda: self.send_action({"Action": action, **fields}), seconds)

    def rest_of_list(self, complete: str, seconds: float) -> list[Event]:
        """Returns the events of the action asked last, up to the one of this name that ends them."""
        return self._exchange(lambda: self._events_up_to(complete), seconds)

    def answers(self, seconds: float) -> bool:
        """Returns whether the PBX still answers here."""
        try:
            self._exchange(self.ping, seconds)
        except ManagerException:
            return False
        return True

    def end(self) -> None:
        """Logs off, where the PBX answers, and closes the connection for certain."""
        try:
            if self.is_clean:  # logging off is a courtesy
                with suppress(ManagerException):
                    self._exchange(self.logoff, LOGOFF_SECONDS)
        finally:
            self.is_clean = False
            self._wire.close()

    def _exchange(self, step: Callable[[], T], seconds: float) -> T:
        """Does one exchange. The session is clean again once it has come to its end."""
        self.is_clean, self._wire.until = False, time.monotonic() + seconds
        try:
            done = step()
        except OSError as error:  # the time is up
            raise ManagerSocketException(error.errno, str(error)) from error
        self.is_clean = True
        return done

    def _events_up_to(self, complete: str) -> list[Event]:
        found: list[Event] = []
        while not found or found[-1].name != complete:
            message = self._wire.next_message()
            if message.has_header("Event") and message.get_header("ActionID") == self._wire.asked:
                found.append(Event(message))
        return found
