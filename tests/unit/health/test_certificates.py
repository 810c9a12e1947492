"""No server, whatever it does, keeps the thread that asks for certificates from getting on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from callrec.health import certificates
from callrec.health.certificates import CertificateWatch, Server
from callrec.settings import HealthSettings, HelpSettings, Settings
from tests.dripping import dripping


@pytest.mark.parametrize(("opening", "starttls"), [(b"220-", True), (b"\x16\x03\x03\x40\x00", False)])
def test_a_server_that_drips_is_given_up(
    opening: bytes, starttls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "WHOLE_SECONDS", 1.0)
    with dripping(opening) as port:
        begin = time.monotonic()
        assert certificates.end_of(("127.0.0.1", port, starttls), None) is None
        assert time.monotonic() - begin < 10


@pytest.mark.parametrize("host", ["a..example", "a" * 64 + ".example"])
def test_a_name_that_no_machine_can_have_ends_nothing(host: str) -> None:
    server: Server = (host, 443, False)
    watch = CertificateWatch([server], lambda: None, lambda: datetime.now(UTC))
    watch.work()
    assert not watch.ends and watch.problems() == []


def test_the_servers_of_both_webhooks_are_asked_and_none_twice() -> None:
    settings = Settings(
        help=HelpSettings(webhook_url="https://x.example/help", webhook_secret="s"),
        health=HealthSettings(webhook_url="https://y.example:8443/ill", webhook_secret="s"),
    )
    wanted = [("x.example", 443, False), ("y.example", 8443, False)]
    assert [each for each in certificates.servers(settings) if each in wanted] == wanted
    same = settings.model_copy(
        update={"health": HealthSettings(webhook_url="https://x.example/", webhook_secret="s")}
    )
    assert [each for each in certificates.servers(same) if each in wanted] == wanted[:1]
