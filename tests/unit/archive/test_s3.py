"""The S3 store where nothing can be stored: a wrong address, or a wrong key, is said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.errors import StoreUnreachable, WrongConfiguration
from callrec.settings import ArchiveSettings, Settings
from tests.unit.http_server import serving


def test_an_address_that_cannot_be_used() -> None:
    with pytest.raises(WrongConfiguration, match=r"check archive\.endpoint_url and region"):
        S3Store(ArchiveSettings(endpoint_url="http://s3_server:9000", access_key="a", secret_key="b"))


def test_without_keys_nobody_elses_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theirs")
    with pytest.raises(StoreUnreachable, match=r"set archive\.access_key"):
        S3Store(ArchiveSettings()).check()


class _Refusing(BaseHTTPRequestHandler):
    """An S3 server that knows nobody's key."""

    def do_HEAD(self) -> None:
        self.send_response(403)
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    with serving(_Refusing) as address:
        yield address


def test_a_key_that_is_refused_is_told_by_the_section_that_has_it(refusing: str) -> None:
    keys = {"access_key": "a", "secret_key": "b"}
    archive = {**keys, "endpoint_url": refusing}
    whole = Settings.model_validate({"archive": archive, "desk": keys, "destruction": keys})
    only_archive = Settings.model_validate({"archive": archive})
    for store, section in (
        (App(whole).store, "archive"),
        (App(whole.of_controller()).store, "archive"),
        (App(whole.of_desk()).store, "desk"),
        (App(only_archive.of_desk()).store, "archive"),
        (App(whole).destruction_store, "destruction"),
    ):
        with pytest.raises(StoreUnreachable) as refused:
            store.check()
        assert f"check {section}.access_key, {section}.secret_key and" in str(refused.value)
