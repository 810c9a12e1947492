"""Gives ari-py an HTTP client with timeouts, and a websocket that notices a lost link (decision 8).

The client is http.client's, kept alive: a request by requests takes four times as long as Asterisk to answer,
and a call waits for several of them before its first sample.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import websocket
from swaggerpy.http_client import HttpClient

from callrec.addresses import without_secrets
from callrec.deadline import LEAST_RATE, connected, tls_context, within
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


class Answer:
    """What Asterisk answered, as ari-py reads it. It was no refusal: those are raised before."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code, self._body = status, body

    def raise_for_status(self) -> None:
        """Does nothing."""

    def json(self) -> Any:
        """Returns the JSON. In what is not UTF-8, signs that cannot be read are replaced."""
        return json.loads(str(self._body, "utf-8", "replace"))


class _Connection(http.client.HTTPConnection):
    """A connection whose socket somebody else makes, each time one is needed."""

    def __init__(self, url: str, connected: Callable[[str], socket.socket]) -> None:
        super().__init__(urlsplit(url).netloc)
        self._url, self._connected = url, connected

    def leads_to(self, url: str) -> bool:
        """Tells whether it is a connection to the host of a URL, and encrypted as that says."""
        return urlsplit(url)[:2] == urlsplit(self._url)[:2]

    def connect(self) -> None:
        self.sock = self._connected(self._url)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __del__(self) -> None:
        """Closes it with the thread whose it was."""
        self.close()

    def close_if_ended(self) -> None:
        """Closes it where the other end has: nobody says anything unasked."""
        if not self.sock:
            return
        said = select.poll()  # select() knows no descriptor above 1023
        said.register(self.sock, select.POLLIN)
        if said.poll(0):
            self.close()


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
        self._user, self._timeout, self._seconds = user, timeout, seconds
        self._login = {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
        self._local = threading.local()
        self._connected = partial(_connected, timeout=timeout, ca_file=ca_file)
        self.on_connected: Callable[[], None] = lambda: None
        self.unreadable: Callable[[str, str], None] = lambda told, why: None
        """Called with each message that is no event: its beginning, and why."""
        self.before_command: Callable[[], None] = lambda: None
        """Called before each request that changes something; what it raises keeps it from being sent."""
        self.link: Websocket | None = None
        self._links = 0

    def close(self) -> None:
        """Closes the link, and the connection of this thread; those of others end with their threads."""
        if self.link:
            self.link.close()
        if hasattr(self._local, "connection"):
            self._local.connection.close()

    def renew(self) -> None:
        """Uses none of the connections again that there are now: they are of a link that was lost."""
        self._links += 1

    def request(
        self, method: str, url: str, params: Any = None, data: str | None = None, headers: Any = None
    ) -> Answer:
        """Does a request for ari-py; returns an answer below 300. Raises AriRefused, or PbxUnreachable where
        Asterisk does not answer, or not to us (401, 403)."""
        if method != "GET":
            self.before_command()
        url += f"?{urlencode(params)}" if params else ""
        connection = self._connection(url)
        with self._exchange(url):
            try:
                response = self._ask(connection, method, url, data, headers or {})
                answer = Answer(response.status, response.read())
            except BaseException:
                connection.close()
                raise
        self._local.used = self._links, self._seconds()
        self._check(method, url, response, answer)
        return answer

    def size(self, url: str) -> int:
        """Returns what Content-Length says of a file. Raises as `request` does."""
        with closing(self._alone(url)) as connection:
            return _length(self._file(connection, url), url)

    def stream(self, url: str) -> tuple[int, Generator[bytes]]:
        """Returns what Content-Length says of a file, and its bytes to the end of the connection.

        Asterisk counts the length in 32 bits with a sign, and sends everything all the same: of files above
        2 GiB it is too small or negative, and an ordinary client would stop there, or wait for more.
        """
        connection = self._alone(url)
        try:
            response = self._file(connection, url)
            length = _length(response, url)
        except BaseException:
            connection.close()
            raise
        return length, _to_the_end(connection, response, url, self._timeout)

    def _file(self, connection: _Connection, url: str) -> http.client.HTTPResponse:
        """Returns the answer with a file, of which nothing is read yet."""
        with self._exchange(url):
            response = self._ask(connection, "GET", url, None, {"Connection": "close"})
            said = response.read() if response.status >= http.HTTPStatus.MULTIPLE_CHOICES else b""
        self._check("GET", url, response, Answer(response.status, said))
        return response

    def _ask(
        self, connection: _Connection, method: str, url: str, data: str | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, data.encode() if data else None, {**self._login, **headers})
        return connection.getresponse()

    @contextmanager
    def _exchange(self, url: str) -> Iterator[None]:
        """Limits one exchange. Raises PbxUnreachable for what becomes of a connection."""
        try:
            with within(self._timeout):
                yield
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(url, error) from error

    def _check(self, method: str, url: str, response: http.client.HTTPResponse, answer: Answer) -> None:
        """Raises the error of an answer that is none, or a refusal."""
        if response.status in (401, 403):
            raise PbxUnreachable(
                "the PBX does not accept user {user} at {url}: check pbx.ari_user and pbx.ari_password, and "
                "with callrec pbx install whether an Apply or an upgrade has taken callrec's lines away",
                user=self._user,
                url=without_secrets(url),
            )
        if response.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            asked = f"{method} {url.partition('?')[0].partition('/ari')[2]}"
            raise AriRefused(response.status, asked, _message(answer) or response.reason)

    def ws_connect(self, url: str, params: Any = None) -> Websocket:
        """Opens the event socket, subscribed to everything; calls `on_connected` once it is open."""
        query = urlencode({**(params or {}), "subscribeAll": "true"})  # decision 1: all calls are watched
        try:
            with within(self._timeout):
                opened = websocket.create_connection(
                    f"{url}?{query}",
                    timeout=self._timeout,
                    header=self._login,
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

    def _connection(self, url: str) -> _Connection:
        """Returns the connection of this thread to where a URL leads."""
        if not hasattr(self._local, "connection") or not self._local.connection.leads_to(url):
            self._local.connection = self._alone(url)
            self._local.used = self._links, self._seconds()
        connection: _Connection = self._local.connection
        links, used = self._local.used
        if links != self._links or self._seconds() - used > IDLE_SECONDS:
            connection.close()  # it makes another one
        connection.close_if_ended()
        return connection

    def _alone(self, url: str) -> _Connection:
        return _Connection(url, self._connected)


def _connected(url: str, *, timeout: float, ca_file: Path | None) -> socket.socket:
    """Returns a connection to the host of a URL, encrypted for wss and https. Raises OSError.

    No method: a connection that held the transport would be closed only when all that holds either is found
    to be garbage.
    """
    parts = urlsplit(url)
    host, encrypted = parts.hostname or "", parts.scheme in ("wss", "https")
    plain = connected(host, parts.port or (443 if encrypted else 80), timeout)
    if not encrypted:
        return plain
    try:
        return tls_context(ca_file).wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


class Websocket:
    """The socket that events come from. A link that is silent is pinged."""

    def __init__(
        self, socket: websocket.WebSocket, unreadable: Callable[[str, str], None] = lambda told, why: None
    ) -> None:
        self._socket, self._pinged, self._unreadable = socket, False, unreadable
        socket.settimeout(PING_SECONDS)

    def recv(self) -> dict[str, Any] | None:
        """Returns the JSON of the next event; None when the link is lost or closed.

        A message that is no event is passed over. In what is not UTF-8, signs that cannot be read are
        replaced.
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
            if opcode == websocket.ABNF.OPCODE_TEXT and (event := self._event(data)):
                return event
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return None

    def close(self) -> None:
        """Closes the link; a `recv` under way returns None."""
        with suppress(websocket.WebSocketException, OSError):  # it may be gone already
            self._socket.close(timeout=1)

    def _event(self, data: bytes) -> dict[str, Any] | None:
        """Returns the JSON of an event; None where a message is none."""
        text = str(data, "utf-8", "replace")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            self._unreadable(text, "no JSON")
            return None
        if isinstance(found, dict) and isinstance(found.get("type"), str):
            return found
        self._unreadable(text, "no kind")
        return None

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


def _to_the_end(
    connection: _Connection, body: http.client.HTTPResponse, url: str, seconds: float
) -> Generator[bytes]:
    body.length = None  # it reads on
    with closing(connection), body:
        try:
            _wait_for_more(body, seconds)
            while chunk := _piece(body, seconds):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(url, error) from error


def _wait_for_more(body: http.client.HTTPResponse, seconds: float) -> None:
    """Has the system wait for more than the 4 KB that Asterisk sends at a time, each of which would wake us;
    for no more than a slow line brings within a deadline."""
    at_least = min(AT_LEAST, int(LEAST_RATE * seconds / 2))
    with socket.socket(fileno=os.dup(body.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(1, at_least))


def _length(response: http.client.HTTPResponse, url: str) -> int:
    """Returns what Content-Length says. Raises PbxUnreachable where nothing does."""
    try:
        return int(response.headers["Content-Length"])
    except (TypeError, ValueError) as error:
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


def _message(answer: Answer) -> str:
    """Returns what Asterisk says of a refusal; empty where that is nothing."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("message") or body.get("error") or "") if isinstance(body, dict) else ""
