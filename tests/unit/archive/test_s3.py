"""The S3 store before it asks anything: an address that cannot be one is said in one line."""

from __future__ import annotations

import pytest

from callrec.archive.s3 import S3Store
from callrec.errors import WrongConfiguration
from callrec.settings import ArchiveSettings


def test_an_address_that_cannot_be_used() -> None:
    with pytest.raises(WrongConfiguration, match=r"check archive\.endpoint_url and region"):
        S3Store(ArchiveSettings(endpoint_url="http://s3_server:9000"))
