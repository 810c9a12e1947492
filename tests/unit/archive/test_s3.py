"""The S3 store before it asks anything: an address that cannot be one is said in one line."""

from __future__ import annotations

import pytest

from callrec.archive.s3 import S3Store
from callrec.errors import StoreUnreachable, WrongConfiguration
from callrec.settings import ArchiveSettings


def test_an_address_that_cannot_be_used() -> None:
    with pytest.raises(WrongConfiguration, match=r"check archive\.endpoint_url and region"):
        S3Store(ArchiveSettings(endpoint_url="http://s3_server:9000", access_key="a", secret_key="b"))


def test_without_keys_nobody_elses_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theirs")
    with pytest.raises(StoreUnreachable, match=r"set archive\.access_key"):
        S3Store(ArchiveSettings()).check()
