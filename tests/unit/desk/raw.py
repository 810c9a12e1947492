"""Operations of a test's own, and bytes sent to the desk as they are."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callrec import account
from callrec.app import App
from callrec.catalogue import grants
from callrec.desk.operation import OPERATIONS, Operation
from callrec.model.access import Role

ME = account.name_of(os.getuid())


@dataclass(frozen=True)
class Sized:
    """What is said of a file."""

    size: int
    sha256: str


def give_roles(app: App, *roles: Role) -> None:
    """Gives roles to the account of this process."""
    with app.database.begin() as connection:
        for role in roles:
            grants.grant(connection, ME, role, (), by="test", at=app.now)


def offered(patch: pytest.MonkeyPatch, function: Callable[..., Any], *roles: Role) -> Operation[..., Any]:
    """Makes a function an operation, for one test; for all roles unless some are named."""
    made = Operation(function.__name__, f"test {function.__name__}", roles or tuple(Role), function)
    patch.setitem(OPERATIONS, made.name, made)
    return made


def connected(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(path))
    return made


def question(name: str, body: bytes = b"{}", *headers: str, length: int | None = None) -> bytes:
    """What is sent to ask something."""
    lines = [f"POST /v1/{name} HTTP/1.1", "Host: desk", "Connection: close", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(path: Path, sent: bytes) -> tuple[int, str]:
    """The status and the text of what is answered to some bytes."""
    with connected(path) as made:
        made.sendall(sent)
        return received(made)


def received(made: socket.socket) -> tuple[int, str]:
    """The status and the text of what arrives until the other end closes; 0 where it only closes."""
    with made.makefile("rb") as stream:
        whole = stream.read()
    head, _, body = whole.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body.decode()


def told(text: str) -> dict[str, Any]:
    """The error in an answer, which is one line."""
    (line,) = text.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict) and "error" in found
    return found
