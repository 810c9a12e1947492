"""The ports of the demo's S3 server: it refuses two of which one is the gRPC port of the other."""

from __future__ import annotations

import pytest

from callrec.demo import s3
from callrec.demo.s3 import GRPC, DemoS3


def test_no_port_is_that_of_another_part_or_its_grpc_port(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = 30_000
    offered = iter([own, own + GRPC, own - GRPC, 31_000, 31_000 + GRPC, 32_000, 31_000, 33_000, 34_000])
    monkeypatch.setattr(s3, "free_port", lambda below: next(offered))
    monkeypatch.setattr(s3, "is_free", lambda port: True)
    monkeypatch.setattr(s3, "_weed", lambda: "weed")
    words = DemoS3(tmp_path_factory.mktemp("s3"), port=own)._command()
    ports = [int(word.partition("=")[2]) for word in words if ".port=3" in word]
    assert ports == [own, 31_000, 32_000, 33_000, 34_000]
