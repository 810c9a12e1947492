"""The ways by which people are told of the recorder's own illness: those of help, to other addresses."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from callrec.alerts.mail import Mail
from callrec.alerts.webhook import Webhook
from callrec.health import letters
from callrec.health.letters import Letter


class LettersByMail:
    """A mail to each address, by the mail server of [help]."""

    name = "mail"

    def __init__(self, mail: Mail, recipients: Sequence[str], zone: ZoneInfo) -> None:
        self._mail, self.recipients, self._zone = mail, recipients, zone

    def send(self, letter: Letter, recipient: str) -> None:
        """Sends one mail. Raises AlertNotSent."""
        self._mail.write(letter.id, recipient, letters.subject(letter), letters.text(letter, self._zone))


class LettersByWebhook:
    """A message to one system, signed as those of [help] are."""

    name = "webhook"
    recipients: Sequence[str] = ("",)

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    def send(self, letter: Letter, recipient: str) -> None:
        """Posts one message. Raises AlertNotSent."""
        self._webhook.tell(letter.id, letters.plain(letter))
