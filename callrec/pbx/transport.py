"""Gives ari-py an HTTP client with timeouts, and a websocket that notices a lost link (decision 8)."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import websocket
from requests.auth import HTTPBasicAuth, _basic_auth_str
from swaggerpy.http_client import HttpClient

from callrec import web
from callrec.addresses import without_secrets
from callrec.deadline import connected, tls_context, within
from callrec.errors import CallrecError, PbxUnreachable, Refused
from callrec.failures import why

CHUNK, AT_LEAST = 1 << 16, 1 << 14
"""Bytes of a file that are read at a time, and for which the system waits, or for its end."""
PING_SECONDS = 4.0
"""A link that stays silent this long is pinged; twice as long without a word means it is lost."""
IDLE_SECONDS = 10.0
"""How long a connection of ours may have been idle to be used again. Asterisk ends one after 15 s, which is
told late where packets are lost: what is sent on it meanwhile is lost, and a call waits at the gate."""


class AriRefused(CallrecError):
    """Asterisk answered, and the answer was no (404 gone, 409 wrong state, 500 its own trouble)."""

    def __init__(self, status: int, request: str, message: str) -> None:
        super().__init__(
            "the PBX refused {request}: {status} {message}", request=request, status=status, message=message
        )
        self.status = status


class TakenOver(Refused):
    """Another controller has taken this PBX over: this one commands it no more."""


class AriTransport(HttpClient):  # type: ignore[misc]
    """HTTP with a deadline for every request, and one kept-alive connection a thread.

    One that was idle, or is older than the link for events, is not used again: its end may be under way.
    """

    def __init__(
        self,
        user: str,
        password: str,
        timeout: float,
        ca_file: Path | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth, self._timeout, self._ca_file, self._seconds = (user, password), timeout, ca_file, seconds
        self._local = threading.local()
        self.on_connected: Callable[[], None] = lambda: None
        self.unreadable: Callable[[str, str], None] = lambda told, why: None
        """Called with each message that is no event: its beginning, and why."""
        self.before_command: Callable[[], None] = lambda: None
        """Called before each request that changes something; what it raises keeps it from being sent."""
        self.link: Websocket | None = None
        self._links = 0

    def close(self) -> None:
        if self.link:
            self.link.close()

    def renew(self) -> None:
        """Uses none of the connections again that there are now: they are of a link that was lost."""
        self._links += 1

    def request(
        self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None
    ) -> requests.Response:
        """Does a request for ari-py; returns an answer below 400. Raises AriRefused or PbxUnreachable."""
        return self.send(method, url, params=params, data=data, headers=headers)

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        """Does as requests.request, with our session, timeout and errors; 401 and 403 are PbxUnreachable."""
        if method != "GET":
            self.before_command()
        session = self._session()
        try:
            with within(self._timeout):
                response = session.request(method, url, timeout=self._timeout, **options)
        except (requests.RequestException, OSError) as error:
            raise unreachable(url, error) from error
        self._local.used = self._links, self._seconds()
        if response.status_code in (401, 403):
            raise PbxUnreachable(
                "the PBX does not accept user {user} at {url}: check pbx.ari_user and pbx.ari_password",
                user=self._auth[0],
                url=without_secrets(url),
            )
        if response.status_code >= 400:
            raise AriRefused(response.status_code, f"{method} {url.partition('/ari')[2]}", _message(response))
        return response

    def stream(self, url: str) -> tuple[int, Generator[bytes]]:
        """Returns what Content-Length says of a file, and its bytes to the end of the connection.

        Asterisk counts the length in 32 bits with a sign, and sends everything all the same: of files above
        2 GiB it is too small or negative, and an ordinary client would stop there, or wait for more.
        """
        response = self.send("GET", url, stream=True, headers={"Connection": "close"})
        return int(response.headers["Content-Length"]), _to_the_end(response, url, self._timeout)

    def ws_connect(self, url: str, params: Any = None) -> Websocket:
        """Opens the event socket, subscribed to everything; calls `on_connected` once it is open."""
        query = urlencode({**(params or {}), "subscribeAll": "true"})  # decision 1: all calls are watched
        try:
            with within(self._timeout):
                opened = websocket.create_connection(
                    f"{url}?{query}",
                    timeout=self._timeout,
                    header={"Authorization": _basic_auth_str(*self._auth)},
                    suppress_origin=True,
                    skip_utf8_validation=True,  # one name in another encoding must not end the link
                    socket=self._connected(url),  # no proxy, and only our deadline and certificates
                )
        except (websocket.WebSocketException, OSError) as error:
            raise unreachable(url, error) from error
        self.link = link = Websocket(opened, self.unreadable)
        self.renew()
        try:
            self.on_connected()
        except BaseException:
            link.close()  # else Asterisk goes on sending to somebody who does not read
            raise
        return link

    def _connected(self, url: str) -> socket.socket:
        """Returns a connection to the host of a URL, encrypted for wss. Raises OSError."""
        parts = urlsplit(url)
        host, encrypted = parts.hostname or "", parts.scheme == "wss"
        plain = connected(host, parts.port or (443 if encrypted else 80), self._timeout)
        if not encrypted:
            return plain
        try:
            return tls_context(self._ca_file).wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = web.session(self._ca_file)
            self._local.session.auth = HTTPBasicAuth(*self._auth)
            self._local.used = self._links, self._seconds()
        session: requests.Session = self._local.session
        links, used = self._local.used
        if links != self._links or self._seconds() - used > IDLE_SECONDS:
            session.close()  # it makes another connection
        return session


class Websocket:
    """The socket ari-py reads from. A link that is silent is pinged."""

    def __init__(
        self, socket: websocket.WebSocket, unreadable: Callable[[str, str], None] = lambda told, why: None
    ) -> None:
        self._socket, self._pinged, self._unreadable = socket, False, unreadable
        socket.settimeout(PING_SECONDS)

    def recv(self) -> str | None:
        """Returns the next message; None when the link is lost or closed.

        One that is no JSON is passed over: ari-py would end the link for it. In what is not UTF-8, signs that
        cannot be read are replaced.
        """
        while True:
            try:
                opcode, data = self._socket.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                if not self._ping():
                    return None
                continue
            except (websocket.WebSocketException, OSError):
                return None
            self._pinged = False
            if opcode == websocket.ABNF.OPCODE_TEXT and (text := self._text(data)):
                return text
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return None

    def close(self) -> None:
        """Closes the link; a `recv` under way returns None."""
        with suppress(websocket.WebSocketException, OSError):  # it may be gone already
            self._socket.close(timeout=1)

    send_close = close

    def _text(self, data: bytes) -> str:
        """Returns a message as text; empty where it is no event."""
        text = str(data, "utf-8", "replace")
        problem = _problem(text)
        if problem:
            self._unreadable(text, problem)
        return "" if problem else text

    def _ping(self) -> bool:
        """Asks for a sign of life; returns False when the last one was not answered."""
        if self._pinged:
            return False
        self._pinged = True
        try:
            self._socket.ping()
        except (websocket.WebSocketException, OSError):
            return False
        return True


def _problem(text: str) -> str:
    """Returns why a message is no event; empty where it is one. ari-py would end the link for it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "no JSON"
    return "" if isinstance(found, dict) and isinstance(found.get("type"), str) else "no kind"


def _to_the_end(response: requests.Response, url: str, seconds: float) -> Generator[bytes]:
    body = response.raw._original_response  # http.client's own, which can be told to read on
    body.length = None
    with response:
        with socket.socket(fileno=os.dup(body.fileno())) as same:
            # Asterisk sends pieces of 4 KB, and each would wake this thread.
            same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, AT_LEAST)
        try:
            while chunk := _piece(body, seconds):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(url, error) from error


def _piece(body: http.client.HTTPResponse, seconds: float) -> bytes:
    with within(seconds):
        return body.read(CHUNK)


def unreachable(url: str, error: Exception) -> PbxUnreachable:
    """Returns the error that says in one line why the PBX at `url` does not answer."""
    return PbxUnreachable(
        "the PBX does not answer at {url} ({problem}): is Asterisk running, and is pbx.ari_url right?",
        url=without_secrets(url),
        problem=why(error),
    )


def _message(response: requests.Response) -> str:
    try:
        body = response.json()
        return str(body.get("message") or body.get("error") or "")
    except ValueError:
        return response.reason
