"""The S3 store: what it asks of a server, and what it says where nothing can be stored, in one line."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from callrec.app import App
from callrec.archive.s3 import S3Store, date_of
from callrec.errors import StoreUnreachable, Unreachable, WrongConfiguration
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


class _Encrypting(BaseHTTPRequestHandler):
    """An S3 server that takes what it is given, and refuses keys of a key management that it has not."""

    asked: ClassVar[list[dict[str, str]]] = []
    protocol_version = "HTTP/1.1"  # else clients wait for its 100 Continue

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
        self.asked.append({name: self.headers[name] for name in names if name in self.headers})
        refused = self.headers.get(names[1]) == "alias/none"
        body = b"<Error><Code>KMS.NotFoundException</Code></Error>" if refused else b""
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.send_header("Connection", "close")
        self.send_header("x-amz-server-side-encryption", unquote(self.path.rpartition("/")[2]))
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def encrypting() -> Iterator[str]:
    _Encrypting.asked.clear()
    with serving(_Encrypting) as address:
        yield address


def _store(address: str, **settings: str) -> S3Store:
    return S3Store(ArchiveSettings(endpoint_url=address, access_key="a", secret_key="b", **settings))


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({}, {}),
        ({"encryption": "s3"}, {"x-amz-server-side-encryption": "AES256"}),
        ({"encryption": "kms"}, {"x-amz-server-side-encryption": "aws:kms"}),
        (
            {"encryption": "kms", "kms_key_id": "alias/callrec"},
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "alias/callrec",
            },
        ),
    ],
)
def test_all_that_is_put_is_to_be_encrypted_as_the_settings_say(
    encrypting: str, tmp_path: Path, settings: dict[str, str], headers: dict[str, str]
) -> None:
    store, until = _store(encrypting, **settings), datetime.now(UTC) + timedelta(days=1)
    path = tmp_path / "sound"
    path.write_bytes(b"fLaC")
    store.put("recordings/x.flac", path, sha256(b"fLaC").hexdigest(), "audio/flac", until)
    store.put_bytes("anchors/x.json", b"{}", "application/json", until)
    assert _Encrypting.asked == [headers, headers]


@pytest.mark.parametrize(
    ("said", "called"), [("AES256", "s3"), ("aws:kms", "kms"), ("aws:kms:dsse", "aws:kms:dsse")]
)
def test_how_an_object_is_kept_is_read(encrypting: str, said: str, called: str) -> None:
    assert _store(encrypting).head(said).encryption == called


def test_a_key_that_the_server_has_not_is_told_with_the_settings_to_look_at(encrypting: str) -> None:
    store = _store(encrypting, encryption="kms", kms_key_id="alias/none")
    with pytest.raises(Unreachable, match=r"\(KMS.NotFoundException\): check archive.encryption and kms"):
        store.put_bytes("anchors/x.json", b"{}", "application/json", datetime.now(UTC) + timedelta(days=1))


def test_a_key_id_without_the_encryption_it_is_for() -> None:
    with pytest.raises(ValidationError, match="kms_key_id is for encryption"):
        ArchiveSettings(encryption="s3", kms_key_id="alias/callrec")
    with pytest.raises(ValidationError, match="without blanks"):
        ArchiveSettings(encryption="kms", kms_key_id="alias/my key")


def test_who_waits_for_a_small_thing_waits_for_seconds() -> None:
    """A server that takes connections and says nothing holds nobody for the time a recording may take."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings = ArchiveSettings(
            endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}", access_key="a", secret_key="b"
        )
        begin = time.monotonic()
        with pytest.raises(StoreUnreachable):
            S3Store(settings).hasty(0.1).check()
        assert time.monotonic() - begin < 10


class _Dated(BaseHTTPRequestHandler):
    """An S3 server that takes everything; its clock is `ahead` of ours."""

    ahead = timedelta(0)
    taken: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"  # else clients wait a second for its 100 Continue

    def do_HEAD(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.taken.append(self.headers.get("x-amz-object-lock-retain-until-date", "retention"))
        self._answer()

    def _answer(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.ahead, usegmt=True))
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def dated(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    monkeypatch.setattr(_Dated, "taken", [])
    with serving(_Dated) as address:
        yield S3Store(ArchiveSettings(endpoint_url=address, access_key="a", secret_key="b"))


@pytest.mark.parametrize("away", [timedelta(days=2), -timedelta(days=2), timedelta(days=365 * 80)])
def test_nothing_is_locked_by_a_clock_of_another_day(
    dated: S3Store, monkeypatch: pytest.MonkeyPatch, away: timedelta
) -> None:
    """Once the clock is set right, it is."""
    until = datetime.now(UTC) + timedelta(days=90)
    monkeypatch.setattr(_Dated, "ahead", away)
    for store in (dated, dated.hasty(9.0)):
        with pytest.raises(StoreUnreachable, match="more than a day apart"):
            store.put_bytes("a", b"a", "text/plain", until)
        with pytest.raises(StoreUnreachable, match="more than a day apart"):
            store.lock("a", None, "governance", until)
    assert _Dated.taken == []
    monkeypatch.setattr(_Dated, "ahead", timedelta(hours=1))
    dated.check()
    dated.put_bytes("a", b"a", "text/plain", until)
    assert len(_Dated.taken) == 1


def test_a_clock_that_was_set_right_is_asked_again(dated: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it told before does not count for ever, where nothing else is asked of the server; nor does what
    it told before this machine slept for days, in which the monotonic clock stands."""
    until = datetime.now(UTC) + timedelta(days=90)
    monkeypatch.setattr(_Dated, "ahead", timedelta(days=2))
    with pytest.raises(StoreUnreachable, match="more than a day apart"):
        dated.put_bytes("a", b"a", "text/plain", until)
    monkeypatch.setattr(_Dated, "ahead", timedelta(0))
    dated.put_bytes("a", b"a", "text/plain", until)
    assert len(_Dated.taken) == 1


@pytest.mark.parametrize("form", ["Sun, 29 Nov 2026 17:00:00 -0000", "Sun Nov 29 17:00:00 2026"])
def test_a_date_without_a_zone_is_utc(form: str) -> None:
    """HTTP knows both."""
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": form}}}
    assert date_of(answer) == datetime(2026, 11, 29, 17, tzinfo=UTC)


class _InChunks(BaseHTTPRequestHandler):
    """A gateway that does not know how long an object is before it has sent it."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")  # which ends the connection here, too
        self.end_headers()
        self.wfile.write(b"5\r\nsound\r\n0\r\n\r\n")

    def log_message(self, *said: Any) -> None:
        pass


def test_an_object_that_is_sent_in_chunks_has_the_size_that_head_tells() -> None:
    with serving(_InChunks) as address:
        settings = ArchiveSettings(endpoint_url=address, access_key="a", secret_key="b")
        found, content = S3Store(settings).get("recordings/x.flac")
        assert found.size == 5 and b"".join(content) == b"sound"
