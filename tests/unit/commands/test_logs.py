"""What controller and desk write into their logs: a traceback says where, and nothing of the values there."""

from __future__ import annotations

import io
import sys

import pytest
import structlog

from callrec.evidence.keys import SigningKey
from callrec.log_lines import log_to_stderr


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _fails(key: SigningKey, secret_key: str) -> None:
    pem = key.pem()
    raise ZeroDivisionError(f"of {len(pem)} and {len(secret_key)}")


@pytest.mark.parametrize("stream", [io.StringIO, _Terminal])
def test_a_bug_shows_no_secret(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the reports of some libraries do, which show all that is in the functions it went through."""
    written, key = stream(), SigningKey.made()
    monkeypatch.setattr(sys, "stderr", written)
    try:
        writer = log_to_stderr(numbers=False)
        try:
            _fails(key, "geheim" * 2)
        except ZeroDivisionError:
            structlog.get_logger().exception("a bug: please report it", key=key)
        writer.close()
    finally:
        structlog.reset_defaults()
    text = written.getvalue()
    assert "ZeroDivisionError" in text and "_fails" in text
    lines = key.pem().decode().splitlines()
    assert not any(line in text for line in ["geheimgeheim", *lines])
