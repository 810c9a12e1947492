"""The ports of the demo's S3 server: it refuses two of which one is the gRPC port of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrec.demo import s3
from callrec.demo.ports import free_port
from callrec.demo.s3 import GRPC, DemoS3


def test_no_port_is_that_of_another_part_or_its_grpc_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_weed", lambda: "weed")
    servers = [DemoS3(tmp_path) for _ in range(20)]
    words = [word for server in servers for word in server._command()]
    ports = [int(word.partition("port=")[2]) for word in words if ".port=" in word]
    assert len({used for port in ports for used in (port, port + GRPC)}) == 20 * 5 * 2


def test_nor_one_that_was_chosen_elsewhere(tmp_path: Path) -> None:
    assert {free_port() for _ in range(500)}.isdisjoint({DemoS3(tmp_path).port for _ in range(200)})
