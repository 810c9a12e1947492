"""The client, with something else than a desk at the other end, or with a desk that goes in the middle."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from callrec.desk import wire
from callrec.desk.client import RemoteDesk
from callrec.desk.download import Download
from callrec.desk.operation import Operation, Session
from callrec.errors import Unreachable, WrongUsage
from callrec.model.access import Role
from tests.unit.desk.raw import Sized
from tests.unit.program import Done

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def one(session: Session, /) -> str:
    return ""


def many(session: Session, /) -> Iterator[str]:
    yield ""


def sound(session: Session, /) -> Download[Sized]:
    raise AssertionError("it is asked for, and carried out nowhere here")


ONE: Operation[[], str] = Operation("one", "test", tuple(Role), one)
MANY: Operation[[], Iterator[str]] = Operation("many", "test", tuple(Role), many)
SOUND: Operation[[], Download[Sized]] = Operation("sound", "test", tuple(Role), sound)


def answer_one(listening: socket.socket, data: bytes) -> None:
    """Answers one question with these bytes, and hangs up."""
    made, _ = listening.accept()
    with made:
        asked = b""
        while not asked.endswith(b"\r\n\r\n" if asked.startswith(b"GET") else b"{}"):
            asked += made.recv(1 << 16)
        made.sendall(data)


@contextmanager
def answering(path: Path, data: bytes) -> Iterator[RemoteDesk]:
    """Something that answers one question."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = Thread(target=answer_one, args=(listening, data))
        thread.start()
        yield RemoteDesk(path)
        thread.join()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"value": ',
        HEAD,
        HEAD + b"zz\r\n",
        HEAD + b'20\r\n{"value"',
        HEAD + b'{"value"',
        b"\x00" * 1000,
        b"X: y\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b'\r\n{"value":"x"}\n',
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    ],
)
@pytest.mark.parametrize("wanted", [ONE, MANY, SOUND])
def test_what_is_no_answer_is_told_as_unreachable(
    tmp_path: Path, wanted: Operation[[], Any], data: bytes
) -> None:
    with answering(tmp_path / "s", data) as desk, pytest.raises(Unreachable):
        desk.do(wanted)


def test_what_came_before_the_end_is_kept(tmp_path: Path) -> None:
    with answering(tmp_path / "s", HEAD + b'{"value":"x"}\n') as desk:
        results = desk.do(MANY)
        assert next(results) == "x"
        with pytest.raises(Unreachable):
            next(results)


@pytest.mark.parametrize("there", [0, 1, 14, 15, 113, 114])
def test_half_a_file_is_no_file(tmp_path: Path, there: int) -> None:
    data = bytes(100)
    said = b'{"value":{"size":100,"sha256":"%s"}}\n' % hashlib.sha256(b"other").hexdigest().encode()
    answer = HEAD + said + wire.piece(data)[:there]
    with answering(tmp_path / "s", answer) as desk, desk.do(SOUND) as file, pytest.raises(Unreachable):
        list(file)


def test_a_version_is_told_only_by_a_desk(tmp_path: Path) -> None:
    for number, text in enumerate((b"[]\n", b"{}\n", b"<html>\n", b"\n")):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
        with answering(tmp_path / str(number), head + text) as desk, pytest.raises(Unreachable):
            desk.version()


def test_where_many_ask_it_waits_for_its_turn(tmp_path: Path) -> None:
    path, answers = tmp_path / "desk.sock", []
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as before:
        listening.bind(str(path))
        listening.listen(0)
        before.connect(str(path))  # the queue is full
        asking = Thread(target=lambda: answers.append(RemoteDesk(path).do(ONE)))
        asking.start()
        asking.join(0.3)  # the longer, the surer that it finds the queue full
        listening.accept()[0].close()
        answer_one(listening, HEAD + b'{"value":"x"}\n')
        asking.join()
    assert answers == ["x"]


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="at most 107 bytes"):
        RemoteDesk(tmp_path / ("x" * 120))


def test_the_program_says_in_one_line_that_no_desk_answers(run: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(left))
    for path, problem in (
        (tmp_path / "none", "it is not there"),
        (tmp_path / "file", "connection refused"),
        (left, "connection refused"),
        (tmp_path / "file/x", "no folder"),
    ):
        done = run("--desk", str(path), "facility", "list")
        assert done.code == 3 and problem in done.complaint and str(path) in done.complaint
