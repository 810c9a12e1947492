"""Ports that a test has chosen are free again after it: each is a descriptor of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from callrec.demo import ports


@pytest.fixture(autouse=True)
def _given_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept: dict[int, int] = {}
    monkeypatch.setattr(ports, "_kept", kept)
    yield
    for descriptor in kept.values():
        os.close(descriptor)
