"""Clocks that doctor compares with this machine's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from callrec.app import App
from callrec.doctor.check import Result
from callrec.settings import ArchiveSettings, CatalogueSettings, PbxSettings, Settings
from tests.unit.doctor.look import check
from tests.unit.http_server import serving


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
    with serving(_Server) as address:
        yield address


def _clocks(url: str) -> Result:
    settings = Settings(
        pbx=PbxSettings(ari_url=f"{url}/ari"),
        archive=ArchiveSettings(endpoint_url=url),
        catalogue=CatalogueSettings(url="sqlite:////nowhere/at/all.db"),
    )
    app = App(settings)
    try:
        return check(app, "clocks")
    finally:
        app.close()


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


def test_whether_anything_sets_the_clock_is_told(url: str) -> None:
    assert re.search(r"set by NTP|nothing sets this machine's clock", _clocks(url).found)
