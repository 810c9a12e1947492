"""Silence is told by somebody else: so nothing is said that is not so."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from callrec.demo.processes import wait_until
from callrec.health import heartbeat as heartbeats
from callrec.health.heartbeat import heartbeat, textfile
from callrec.health.progress import Progress
from callrec.problems import Problems
from callrec.worker import Pulse
from tests.unit.http_server import serving


class Asked(BaseHTTPRequestHandler):
    """A service that waits for heartbeats."""

    paths: list[str]
    status = 200

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def service() -> Iterator[str]:
    Asked.paths, Asked.status = [], 200
    with serving(Asked) as url:
        yield f"{url}/ping/secret"


def _beats(url: str, works: bool = True) -> Problems:
    problems = Problems()
    problems.attempt("heartbeat", heartbeat(url, lambda: works, problems, lambda: None).look)
    return problems


def test_it_is_asked_while_the_recorder_works(service: str) -> None:
    assert not _beats(service).texts() and Asked.paths == ["/ping/secret"]


def test_it_is_not_asked_while_a_thread_hangs(service: str) -> None:
    now = [0.0]
    pulse = Pulse(lambda: now[0])
    progress = Progress({"watch": pulse})
    pulse.beat()
    now[0] = 61.0
    assert not _beats(service, works=not progress.stalled()).texts() and Asked.paths == []
    pulse.rest()
    _beats(service, works=not progress.stalled())
    assert Asked.paths == ["/ping/secret"]


@pytest.mark.parametrize("status", [404, 302, 500])
def test_an_answer_that_is_no_success_is_a_problem_without_the_secret(service: str, status: int) -> None:
    Asked.status = status
    (told,) = _beats(service).texts()
    assert f"({status})" in told and "secret" not in told and "127.0.0.1" in told


def test_a_service_that_is_away_is_a_problem() -> None:
    (told,) = _beats("http://127.0.0.1:9/ping/secret").texts()
    assert "127.0.0.1:9" in told and "secret" not in told


def test_without_a_url_nothing_is_asked() -> None:
    assert not _beats("").texts()


def test_the_file_is_there_for_everybody_and_grows_old_while_a_thread_hangs(tmp_path: Path) -> None:
    path, works, texts = tmp_path / "callrec.prom", [True], iter([b"one\n", b"two\n"])
    written = textfile(path, lambda: works[0], Problems(), lambda: next(texts))
    written.look()
    assert path.read_bytes() == b"one\n" and stat.S_IMODE(path.stat().st_mode) == 0o644
    works[0] = False
    written.look()
    assert path.read_bytes() == b"one\n"
    assert [each.name for each in tmp_path.iterdir()] == ["callrec.prom"], "the collector reads all there is"


def test_a_file_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    problems = Problems()
    written = textfile(tmp_path / "file" / "callrec.prom", lambda: True, problems, lambda: b"")
    assert not problems.attempt("textfile", written.look) and problems.texts()


def test_it_is_asked_as_soon_as_the_recorder_works(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a start the link to the PBX is not up yet; a minute without a heartbeat would alarm."""
    monkeypatch.setattr(heartbeats, "LOOK_SECONDS", 0.01)
    works = [False]
    beating = heartbeat(service, lambda: works[0], Problems(), lambda: None)
    thread = threading.Thread(target=beating.run)
    thread.start()
    works[0] = True
    wait_until(lambda: bool(Asked.paths), 20, "a heartbeat")
    beating.stop()
    thread.join(20)
