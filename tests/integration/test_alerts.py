"""Alerts to a real mail server and a real web server: down, back, hanging, with and without a right name."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from callrec.alerts.webhook import signature
from callrec.app import App
from callrec.catalogue import alerts
from callrec.demo.ports import free_port
from callrec.model.alerts import AlertState
from callrec.model.office import Extension, Facility
from callrec.policy.office import Office
from callrec.settings import CatalogueSettings, HelpSettings, NetworkSettings, Settings, SpoolSettings
from tests.integration.mail_server import Mailbox, mail_server
from tests.integration.system import SystemUnderTest, eventually
from tests.integration.web_server import hanging_server, web_server
from tests.told import told_by
from tests.unit.samples import CALL_ID, alert

SECRET = "a secret of some length"
TO = "help@city.example"


class Sender:
    """An app whose alerter runs, as in callrec serve."""

    def __init__(self, folder: Path, ca_file: Path | None = None, **wanted: Any) -> None:
        settings = Settings(
            catalogue=CatalogueSettings(url=f"sqlite:///{folder}/c.db"),
            spool=SpoolSettings(directory=folder / "spool"),
            help=HelpSettings(**wanted),
            network=NetworkSettings(ca_file=ca_file),
        )
        self.app = App(settings)
        self.app.database.upgrade()
        self.app.make_spool()
        office = Office(
            [Facility("shiba", "芝地区総合支所", support_mail=(TO,))], [Extension("2101", "shiba")]
        )
        self.alerter = self.app.alerter(lambda: office)
        self._thread = threading.Thread(target=self.alerter.run)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.alerter.stop()
        self._thread.join(30)
        self.app.close()

    def press(self) -> None:
        """Somebody presses the key."""
        self.app.spool.save_alert(alert())
        self.alerter.wake()

    def told(self, way: str) -> alerts.DeliveryRow | None:
        with self.app.database.read() as connection:
            found = [each for each in alerts.of_call(connection, CALL_ID) if each.way == way]
        return found[0] if found else None

    def sent(self, way: str) -> alerts.DeliveryRow | None:
        told = self.told(way)
        return told if told and told.state is AlertState.SENT else None


def mail_settings(port: int, **more: Any) -> dict[str, Any]:
    plain = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    return {**plain, "mail_from": "callrec@city.example", **more}


def hook_settings(port: int, scheme: str = "http") -> dict[str, Any]:
    return {"webhook_url": f"{scheme}://127.0.0.1:{port}/callrec", "webhook_secret": SECRET}


def test_servers_that_are_down_get_it_when_they_are_back(tmp_path: Path) -> None:
    mail_port, web_port, box = free_port(), free_port(), Mailbox()
    with Sender(tmp_path, **mail_settings(mail_port), **hook_settings(web_port)) as sender:
        sender.press()
        for way in ("mail", "webhook"):
            failed = eventually(lambda way=way: sender.told(way), what=f"a try by {way}")  # type: ignore[misc]
            assert failed.state is AlertState.WAITING and "127.0.0.1" in failed.problem
        assert len(told_by(sender.alerter)) == 2
        with mail_server(box, mail_port), web_server(web_port) as taken:
            eventually(lambda: sender.sent("mail"), what="the mail")
            told = eventually(lambda: sender.sent("webhook"), what="the message")
            eventually(lambda: not sender.app.spool.alerts(), what="an end of waiting")
        assert told.tries > 1 and told.sent_at is not None
        assert told_by(sender.alerter) == []
    (mail,) = box.mails
    assert mail["To"] == TO and mail["From"] == "callrec@city.example"
    assert "芝地区総合支所" in mail["Subject"] and CALL_ID in mail.get_content()
    assert alert().id in mail["Message-ID"], "a mail that comes twice is known by it"
    ((headers, body),) = taken
    expected = signature(body, SECRET, headers["X-Callrec-Timestamp"])
    assert headers["X-Callrec-Signature"] == f"sha256={expected}"
    assert abs(int(headers["X-Callrec-Timestamp"]) - time.time()) < 60
    assert headers["X-Callrec-Alert"] == json.loads(body)["id"] == alert().id


@pytest.mark.parametrize("hangs", ["mail", "webhook"])
def test_a_server_that_hangs_delays_no_other_way(tmp_path: Path, hangs: str) -> None:
    mail_port, web_port, box = free_port(), free_port(), Mailbox()
    both = {**mail_settings(mail_port), **hook_settings(web_port)}
    with hanging_server(mail_port if hangs == "mail" else web_port), Sender(tmp_path, **both) as sender:
        if hangs == "mail":
            with web_server(web_port) as taken:
                sender.press()
                eventually(lambda: taken, what="the message")
        else:
            with mail_server(box, mail_port):
                sender.press()
                eventually(lambda: box.mails, what="the mail")
        other = "webhook" if hangs == "mail" else "mail"
        eventually(lambda: sender.sent(other), what="its row")
        assert sender.told(hangs) is None, "it hangs still"


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_doctor_tries_mail_webhook_and_bucket(system: SystemUnderTest) -> None:
    """They arrive as tests, and the bucket holds nothing else that is new."""
    mail_port, web_port, box = free_port(), free_port(), Mailbox()
    wanted = {**mail_settings(mail_port), **hook_settings(web_port), "mail_to": json.dumps([TO])}
    variables = {f"CALLREC_HELP__{name.upper()}": str(value) for name, value in wanted.items()}
    before = set(system.every_key())
    with mail_server(box, mail_port), web_server(web_port) as taken:
        done = system.callrec("doctor", "--json", "--mail", "it@city.example", **variables)
        box.refuses.add(TO)
        refused = system.callrec("doctor", "--json", **variables)
    rows = {row["part"]: row for row in json.loads(done.stdout)}
    assert [part for part, row in rows.items() if not row["ok"]] == ["controller"], done.stdout
    assert "runs with other settings than these" in rows["controller"]["found"]
    (mail,) = box.mails
    assert mail["To"] == "it@city.example" and "callrec doctor" in mail["Subject"]
    headers, body = taken[0]
    expected = signature(body, SECRET, headers["X-Callrec-Timestamp"])
    assert headers["X-Callrec-Signature"] == f"sha256={expected}"
    assert json.loads(body)["test"] is True and json.loads(body)["event"] == "test"
    assert all(key.startswith(f"doctor/{socket.gethostname()}/") for key in {*system.every_key()} - before)
    assert any(key.startswith("doctor/") for key in system.every_key())
    row = next(row for row in json.loads(refused.stdout) if row["part"] == "help: mail")
    assert not row["ok"] and f"450 {TO}: come again later" in row["found"]


@pytest.mark.parametrize("status", [302, 401, 500])
def test_an_answer_that_is_no_yes_is_a_no(tmp_path: Path, status: int) -> None:
    port = free_port()
    with web_server(port, status) as taken, Sender(tmp_path, **hook_settings(port)) as sender:
        sender.press()
        told = eventually(lambda: sender.told("webhook"), what="a try")
        assert told.state is AlertState.WAITING and str(status) in told.problem
    assert all(json.loads(body)["id"] == alert().id for _, body in taken)


def test_an_address_that_is_refused_for_now_is_tried_again(tmp_path: Path) -> None:
    port, box = free_port(), Mailbox()
    box.refuses.add(TO)
    with mail_server(box, port), Sender(tmp_path, **mail_settings(port)) as sender:
        sender.press()
        told = eventually(lambda: sender.told("mail"), what="a try")
        assert "450 come again later" in told.problem
        box.refuses.clear()
        eventually(lambda: sender.sent("mail"), what="the mail")
    assert len(box.mails) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    made = tmp_path / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", f"{made}.cert"),
        ],
        check=True,
        capture_output=True,
    )
    made.write_text(made.read_text() + Path(f"{made}.cert").read_text())
    return made


def only_with_password(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
) -> AuthResult:
    right = LoginPassword(b"callrec", b"12345678")
    return AuthResult(success=given == right)


@pytest.mark.parametrize("trusted", [True, False])
def test_mail_goes_encrypted_to_a_server_that_is_known(
    tmp_path: Path, certificate: Path, trusted: bool
) -> None:
    port, box = free_port(), Mailbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    guarded = {"tls_context": context, "auth_required": True, "authenticator": only_with_password}
    login = {"smtp_security": "starttls", "smtp_user": "callrec", "smtp_password": "12345678"}
    with (
        mail_server(box, port, **guarded),
        Sender(tmp_path, certificate if trusted else None, **mail_settings(port, **login)) as sender,
    ):
        sender.press()
        told = eventually(lambda: sender.told("mail"), what="a try")
    assert (told.state is AlertState.SENT) == trusted, told.problem
    assert len(box.mails) == (1 if trusted else 0)
    assert trusted or "certificate" in told.problem.lower()


@pytest.mark.parametrize("trusted", [True, False])
def test_messages_go_to_a_server_that_is_known(tmp_path: Path, certificate: Path, trusted: bool) -> None:
    port, context = free_port(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with (
        web_server(port, context=context) as taken,
        Sender(tmp_path, certificate if trusted else None, **hook_settings(port, "https")) as sender,
    ):
        sender.press()
        told = eventually(lambda: sender.told("webhook"), what="a try")
    assert (told.state is AlertState.SENT) == trusted, told.problem
    assert bool(taken) == trusted
