"""What a proxy does to the bytes that go through it: nothing, or one of the ways in which networks and
servers fail. A mood is used once."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_REQUEST = re.compile(rb"(GET|PUT|POST|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")


class Cut(Exception):
    """The connection is to end now."""


@dataclass(eq=False)
class Link:
    """One connection, with what a mood keeps about it."""

    client: socket.socket
    answered: int = 0
    swallows: int = 0
    """How many bytes of a request, which is answered already, are still to come."""


@dataclass
class Mood:
    """Passes everything on. `over` is set when the mood ends; `loses`: connections cannot go on after it."""

    over: threading.Event = field(default_factory=threading.Event)
    loses = False

    def opened(self) -> None:
        """Called before a connection to the part is made. Raises Cut where none is."""

    def asked(self, link: Link, data: bytes) -> Iterator[bytes]:
        """Yields what the part gets of what callrec has sent."""
        yield data

    def answered(self, link: Link, data: bytes) -> Iterator[bytes]:
        """Yields what callrec gets of what the part has sent."""
        yield data


@dataclass
class Refuses(Mood):
    """Nobody is there."""

    def opened(self) -> None:
        raise Cut


@dataclass
class Hangs(Mood):
    """It takes what is sent, and never answers."""

    loses = True

    def asked(self, link: Link, data: bytes) -> Iterator[bytes]:
        yield from ()

    answered = asked


@dataclass
class Slow(Mood):
    """Each piece comes late, and so many bytes a second at most."""

    delay: float = 0.2
    rate: float = 100_000.0

    def answered(self, link: Link, data: bytes) -> Iterator[bytes]:
        self.over.wait(self.delay)
        for begin in range(0, len(data), 4096):
            piece = data[begin : begin + 4096]
            self.over.wait(len(piece) / self.rate)
            yield piece

    asked = answered


@dataclass
class Stutters(Mood):
    """Every fifth packet is lost and sent again, which takes ever longer where that is lost too."""

    chance: random.Random = field(default_factory=lambda: random.Random(5))

    def answered(self, link: Link, data: bytes) -> Iterator[bytes]:
        pause = 0.2
        while self.chance.random() < 0.2:
            self.over.wait(pause)
            pause *= 2
        yield data

    asked = answered


@dataclass
class Drips(Mood):
    """A byte every half second: no time limit of a single step ever ends it."""

    def answered(self, link: Link, data: bytes) -> Iterator[bytes]:
        for place in range(len(data)):
            if self.over.wait(0.5):
                yield data[place:]
                return
            yield data[place : place + 1]


@dataclass
class _Cuts(Mood):
    """Lets so many bytes of a connection through, one way, and ends it."""

    after: int = 6000

    def _begin(self, link: Link, data: bytes) -> Iterator[bytes]:
        room = self.after - link.answered
        link.answered += len(data)
        yield data[: max(room, 0)]
        if len(data) > room:
            raise Cut


class CutsAnswers(_Cuts):
    """The connection ends after so many bytes of answers, again and again."""

    answered = _Cuts._begin


class CutsRequests(_Cuts):
    """The connection ends within a body that is sent, again and again: after so many bytes of it."""

    asked = _Cuts._begin


@dataclass
class Garbles(Mood):
    """It sends what makes no sense in place of each answer, and ends."""

    text: bytes = b"\r\n\0\xff%%% no such protocol {[\r\n\r\n"

    def answered(self, link: Link, data: bytes) -> Iterator[bytes]:
        yield self.text
        raise Cut


@dataclass
class HttpAnswers(Mood):
    """It answers some requests of HTTP itself, and the part never gets them.

    `choose` says to which, by method and path; `every`: to every so-manyth of these; `at_most`: to so many.
    """

    status: str = "503 Service Unavailable"
    body: bytes = b""
    every: int = 1
    at_most: int = -1
    choose: Callable[[bytes, bytes], bool] = lambda method, path: True
    headers: bytes = b""
    seen: int = 0

    def asked(self, link: Link, data: bytes) -> Iterator[bytes]:
        # who is answered before its body was taken sends the next request right behind it
        swallowed = min(link.swallows, len(data))
        link.swallows, data = link.swallows - swallowed, data[swallowed:]
        found = _REQUEST.match(data)
        if found and self.choose(found[1], found[2]) and self.seen != self.at_most * self.every:
            self.seen += 1
            if self.seen % self.every == 0:
                self._answer(link, data, found[1], found[2])
                data = b""
        if data:
            yield data

    def _answer(self, link: Link, data: bytes, method: bytes, path: bytes) -> None:
        length = _LENGTH.search(data)
        head, _, begun = data.partition(b"\r\n\r\n")
        link.swallows = int(length[1]) - len(begun) if length else 0
        self.instead(method, path)
        if b"100-continue" in head.lower():
            link.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = b"Content-Length: %d\r\n" % len(self.body)
        link.client.sendall(
            b"HTTP/1.1 " + self.status.encode() + b"\r\n" + self.headers + size + b"\r\n" + self.body
        )

    def instead(self, method: bytes, path: bytes) -> None:
        """Called with each request that the part never gets."""


@dataclass
class Tears(HttpAnswers):
    """Stores ten bytes less than was sent, once, and then says that it failed."""

    status: str = "500 Internal Server Error"
    at_most: int = 1
    choose: Callable[[bytes, bytes], bool] = lambda method, path: method == b"PUT" and b".flac" in path
    store: Callable[[str, bytes], None] = lambda key, body: None

    def instead(self, method: bytes, path: bytes) -> None:
        self.store(path.decode().partition("?")[0], b"fLaC torn")
