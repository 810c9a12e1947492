"""The checks of doctor that need neither a PBX nor an S3 server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import rules
from callrec.doctor import CHECKS, Result, run
from callrec.model.rules import Announce, Mode, Rule, Scope
from callrec.pbx.codecs import is_decoded
from callrec.settings import ArchiveSettings, PbxSettings, Settings


def _check(app: App, segment: str) -> Result:
    (check,) = [each for each in CHECKS if each[0] == segment]
    return run(check, app)


def _rule(app: App, **fields: Any) -> None:
    made = {"mode": Mode.AUTOMATIC, "announce": None, **fields}
    new = Rule(0, 0, Scope.EVERYWHERE, None, changed_at=app.now, changed_by="", **made)
    with app.database.begin() as connection:
        rules.add(connection, new, who="test", at=app.now)


def test_the_announcements_of_all_rules_are_there(app: App) -> None:
    _rule(app, languages=("ja", "en"))
    result = _check(app, "announcements of the rules")
    assert result.ok and result.found == "1 rules with an announcement"


def test_a_prompt_that_a_rule_names_and_nobody_added(app: App) -> None:
    _rule(app, languages=("ja", "fr"))
    result = _check(app, "announcements of the rules")
    assert not result.ok
    assert "rule 1 announces with prompt notice in language fr" in result.found
    assert "callrec prompt add FILE --name notice --language fr" in result.found


@pytest.mark.parametrize("ending", ["wav", "wav16"])
def test_a_rate_that_a_rule_may_need(app: App, ending: str) -> None:
    _rule(app, languages=("ja", "en"))
    (app.library.directory / "en" / f"notice.{ending}").unlink()
    result = _check(app, "announcements of the rules")
    assert not result.ok and f"en/notice.{ending} is missing" in result.found


@pytest.mark.parametrize("fields", [{"mode": Mode.NEVER}, {"announce": Announce.NONE}])
def test_what_is_never_played_need_not_be_there(app: App, fields: dict[str, Any]) -> None:
    _rule(app, prompt="nothing", **fields)
    assert _check(app, "announcements of the rules").ok


class _Server(BaseHTTPRequestHandler):
    """A web server that refuses everything and whose clock is wrong."""

    away = timedelta()
    silent = False

    def do_HEAD(self) -> None:
        self.send_response_only(403)
        if not self.silent:
            self.send_header("Date", format_datetime(datetime.now(UTC) + self.away, usegmt=True))
        self.end_headers()


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _clocks(url: str) -> Result:
    return _check(
        App(Settings(pbx=PbxSettings(ari_url=f"{url}/ari"), archive=ArchiveSettings(endpoint_url=url))),
        "clocks",
    )


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (50, True), (-50, True), (70, False), (-70, False)])
def test_a_clock_that_is_wrong(url: str, monkeypatch: pytest.MonkeyPatch, seconds: int, ok: bool) -> None:
    monkeypatch.setattr(_Server, "away", timedelta(seconds=seconds))
    result = _clocks(url)
    assert result.ok is ok, result.found
    # the header tells whole seconds
    assert ok or re.search(r"the clock of the PBX is (69|70|71) s away from this machine's", result.found)


def test_a_server_that_does_not_tell_its_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Server, "silent", True)
    result = _clocks(url)
    assert not result.ok and "does not tell its time" in result.found


@pytest.mark.parametrize(
    ("codec", "decoded"),
    [
        *(("ulaw", True), ("g722", True), ("slin16", True), ("h264", True), ("opus", True)),
        *(("g729", False), ("g723", False), ("silk16", False), ("amrwb", False)),
    ],
)
def test_which_codecs_the_pbx_can_decode(codec: str, decoded: bool) -> None:
    modules = {"codec_ulaw.so", "codec_g722.so", "codec_opus_open_source.so", "res_ari.so"}
    assert is_decoded(codec, modules) is decoded
    assert is_decoded("g729", {*modules, "codec_g729a.so"}), "once somebody has installed one"


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("22.11.0", "Asterisk 22.11.0 is known to be bad: a channel that is whispered to spins"),
        ("22.11.0~dfsg+~cs6.17", "Asterisk 22.11.0 is known to be bad"),
        ("22.10.1+dfsg+~cs6.17", "no trouble is known with it"),
        ("GIT-22-abc", "no trouble is known with it"),
    ],
)
def test_versions_of_asterisk_that_are_known_to_be_bad(
    app: App, monkeypatch: pytest.MonkeyPatch, version: str, found: str
) -> None:
    monkeypatch.setattr(app.pbx, "version", lambda: version)
    result = _check(app, "PBX: version")
    assert result.found.startswith(found) and result.ok == ("no trouble" in found)
