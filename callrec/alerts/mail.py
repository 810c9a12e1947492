"""Sends alerts as mails, by SMTP."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from callrec.alerts import words
from callrec.deadline import connected, tls_context, within
from callrec.errors import AlertNotSent, Sentence
from callrec.failures import why
from callrec.model.alerts import Alert
from callrec.policy.office import Office
from callrec.settings import HelpSettings

SECONDS = 10.0
"""How long the server may be silent, at each step."""
WHOLE_SECONDS = 30.0
"""How long it may take to take a mail, in all."""


class Mail:
    """Sends by the mail server of the settings. Each recipient gets a mail of their own."""

    name = "mail"

    def __init__(
        self,
        settings: HelpSettings,
        office: Callable[[], Office],
        zone: ZoneInfo,
        ca_file: Path | None = None,
        seconds: float = WHOLE_SECONDS,
    ) -> None:
        self._settings, self._office, self._zone = settings, office, zone
        self._ca_file, self._seconds = ca_file, seconds

    def recipients(self, alert: Alert) -> Sequence[str]:
        """Returns the addresses of the alert's facility, else those of the settings."""
        return self._office().support_of(alert.facility).mail

    def send(self, alert: Alert, recipient: str) -> None:
        """Sends one mail. Raises AlertNotSent when the server does not take it, or none is named."""
        with self._session() as server:
            server.send_message(self._mail(alert, recipient))

    def write(self, id_: str, to: str, subject: str, text: str) -> None:
        """Sends a mail that is no alert. Raises AlertNotSent."""
        mail = self._envelope(id_, to, subject)
        mail.set_content(text)
        with self._session() as server:
            server.send_message(mail)

    def try_out(self, id_: str, recipients: Sequence[str], to: str) -> str:
        """Sends a mail that says it is a test, and returns who got it: `to`, or the address mails come from.

        The server is asked first whether it would take a mail for each of the `recipients`, who get none.
        Raises AlertNotSent.
        """
        to = to or self._settings.mail_from
        with self._session() as server:
            for each in recipients:
                _ask(server, self._settings.mail_from, each)
            mail = self._envelope(id_, to, words.TEST_SUBJECT)
            mail.set_content(words.TEST_TEXT)
            server.send_message(mail)
        return to

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Gives the server, ready to take mails. Raises AlertNotSent for whatever goes wrong with it."""
        if not self._settings.smtp_host:  # a facility has addresses, and nobody said how to reach them
            raise AlertNotSent("callrec.toml names no mail server: set help.smtp_host and help.mail_from")
        try:
            with within(self._seconds):
                server = self._server()
                try:
                    yield server
                finally:
                    _leave(server)
        except (smtplib.SMTPException, OSError) as error:
            raise AlertNotSent(
                "the mail server {host} did not take it ({problem}): check help.smtp_host",
                host=self._settings.smtp_host,
                problem=_told(error),
            ) from error

    def _server(self) -> smtplib.SMTP:
        """Returns the server, ready to take a mail. Its certificate must be right."""
        to, context = self._settings, tls_context(self._ca_file)
        server: smtplib.SMTP
        if to.smtp_security == "ssl":
            server = _TlsSmtp(to.smtp_host, to.smtp_port, timeout=SECONDS, context=context)
        else:
            server = _Smtp(to.smtp_host, to.smtp_port, timeout=SECONDS)
        try:
            if to.smtp_security == "starttls":
                server.starttls(context=context)
            if to.smtp_user:
                server.login(to.smtp_user, to.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, alert: Alert, recipient: str) -> EmailMessage:
        known = self._office().extensions.get(alert.extension)
        mail = self._envelope(alert.id, recipient, words.subject(alert))
        mail["X-Callrec-Alert"] = alert.id
        mail.set_content(words.text(alert, known.name if known else "", self._zone))
        return mail

    def _envelope(self, id_: str, recipient: str, subject: str) -> EmailMessage:
        """Returns a mail without content."""
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = subject
        mail["From"], mail["To"] = self._settings.mail_from, recipient
        mail["Date"] = format_datetime(datetime.now(UTC))
        # The same at each try, so that whoever gets it twice can tell (decision 11).
        mail["Message-ID"] = f"<{id_}@{self._settings.mail_from.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # no holiday notices in answer
        return mail


def _ask(server: smtplib.SMTP, sender: str, recipient: str) -> None:
    """Asks the server whether it would take a mail for a recipient, and sends none. Raises SMTPException."""
    server.ehlo_or_helo_if_needed()
    code, said = server.mail(sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, sender)
    code, said = server.rcpt(recipient)
    if code not in (250, 251):
        # with the address, which the server need not repeat
        raise smtplib.SMTPResponseException(code, recipient.encode() + b": " + said)
    server.rset()


class _Smtp(smtplib.SMTP):
    """SMTP that keeps to the deadline."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connected(host, port, timeout)


class _TlsSmtp(smtplib.SMTP_SSL, _Smtp):
    """The same, encrypted from the start."""


def _leave(server: smtplib.SMTP) -> None:
    """Says good-bye. The mail was taken by then, or refused: nothing that is said now changes that."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _told(error: Exception) -> Any:
    """Returns what went wrong, on one line: what the server said, else the kind of it."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Sentence(
            "{code}: it does not accept help.smtp_user and help.smtp_password", code=error.smtp_code
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Sentence("it does not offer what help.smtp_security and help.smtp_user ask for")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return why(ConnectionResetError()) if error.__context__ is None else why(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        error = next((smtplib.SMTPResponseException(*each) for each in error.recipients.values()), error)
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return " ".join(f"{error.smtp_code} {text}".split())
    return why(error)
