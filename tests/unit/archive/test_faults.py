"""Whose fault it is that the bucket or the database cannot be used, as an error says it for figures."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from callrec.archive.s3 import S3Store
from callrec.archive.store import TornObject
from callrec.catalogue.database import Database
from callrec.catalogue.database_problems import fault
from callrec.errors import CatalogueUnreachable, Fault, StoreUnreachable, Unreachable
from callrec.settings import ArchiveSettings
from tests.unit.http_server import serving

WRONG = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""The SHA-256 of nothing."""


class _Answering(BaseHTTPRequestHandler):
    """An S3 server that answers as the key it is asked for says: with a status, and an error's code."""

    def do_GET(self) -> None:
        status, _, code = self.path.rpartition("/")[2].partition("?")[0].partition("-")
        body = f"<Error><Code>{code}</Code></Error>".encode()
        self.send_response(int(status))
        if code == "torn":
            self.send_header("x-amz-checksum-sha256", WRONG)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    monkeypatch.setattr("botocore.retries.standard.RetryHandler.needs_retry", lambda *_, **__: None)
    with serving(_Answering) as address:
        yield _store(address)


def _store(address: str, key: str = "a") -> S3Store:
    return S3Store(ArchiveSettings(endpoint_url=address, access_key=key, secret_key=key))


@pytest.mark.parametrize(
    ("answer", "whose"),
    [
        ("403-AccessDenied", Fault.OURS),
        ("403-SignatureDoesNotMatch", Fault.OURS),
        ("404-NoSuchBucket", Fault.OURS),
        ("400-InvalidRequest", Fault.OURS),
        ("400-BadDigest", Fault.NETWORK),
        ("400-RequestTimeout", Fault.NETWORK),
        ("500-InternalError", Fault.SERVER),
        ("503-SlowDown", Fault.SERVER),
        ("507-InsufficientStorage", Fault.SERVER),
    ],
)
def test_a_refusal_of_the_bucket(answering: S3Store, answer: str, whose: Fault) -> None:
    with pytest.raises(Unreachable) as told:
        b"".join(answering.read(answer))
    assert told.value.fault is whose


def test_a_bucket_that_does_not_answer_or_has_no_keys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    for key, whose in (("a", Fault.NETWORK), ("", Fault.OURS)):
        with pytest.raises(StoreUnreachable) as told:
            _store(nobody, key).hasty(5).check()
        assert told.value.fault is whose


def test_an_object_that_is_torn_is_the_servers(answering: S3Store) -> None:
    with pytest.raises(TornObject) as told:
        b"".join(answering.read("200-torn"))
    assert told.value.fault is Fault.SERVER


class _Said(Exception):
    """What the driver of PostgreSQL raises."""

    def __init__(self, code: str | None, words: str = "") -> None:
        super().__init__(words)
        self.sqlstate = code


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        (_Said("28P01"), Fault.OURS),
        (_Said("3D000"), Fault.OURS),
        (_Said("42501"), Fault.OURS),
        (_Said("53100"), Fault.SERVER),
        (_Said("57P03"), Fault.SERVER),
        (_Said("25006"), Fault.SERVER),
        (_Said("08006"), Fault.NETWORK),
        (_Said(None, "connection refused"), Fault.NETWORK),
        (_Said(None, "could not translate host name"), Fault.NETWORK),
        (_Said(None, "FATAL: password authentication failed"), Fault.OURS),
        (_Said(None, "FATAL: sorry, too many clients already"), Fault.SERVER),
        (_Said(None, "something new"), Fault.NETWORK),
    ],
)
def test_what_a_database_says(said: _Said, whose: Fault) -> None:
    assert fault(OperationalError("SELECT 1", {}, said)) is whose


def test_a_database_that_is_away_says_whose_fault_it_is(tmp_path: Path) -> None:
    for url, whose in (
        (f"sqlite:///{tmp_path}/none.db", Fault.OURS),
        ("postgresql://nobody@127.0.0.1:1/none", Fault.NETWORK),
    ):
        database = Database(url)
        with pytest.raises(CatalogueUnreachable) as told, database.read() as connection:
            connection.execute(sa.text("SELECT 1"))
        assert told.value.fault is whose
        database.close()
