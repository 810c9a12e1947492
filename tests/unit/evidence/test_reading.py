"""What is one object's trouble and what the whole bucket's: by the real client, of a server that lies."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from callrec.archive.s3 import S3Store
from callrec.errors import EvidenceBroken, StoreUnreachable
from callrec.evidence.reading import Missing, Reading
from callrec.settings import ArchiveSettings
from tests.unit.http_server import serving

WRONG = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""The SHA-256 of nothing."""


class _Lying(BaseHTTPRequestHandler):
    """An S3 server whose bucket answers, and which has trouble with some of its objects."""

    bucket: ClassVar[int] = 200

    def do_HEAD(self) -> None:
        self.send_response(self.bucket)
        self.end_headers()

    def do_GET(self) -> None:
        what = self.path.rpartition("/")[2].partition("?")[0]
        self.send_response({"rotten": 500, "gone": 404}.get(what, 200))
        if what == "changed":
            self.send_header("x-amz-checksum-sha256", WRONG)
        self.send_header("Content-Length", "10" if what == "short" else "4")
        self.end_headers()
        self.wfile.write(b"data")
        self.close_connection = True

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    monkeypatch.setattr("botocore.retries.standard.RetryHandler.needs_retry", lambda *_, **__: None)
    with serving(_Lying) as address:
        keys = {"access_key": SecretStr("a"), "secret_key": SecretStr("b")}
        yield Reading(S3Store(ArchiveSettings(endpoint_url=address, **keys)))


@pytest.mark.parametrize(
    ("key", "problem"),
    [("rotten", "refused get_object: 500"), ("changed", "checksum"), ("short", "IncompleteRead")],
)
def test_what_is_not_given_is_told_of_that_object(reading: Reading, key: str, problem: str) -> None:
    for read in (reading.data, lambda key, version: reading.facts(key, version, "")):
        with pytest.raises(EvidenceBroken) as told:
            read(key, None)
        assert f"the S3 server answers, and does not give {key}: " in str(told.value)
        assert problem.lower() in str(told.value).lower()


def test_what_is_there_and_what_is_not(reading: Reading) -> None:
    assert reading.data("whole", None) == b"data" and reading.facts("whole", None, "").size == 4
    with pytest.raises(Missing, match="gone is missing from the archive"):
        reading.data("gone", None)


def test_a_bucket_that_is_away_ends_it(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Lying, "bucket", 403)
    with pytest.raises(StoreUnreachable, match="does not let us use bucket"):
        reading.data("rotten", None)
