"""A port that speaks AMI as a test wants it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
Fields = dict[str, str]


def response(asked: Fields, said: str = "Success", **fields: str) -> bytes:
    return message(Response=said, ActionID=asked["ActionID"], **fields)


def message(**fields: str) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


@dataclass
class AmiPort:
    """What an AMI says: `answer` is given each action but Login, Ping and Logoff, which it takes."""

    answer: Callable[[Fields], bytes] = response
    greeting: bytes = GREETING
    port: int = 0
    opened: int = 0
    asked: list[Fields] = field(default_factory=list)
    links: list[socket.socket] = field(default_factory=list)

    def serve(self, link: socket.socket) -> None:
        with link, suppress(OSError), link.makefile("rb") as lines:
            link.sendall(self.greeting)
            while asked := _read(lines):
                self.asked.append(asked)
                quiet = asked["Action"] in ("Login", "Ping", "Logoff")
                link.sendall(response(asked) if quiet else self.answer(asked))

    def hang_up(self) -> None:
        """Ends every session, as a PBX that is restarted does."""
        for link in self.links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


@contextmanager
def ami_port(answer: Callable[[Fields], bytes] = response, greeting: bytes = GREETING) -> Iterator[AmiPort]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = AmiPort(answer, greeting, server.getsockname()[1])
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    link = server.accept()[0]
                    made.opened += 1
                    made.links.append(link)
                    threads.append(threading.Thread(target=made.serve, args=(link,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield made
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            made.hang_up()
            for thread in threads:
                thread.join()


def _read(lines: Iterator[bytes]) -> Fields:
    """Returns the next action; nothing at the end."""
    fields: Fields = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.decode().partition(":"))
        if not colon:
            return fields
        fields[name] = value
    return {}
