"""A desk that answers, is of another version, hangs or is not there; and keys that belong apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from callrec import __version__
from callrec.app import App
from callrec.catalogue import grants
from callrec.desk.server import DeskServer
from callrec.doctor import desk
from callrec.doctor.check import Result
from callrec.model.access import Role
from callrec.settings import ArchiveSettings, CatalogueSettings, DeskSettings, DestructionSettings
from tests.unit.doctor.look import check, with_settings
from tests.unit.samples import START


@contextmanager
def answering(path: Path, answer: bytes | None) -> Iterator[None]:
    """Somebody who listens at a socket and gives everybody this answer; None: no answer at all."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    taken: list[socket.socket] = []

    def run() -> None:
        with suppress(OSError):
            while True:
                taken.append(server.accept()[0])
                if answer is not None:
                    taken[-1].recv(10_000)
                    taken[-1].sendall(answer)
                    taken[-1].close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for each in (server, *taken):
        each.close()


def said(version: str) -> bytes:
    body = b'{"version":"%s"}' % version.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def looked(app: App, path: Path) -> Result:
    changed = with_settings(app, desk=DeskSettings(socket=path))
    try:
        return check(changed, "desk")
    finally:
        changed.close()


def grant(app: App) -> None:
    with app.database.begin() as connection:
        grants.grant(connection, "tanaka", Role.HANDLER, [], by="root", at=START)


def test_no_desk_is_no_fault_while_nobody_has_a_role(app: App, tmp_path: Path) -> None:
    assert looked(app, tmp_path / "desk.sock") == Result("desk", True, "not running, and nobody has a role")
    grant(app)
    found = looked(app, tmp_path / "desk.sock")
    assert not found.ok and "roles are granted (1): start callrec desk" in found.found


def test_the_database_is_another_checks_matter(app: App, tmp_path: Path) -> None:
    away = with_settings(app, catalogue=CatalogueSettings(url=f"sqlite:///{tmp_path}/no/c.db"))
    assert looked(away, tmp_path / "desk.sock").ok
    away.close()


def test_a_desk_that_answers(app: App, tmp_path: Path) -> None:
    grant(app)
    path = tmp_path / "desk.sock"
    server = DeskServer(app, path)
    server._server.expiration_interval = 0.02  # it looks whether it is to stop after each
    server.prepare()
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert looked(app, path) == Result("desk", True, f"answers at {path}")
    finally:
        server.stop()
        thread.join()
    assert not looked(app, path).ok


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (said(__version__), True, "answers at"),
        (said("0.0.1"), False, "is of version 0.0.1, and this is"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", True, "answers at"),
        (b"SSH-2.0\r\n", False, "what it answers is no HTTP"),
        (b"", False, "does not answer"),
        (None, False, "no answer in time"),
    ],
)
def test_what_may_listen_there(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, ok: bool, words: str
) -> None:
    if answer is None:
        monkeypatch.setattr(desk, "SECONDS", 0.05)
    with answering(tmp_path / "desk.sock", answer):
        found = looked(app, tmp_path / "desk.sock")
    assert found.ok is ok and words in found.found


def test_a_desk_that_was_killed_leaves_its_socket(app: App, tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(tmp_path / "desk.sock"))
    left.close()
    assert looked(app, tmp_path / "desk.sock").ok


def keys(app: App, config: Path | None = None, /, **sections: object) -> Result:
    changed = with_settings(app, **sections)
    try:
        return check(changed, "keys to destroy", config=config)
    finally:
        changed.close()


DESTROYS = DestructionSettings.model_validate({"access_key": "purge", "secret_key": "s"})


def test_keys_to_destroy_belong_to_purge_alone(app: App, tmp_path: Path) -> None:
    assert keys(app).ok and "none in these settings" in keys(app).found
    assert keys(app, destruction=DESTROYS).found == "apart from those of controller and desk"
    config = tmp_path / "callrec.toml"
    for text, words in (
        ('[destruction]\nat_most = "10%"\n', "apart"),
        ('[destruction]\naccess_key = "purge"\n', f"warning: {config} holds them"),
        ('[destruction]\nsecret_key_file = "/etc/key"\n', f"warning: {config} holds them"),
        ("not = toml = at all", "apart"),
    ):
        config.write_text(text, "utf-8")
        found = keys(app, config, destruction=DESTROYS)
        assert found.ok and words in found.found


def test_a_key_that_others_have_too(app: App) -> None:
    same = {"access_key": "purge", "secret_key": "s"}
    for name, section in (
        ("archive", ArchiveSettings.model_validate(same)),
        ("desk", DeskSettings.model_validate(same)),
    ):
        found = keys(app, destruction=DESTROYS, **{name: section})
        assert not found.ok and f"is that of [{name}] too" in found.found
