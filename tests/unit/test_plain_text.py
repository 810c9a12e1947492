"""Which connections go unencrypted to other machines."""

from __future__ import annotations

from typing import Any

import pytest

from callrec.plain_text import plain_links
from callrec.settings import Settings

MAIL = {"smtp_security": "none", "mail_from": "a@b.example"}
HOOK = {"webhook_secret": "s"}
THERE = "postgresql://u:secret@10.0.0.5/x"


@pytest.mark.parametrize(
    ("section", "given", "link"),
    [
        ("pbx", {"ari_url": "http://10.0.0.5:8088/ari"}, "pbx.ari_url (http://10.0.0.5:8088)"),
        ("pbx", {"ari_url": "HTTP://pbx/ari"}, "pbx.ari_url"),
        ("pbx", {"ami_host": "pbx.city.example"}, "pbx.ami_host (pbx.city.example)"),
        ("pbx", {"ami_host": "127.0.0.1.city.example"}, "pbx.ami_host"),
        ("pbx", {"ami_host": "0.0.0.0"}, "pbx.ami_host"),  # noqa: S104
        ("archive", {"endpoint_url": "http://s3:9000"}, "archive.endpoint_url (http://s3:9000)"),
        ("help", {"smtp_host": "mail", **MAIL}, "help.smtp_host (mail)"),
        ("help", {"webhook_url": "http://h/token", **HOOK}, "help.webhook_url (http://h)"),
        ("catalogue", {"url": THERE}, "catalogue.url (postgresql://u@10.0.0.5/x)"),
        ("catalogue", {"url": f"{THERE}?sslmode=prefer"}, "catalogue.url"),
        ("catalogue", {"url": "postgresql:///x?host=db"}, "catalogue.url"),
        ("catalogue", {"url": "postgresql:///x?host=localhost:5432,db:5432"}, "catalogue.url"),
        ("catalogue", {"url": "postgresql://localhost/x?hostaddr=10.0.0.5"}, "catalogue.url"),
    ],
)
def test_plain_text_to_another_machine(section: str, given: dict[str, Any], link: str) -> None:
    (found,) = plain_links(Settings.model_validate({section: given}))
    assert found.startswith(link) and "secret" not in found and "token" not in found
    assert not plain_links(Settings.model_validate({section: given, "network": {"allow_plain_text": True}}))


@pytest.mark.parametrize(
    ("section", "given"),
    [
        ("pbx", {"ari_url": "https://10.0.0.5:8089/ari"}),
        ("pbx", {"ari_url": "http://127.4.5.6/ari", "ami_host": "::1"}),
        ("pbx", {"ari_url": "http://[::1]:8088/ari", "ami_host": "::ffff:127.0.0.1"}),
        ("pbx", {"ami_host": "localhost"}),
        ("archive", {"endpoint_url": None}),
        ("help", {"smtp_host": "mail", "mail_from": "a@b.example"}),
        ("help", {"smtp_host": "localhost", **MAIL}),
        ("help", {"webhook_url": "https://h/", **HOOK}),
        ("catalogue", {"url": f"{THERE}?sslmode=require"}),
        ("catalogue", {"url": f"{THERE}?sslmode=verify-full&sslrootcert=system"}),
        ("catalogue", {"url": "postgresql:///x?host=/run/postgresql"}),
        ("catalogue", {"url": "postgresql://u@127.0.0.1/x"}),
    ],
)
def test_what_nobody_can_listen_to(section: str, given: dict[str, Any]) -> None:
    assert not plain_links(Settings.model_validate({section: given}))
