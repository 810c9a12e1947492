"""Test mails and messages: who gets them, and what they say. Real servers get some in test_alerts.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callrec.alerts import words
from callrec.alerts.webhook import Webhook
from callrec.app import App
from callrec.catalogue import facilities
from callrec.model.office import Facility
from callrec.settings import CatalogueSettings, HealthSettings, HelpSettings
from tests.unit.doctor.look import check, with_settings

MAIL: dict[str, Any] = {"smtp_host": "mail.city.example", "mail_from": "callrec@city.example"}


def _facility(app: App, *addresses: str) -> None:
    with app.database.begin() as connection:
        new = Facility("shiba", "芝", support_mail=addresses)
        facilities.add_facility(connection, new, who="test", at=app.now)


@pytest.mark.parametrize("part", ["help: mail", "help: webhook", "health: webhook"])
def test_without_help_there_is_nothing_to_try(app: App, part: str) -> None:
    result = check(app, part)
    assert result.ok and result.found == "none"


def test_a_facility_has_addresses_and_there_is_no_mail_server(app: App) -> None:
    _facility(app, "shiba@city.example")
    result = check(app, "help: mail")
    assert not result.ok and "names no mail server" in result.found


class Server:
    """A mail server that was logged into, and refuses some recipients."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.asked = refused, list[str]()
        self.sent: list[Any] = []

    def ehlo_or_helo_if_needed(self) -> None:
        pass

    def mail(self, sender: str) -> tuple[int, bytes]:
        return 250, b"OK"

    def rcpt(self, recipient: str) -> tuple[int, bytes]:
        self.asked.append(recipient)
        return (550, b"nobody here") if recipient in self.refused else (250, b"OK")

    def rset(self) -> None:
        pass

    def send_message(self, mail: Any) -> None:
        self.sent.append(mail)

    def quit(self) -> None:
        pass

    close = quit


def _with_server(server: Server, app: App, monkeypatch: pytest.MonkeyPatch, **wanted: Any) -> App:
    monkeypatch.setattr("callrec.alerts.mail.Mail._server", lambda _: server)
    return with_settings(app, help=HelpSettings(**MAIL, **wanted))


def test_everybody_who_is_told_is_asked_for_and_one_mail_is_sent(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    _facility(app, "shiba@city.example", "all@city.example")
    server = Server()
    helped = _with_server(server, app, monkeypatch, mail_to=("all@city.example",))
    changed = with_settings(helped, health=HealthSettings(mail_to=("it@city.example",)))
    result = check(changed, "help: mail")
    changed.close()
    helped.close()
    assert result.ok and "a test was sent to callrec@city.example" in result.found
    assert server.asked == ["all@city.example", "it@city.example", "shiba@city.example"]
    (mail,) = server.sent
    assert mail["To"] == mail["From"] == "callrec@city.example" and mail["Subject"] == words.TEST_SUBJECT
    assert "応援の要請ではありません" in mail.get_content() and "Nobody asks for help" in mail.get_content()


def test_an_address_that_the_server_would_not_take(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("gone@city.example")
    changed = _with_server(server, app, monkeypatch, mail_to=("gone@city.example",))
    result = check(changed, "help: mail")
    changed.close()
    assert not result.ok and "550 gone@city.example: nobody here" in result.found and not server.sent


def test_the_message_says_that_it_is_a_test(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[bytes] = []

    def post(_self: Webhook, body: bytes, _headers: dict[str, str]) -> int:
        posted.append(body)
        return 204

    monkeypatch.setattr(Webhook, "_posted", post)
    changed = with_settings(app, help=HelpSettings(webhook_url="https://x.example/", webhook_secret="s"))
    assert check(changed, "help: webhook").ok
    said = json.loads(posted[0])
    assert (said["event"], said["test"], said["recorded"]) == ("test", True, False)


def test_the_webhook_that_is_told_of_illness_is_tried_too(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    status, posted = [204], list[bytes]()

    def post(_self: Webhook, body: bytes, _headers: dict[str, str]) -> int:
        posted.append(body)
        return status[0]

    monkeypatch.setattr(Webhook, "_posted", post)
    changed = with_settings(app, health=HealthSettings(webhook_url="https://x.example/", webhook_secret="s"))
    assert check(changed, "health: webhook").ok
    said = json.loads(posted[0])
    assert (said["event"], said["test"], said["begun"]) == ("test", True, [])
    status[0] = 500
    result = check(changed, "health: webhook")
    changed.close()
    assert not result.ok and result.found == "x.example answered 500: check health.webhook_url"


def test_who_is_told_is_known_also_while_the_database_is_away(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    _facility(app, "shiba@city.example")
    app.save_office(app.office())
    server = Server()
    changed = _with_server(server, app, monkeypatch)
    away = with_settings(changed, catalogue=CatalogueSettings(url="sqlite:////nowhere/at/all.db"))
    assert check(away, "help: mail").ok and server.asked == ["shiba@city.example"]
    (away.spool.directory / "office.json").unlink()
    result = check(away, "help: mail")
    assert not result.ok and "there is no database" in result.found
    away.close()
