"""The desk as it is asked by whoever can reach its socket, whatever they send."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from select import select
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from callrec import __version__, account
from callrec.app import App
from callrec.catalogue import custody
from callrec.desk import listener
from callrec.desk.client import RemoteDesk
from callrec.desk.download import Download
from callrec.desk.operation import Session
from callrec.desk.server import DeskServer, caller_of
from callrec.errors import (
    CallrecError,
    CatalogueUnreachable,
    NotAllowed,
    Refused,
    Unreachable,
    WrongConfiguration,
    WrongUsage,
)
from callrec.model.access import Role
from callrec.settings import CatalogueSettings, Settings
from tests.unit.desk.raw import (
    ME,
    Sized,
    answer,
    connected,
    give_roles,
    offered,
    question,
    received,
    told,
)
from tests.unit.desk.server_thread import running, server_at

LIAR = 4321
"""A user that somebody pretends to be."""


def who_asks(session: Session, /) -> str:
    return session.who


def twice(session: Session, /, number: int) -> int:
    return 2 * number


def perhaps(session: Session, /) -> str | None:
    return None


def counted(session: Session, /, to: int, fails: bool = False) -> Iterator[int | None]:
    for each in range(to):
        yield each or None
    if fails:
        raise ZeroDivisionError


def given_file(session: Session, /, size: int, there: int) -> Download[Sized]:
    data = os.urandom(there)
    return Download(Sized(size, hashlib.sha256(data).hexdigest()), BytesIO(data))


def broken(session: Session, /) -> str:
    raise ZeroDivisionError("03-1234-5678")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Iterator[App]:
    """An app with an empty catalogue, for all tests here: to start a desk takes longer than most of them."""
    path = tmp_path_factory.mktemp("desk") / "c.db"
    shutil.copy(empty_catalogue, path)
    made = App(Settings(catalogue=CatalogueSettings(url=f"sqlite:///{path}")))
    give_roles(made, Role.HANDLER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk(app: App, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a running desk, at which the account of the tests has a role."""
    path = tmp_path_factory.mktemp("socket") / "desk.sock"
    with running(app, path):
        yield path


def test_it_tells_its_version_without_a_role(app: App, tmp_path: Path) -> None:
    with running(app, tmp_path / "desk.sock"):
        assert RemoteDesk(tmp_path / "desk.sock").version() == __version__


# --- who asks


@pytest.mark.parametrize(
    "header",
    [
        f"X-Remote-Uid: {LIAR}",
        f"X_REMOTE_UID: {LIAR}",
        f"x-remote-uid: {LIAR}",
        f"HTTP_X_REMOTE_UID: {LIAR}",
        "Remote-User: handler",
        "REMOTE_USER: handler",
        "X-Remote-User: handler",
        "Cookie: user=handler",
        "Authorization: Basic aGFuZGxlcjo=",
        "X-Forwarded-User: handler",
    ],
)
def test_who_asks_is_what_the_kernel_says(desk: Path, monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    offered(monkeypatch, who_asks)
    assert answer(desk, question("who_asks", b"{}", header)) == (
        200,
        json.dumps({"value": ME}).replace(" ", "") + "\n",
    )


def test_a_name_among_the_arguments_is_not_taken(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, who_asks)
    for sent in (b'{"who": "handler"}', b'{"session": {"caller": "handler"}}', b'{"caller": 1}'):
        status, text = answer(desk, question("who_asks", sent))
        assert status == 400 and told(text)["error"] == "WrongUsage"


def test_the_group_of_a_process_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be that of a file with the bit for it, made while somebody was a member."""
    monkeypatch.setattr(account, "groups_of", lambda user: frozenset({str(user)}))
    assert caller_of({"X_REMOTE_UID": "7", "X_REMOTE_GID": "0"}).groups == {"7"}


def test_it_serves_nobody_of_whom_the_kernel_says_nothing() -> None:
    for said in (
        {},
        {"HTTP_X_REMOTE_UID": "0", "HTTP_X_REMOTE_GID": "0"},
        {"X_REMOTE_UID": "", "X_REMOTE_GID": ""},
    ):
        with pytest.raises(NotAllowed):
            caller_of(said)


def test_who_has_no_role_is_refused_and_written_down(
    app: App, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = offered(monkeypatch, twice, Role.AUDITOR)
    with pytest.raises(NotAllowed, match="it needs the role auditor"):
        RemoteDesk(desk).do(wanted, 2)
    with app.database.read() as connection:
        entry = custody.of(connection, "")[-1]
    assert (entry.who, entry.action) == (ME, "refused")
    assert entry.details["command"] == "test twice" and entry.details["through"] == "desk"


# --- what is sent


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"number"',
        b'{"number": "two"}',
        b'{"number": null}',
        b'{"number": {}}',
        b'{"number": 1, "more": 2}',
        b'{"more": 2}',
        b"{}",
        b'{"number": NaN}',
        b'{"number": ' + b"9" * 5000 + b"}",
        b'{"number": ' + b"[" * 100_000 + b"}",
        b'{"number": "\\udc80"}',
        b"\xff\xfe",
        b"\x00" * 100,
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    desk: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    wanted = offered(monkeypatch, twice)
    status, text = answer(desk, question("twice", body))
    assert status == 400 and told(text)["error"] == "WrongUsage"
    assert RemoteDesk(desk).do(wanted, 2) == 4


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST /v1/no_such_thing", 400),
        ("POST /v1/" + "x" * 5000, 400),
        ("POST /v1/../etc/passwd", 404),
        ("POST /v1/%2e%2e%2fpasswd", 400),
        ("GET /", 404),
        ("GET /v1/who_asks", 405),
        ("DELETE /v1", 405),
        ("GET /static/x", 404),
    ],
)
def test_what_is_not_there_is_told_in_one_line(desk: Path, line: str, status: int) -> None:
    sent = f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    found, text = answer(desk, sent)
    assert found == status and told(text)["template"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"\x00\xff" * 500 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v1/twice HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/twice HTTP/1.1\r\nContent-Length: -5\r\nConnection: close\r\n\r\n",
        b"POST /v1/twice HTTP/1.1\r\n: x\r\n\r\n",
        b"POST /v1/twice HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        question("twice", b"", length=100_000_000),
        b"POST /v1/twice HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"9" * 1000,
    ],
)
def test_what_is_no_question_is_refused(desk: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    wanted = offered(monkeypatch, twice)
    with connected(desk) as made:
        try:
            made.sendall(sent)
            made.shutdown(socket.SHUT_WR)
            assert received(made)[0] in (0, 400, 413, 414, 505)
        except ConnectionError:  # it did not want to read all that
            pass
    assert RemoteDesk(desk).do(wanted, 2) == 4


# --- those who are slow


def test_those_who_say_nothing_keep_nobody_waiting(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "ASK_SECONDS", 3600)
    wanted = offered(monkeypatch, twice)
    monkeypatch.setattr(listener, "MOST_OF_ONE", 1000)
    with ExitStack() as silent:
        for _ in range(2 * listener.THREADS):
            silent.enter_context(connected(desk))
        assert RemoteDesk(desk).do(wanted, 2) == 4


def test_those_who_drip_keep_others_waiting_for_a_bound_only(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "ASK_SECONDS", 0.3)
    wanted = offered(monkeypatch, twice)
    monkeypatch.setattr(listener, "MOST_OF_ONE", 1000)
    slow = [connected(desk) for _ in range(listener.THREADS + 10)]
    over = Event()

    def drip() -> None:
        while not over.wait(0.02):
            for each in slow:
                with suppress(OSError):
                    each.send(b"P")

    dripping = Thread(target=drip)
    dripping.start()
    try:
        assert RemoteDesk(desk).do(wanted, 2) == 4
    finally:
        over.set()
        dripping.join()
        for each in slow:
            each.close()


def test_nobody_has_more_connections_than_some(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MOST_OF_ONE", 5)
    with running(app, path := tmp_path / "desk.sock"):
        with ExitStack() as silent:
            every = [silent.enter_context(connected(path)) for _ in range(6)]
            assert select(every, [], [], 30)[0] == every[-1:], "the last one is closed again"
            assert _is_refused(path)
        while _is_refused(path):  # until it has noticed that they are gone
            pass


def _is_refused(desk: Path) -> bool:
    try:
        RemoteDesk(desk).version()
    except Unreachable:
        return True
    return False


@pytest.mark.parametrize(
    "sent", [b"P", b"POST /v1/twice HTTP/1.1\r\nHo", question("twice", b"{", length=500)]
)
@pytest.mark.parametrize("leaves", [False, True])
def test_half_a_question_is_given_up(
    desk: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes, leaves: bool
) -> None:
    monkeypatch.setattr(listener, "ASK_SECONDS", 0.1)
    wanted = offered(monkeypatch, twice)
    with connected(desk) as made:
        made.sendall(sent)
        if not leaves:
            assert received(made)[0] in (400, 408)
    assert RemoteDesk(desk).do(wanted, 2) == 4


# --- what is answered


def test_nothing_is_a_result_as_well(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RemoteDesk(desk).do(offered(monkeypatch, perhaps)) is None
    assert list(RemoteDesk(desk).do(offered(monkeypatch, counted), 3)) == [None, 1, 2]
    assert list(RemoteDesk(desk).do(offered(monkeypatch, counted), 0)) == []


def test_a_bug_is_one_line_for_who_asks_and_a_traceback_in_the_log(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = offered(monkeypatch, broken)
    with capture_logs() as logged, pytest.raises(CallrecError) as error:
        RemoteDesk(desk).do(wanted)
    assert str(error.value) == "the desk could not do it (ZeroDivisionError): see its log"
    assert [each["log_level"] for each in logged if each.get("exc_info")] == ["error"]
    assert RemoteDesk(desk).do(offered(monkeypatch, twice), 2) == 4


def test_a_bug_in_the_middle_comes_after_what_was_before(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = RemoteDesk(desk).do(offered(monkeypatch, counted), 3, fails=True)
    assert [next(results), next(results), next(results)] == [None, 1, 2]
    with pytest.raises(CallrecError, match="see its log"):
        next(results)


def test_a_file_comes_whole_or_not_at_all(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = offered(monkeypatch, given_file)
    with RemoteDesk(desk).do(wanted, 3_000_000, 3_000_000) as file:
        assert sum(len(each) for each in file) == 3_000_000
    for size, there in ((3_000_000, 2_000_000), (1, 0), (5, 9)):
        with (
            RemoteDesk(desk).do(wanted, size, there) as file,
            pytest.raises(Unreachable, match="not arrive whole"),
        ):
            list(file)
    with RemoteDesk(desk).do(wanted, 0, 0) as file:
        assert list(file) == []


def test_who_goes_in_the_middle_is_noted_and_holds_up_nobody(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = offered(monkeypatch, counted)
    with capture_logs() as logged:
        results = RemoteDesk(desk).do(wanted, 10_000_000)
        assert next(results) is None
        results.close()
        assert RemoteDesk(desk).do(offered(monkeypatch, twice), 2) == 4
        while not _asked(logged, "counted"):
            RemoteDesk(desk).version()
    assert [each["code"] for each in _asked(logged, "counted")] == [None]


def test_the_log_says_who_asked_what_and_what_came_of_it_but_no_number(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ringing(session: Session, /, number: int) -> int:
        return number

    wanted = offered(monkeypatch, ringing)
    with capture_logs() as logged:
        RemoteDesk(desk).do(wanted, 312345678)
        answer(desk, question("ringing", b'{"number": "+81312345678x"}'))
        answer(desk, question("ringing_nothing" * 100))
        while len(asked := _asked(logged, "ringing")) < 3:  # it is written after the answer is sent
            RemoteDesk(desk).version()
    assert sorted((each["who"], each["operation"][:15], each["code"]) for each in asked) == [
        (ME, "ringing", 0),
        (ME, "ringing", 2),
        (ME, "ringing_nothing", 2),
    ]
    assert "312345678" not in str(logged) and all(len(each["operation"]) <= 100 for each in asked)


def _asked(logged: Sequence[Mapping[str, Any]], operation: str) -> list[Mapping[str, Any]]:
    return [each for each in logged if each.get("operation", "").startswith(operation)]


def test_it_goes_on_when_the_database_is_back(app: App, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = offered(monkeypatch, twice)

    def away() -> None:
        raise CatalogueUnreachable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(app.database, "read", away)
        with pytest.raises(CatalogueUnreachable) as error:
            RemoteDesk(desk).do(wanted, 2)
        assert error.value.exit_code == 3
    assert RemoteDesk(desk).do(wanted, 2) == 4


# --- its beginning and its end


def test_it_ends_after_what_is_being_answered(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, answers = Event(), Event(), []

    def slow(session: Session, /) -> str:
        begun.set()
        go_on.wait(30)
        return "done"

    wanted = offered(monkeypatch, slow)
    with running(app, path := tmp_path / "desk.sock") as server:
        asking = Thread(target=lambda: answers.append(RemoteDesk(path).do(wanted)))
        asking.start()
        assert begun.wait(30)
        server.stop()
        go_on.set()
        asking.join()
    assert answers == ["done"]
    assert not path.exists()
    with pytest.raises(Unreachable, match="it is not there"):
        RemoteDesk(path).version()


def test_everybody_may_connect_whatever_the_umask_is(app: App, tmp_path: Path) -> None:
    os.umask(0o077)
    path = tmp_path / "new/folder/desk.sock"
    with running(app, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


def test_a_second_one_at_the_same_place_is_refused(app: App, desk: Path) -> None:
    with pytest.raises(Refused, match="another callrec desk listens"):
        DeskServer(app, desk).prepare()
    assert RemoteDesk(desk).version() == __version__


def test_of_two_at_the_same_moment_one_is_refused(app: App, tmp_path: Path) -> None:
    path, together = tmp_path / "desk.sock", Barrier(2)
    servers, refused = [server_at(app, path) for _ in range(2)], []

    def start(server: DeskServer) -> None:
        together.wait()
        try:
            server.prepare()
        except Refused:
            refused.append(server)

    threads = [Thread(target=start, args=(each,)) for each in servers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (left,) = set(servers) - set(refused)
    thread = Thread(target=left.run)
    thread.start()
    assert RemoteDesk(path).version() == __version__
    left.stop()
    thread.join()


def test_what_a_killed_one_left_holds_up_nobody(app: App, tmp_path: Path) -> None:
    path = tmp_path / "desk.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with running(app, path):
        assert RemoteDesk(path).version() == __version__


def test_another_program_at_the_same_place_is_left_alone(app: App, tmp_path: Path) -> None:
    path = tmp_path / "desk.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(Refused):
            DeskServer(app, path).prepare()


def test_a_file_at_the_same_place_is_left_alone(app: App, tmp_path: Path) -> None:
    path = tmp_path / "desk.sock"
    path.write_text("mine")
    with pytest.raises(WrongConfiguration, match="is no socket"):
        DeskServer(app, path).prepare()
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("x" * 120, "at most 107 bytes"),
        ("file/desk.sock", "cannot be used"),
        ("file/a/b", "cannot be used"),
    ],
)
def test_a_place_that_cannot_be_is_told(app: App, tmp_path: Path, place: str, problem: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongConfiguration, match=problem):
        DeskServer(app, tmp_path / place).prepare()


def test_more_than_it_takes_is_not_even_sent(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.desk.wire.MOST_ASKED", 10)
    with pytest.raises(WrongUsage, match="too much to ask"):
        RemoteDesk(desk).do(offered(monkeypatch, twice), 10**12)


def test_who_has_no_role_learns_nothing_of_what_is_taken(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, twice, Role.AUDITOR)
    status, text = answer(desk, question("twice", b"{"))
    assert status == 403 and told(text)["error"] == "NotAllowed"
