"""The smallest SIP phone: it calls, keeps the call with silence, and sends in-dialog INFO requests.

For what baresip cannot send, such as the `Record` header of phones with a record button. UDP on
127.0.0.1 only; it answers no requests, hears nothing, and does not register.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import threading
from types import TracebackType

SILENCE = b"\xff" * 160
"""20 ms of G.711 µ-law."""
TRIES = 20
PATIENCE_SECONDS = 0.5


class SipCall:
    """One call of one account to one number. A context manager: it dials, and hangs up."""

    def __init__(self, port: int, username: str, password: str, number: str) -> None:
        self._server = ("127.0.0.1", port)
        self._user, self._password = username, password
        self._target = f"sip:{number}@127.0.0.1:{port}"
        self._sip, self._rtp = _udp(), _udp()
        self._sip.settimeout(PATIENCE_SECONDS)
        self._id, self._tag, self._count = secrets.token_hex(8), secrets.token_hex(4), 0
        self._to, self._authorization = f"<{self._target}>", ""
        self._over = threading.Event()
        self._speaker = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> SipCall:
        answer = self._request("INVITE", body=self._offer())
        if _status(answer) == 401:
            self._send("ACK", self._to_of(answer))
            self._authorize("INVITE", answer)
            answer = self._request("INVITE", body=self._offer())
        assert _status(answer) == 200, answer.splitlines()[0]
        self._to = self._to_of(answer)
        self._media = int(re.findall(r"m=audio (\d+)", answer)[0])
        self._send("ACK", self._to)
        self._speaker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._request("BYE")
        self._over.set()
        self._speaker.join()
        self._sip.close()
        self._rtp.close()

    def info(self, header: str, body: str = "", content: str = "application/dtmf-relay") -> int:
        """Sends an INFO with one more header. Returns the status of the answer."""
        answer = self._request("INFO", body=body, content=content if body else "", extra=header)
        return _status(answer)

    # --- inside

    def _request(self, method: str, body: str = "", content: str = "application/sdp", extra: str = "") -> str:
        """The final answer to a request, which is sent until one comes."""
        self._count += 1
        message = self._message(method, self._to, secrets.token_hex(6), body, content, extra)
        for _ in range(TRIES):
            self._sip.sendto(message, self._server)
            answer = self._answer_to(method)
            if answer:
                return answer
        raise TimeoutError(f"no answer to {method}")

    def _answer_to(self, method: str) -> str:
        try:
            while True:
                text = self._sip.recv(65536).decode()
                mine = text.startswith("SIP/2.0") and f"CSeq: {self._count} {method}" in text
                if mine and _status(text) >= 200:
                    return text
        except TimeoutError:
            return ""

    def _send(self, method: str, to: str) -> None:
        self._sip.sendto(self._message(method, to, secrets.token_hex(6), "", "", ""), self._server)

    def _message(self, method: str, to: str, branch: str, body: str, content: str, extra: str) -> bytes:
        host = f"127.0.0.1:{self._sip.getsockname()[1]}"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{branch};rport",
            f"From: <sip:{self._user}@127.0.0.1>;tag={self._tag}",
            f"To: {to}",
            f"Call-ID: {self._id}",
            f"CSeq: {self._count} {method}",
            f"Contact: <sip:{self._user}@{host}>",
            "Max-Forwards: 70",
            *filter(None, [self._authorization if method == "INVITE" else "", extra]),
            *([f"Content-Type: {content}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _authorize(self, method: str, challenge: str) -> None:
        (said,) = re.findall(r"(?m)^WWW-Authenticate: Digest (.*?)\r?$", challenge)
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
        secret = _md5(f"{self._user}:{given['realm']}:{self._password}")
        chain = [secret, given["nonce"], "00000001", "callrec", "auth", _md5(f"{method}:{self._target}")]
        fields = {
            **{name: given[name] for name in ("realm", "nonce", "opaque") if name in given},
            "username": self._user,
            "uri": self._target,
            "cnonce": "callrec",
            "response": _md5(":".join(chain)),
        }
        quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
        self._authorization = f"Authorization: Digest {quoted}, algorithm=MD5, qop=auth, nc=00000001"

    @staticmethod
    def _to_of(answer: str) -> str:
        (to,) = re.findall(r"(?m)^To: (.*?)\r?$", answer)
        return str(to)

    def _offer(self) -> str:
        port = self._rtp.getsockname()[1]
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )

    def _speak(self) -> None:
        count = 0
        while not self._over.wait(0.02):
            header = b"\x80\x00" + (count & 0xFFFF).to_bytes(2) + (count * 160).to_bytes(4) + b"\0\0\0\1"
            self._rtp.sendto(header + SILENCE, ("127.0.0.1", self._media))
            count += 1


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made


def _status(answer: str) -> int:
    return int(answer.split()[1])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
