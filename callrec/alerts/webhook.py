"""Sends alerts as signed messages to another system, by HTTP POST."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from callrec import web
from callrec.alerts.words import plain
from callrec.errors import AlertNotSent
from callrec.failures import why
from callrec.model.alerts import Alert
from callrec.policy.office import Office
from callrec.settings import HelpSettings

SECONDS = 10.0
"""How long the server may take to be reached and to answer, in all."""


class Webhook:
    """Sends to the webhook of the settings, which has one recipient without a name. Follows no redirect."""

    name = "webhook"

    def __init__(
        self,
        settings: HelpSettings,
        office: Callable[[], Office],
        ca_file: Path | None = None,
        seconds: float = SECONDS,
        setting: str = "help.webhook_url",
    ) -> None:
        """`setting` is what has the address, for who is to look at it."""
        self._setting = setting
        self._url, self._office = settings.webhook_url, office
        self._secret = settings.webhook_secret.get_secret_value()
        self._proxy, self._ca_file, self._seconds = settings.webhook_proxy, ca_file, seconds

    def recipients(self, alert: Alert) -> Sequence[str]:
        return ("",)

    def send(self, alert: Alert, recipient: str) -> None:
        """Posts one message. Raises AlertNotSent unless the answer's status is 200 to 299."""
        self._post(alert.id, message(alert, self._office()))

    def try_out(self, alert: Alert) -> None:
        """Posts a message that says it is a test; signed as any, with all fields. Raises AlertNotSent."""
        self._post(alert.id, {**message(alert, self._office()), "event": "test", "test": True})

    def tell(self, id_: str, said: dict[str, Any]) -> None:
        """Posts a message that is no alert; signed as any. Raises AlertNotSent."""
        self._post(id_, said)

    def _post(self, id_: str, said: dict[str, Any]) -> None:
        body = json.dumps(said, ensure_ascii=False).encode()
        try:
            status = self._posted(body, headers(id_, body, self._secret, str(int(time.time()))))
        except (requests.RequestException, OSError) as error:
            # Only its kind: its text repeats the address, which may hold a token.
            raise AlertNotSent(
                "{host} does not answer ({problem}): check {setting}",
                setting=self._setting,
                host=urlsplit(self._url).hostname,
                problem=why(error),
            ) from error
        if not 200 <= status < 300:
            raise AlertNotSent(
                "{host} answered {status}: check {setting}",
                setting=self._setting,
                host=urlsplit(self._url).hostname,
                status=status,
            )

    def _posted(self, body: bytes, headers: dict[str, str]) -> int:
        """Posts a message and returns the status of the answer."""
        with web.posted(
            self._url, body, headers, self._seconds, self._ca_file, self._proxy
        ) as response:  # what it says besides its status is not waited for
            return response.status_code


def message(alert: Alert, office: Office) -> dict[str, Any]:
    """Returns what the message says, as plain JSON."""
    known = office.extensions.get(alert.extension)
    return {"event": "help", **plain(alert), "extension_name": known.name if known else ""}


def headers(alert_id: str, body: bytes, secret: str, timestamp: str) -> dict[str, str]:
    """Returns the headers of a message. `timestamp` is in seconds since 1970, by callrec's clock.

    The signature covers it, so that the receiver can refuse a message that somebody sends again later.
    """
    return {
        "Content-Type": "application/json",
        "User-Agent": "callrec",
        "X-Callrec-Alert": alert_id,  # the same at each try: decision 11
        "X-Callrec-Timestamp": timestamp,
        "X-Callrec-Signature": f"sha256={signature(body, secret, timestamp)}",
    }


def signature(body: bytes, secret: str, timestamp: str) -> str:
    """Returns the HMAC-SHA256 of `<timestamp>.<body>`, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
