"""SIP as text: what a message says, what is answered, and how an account proves itself (RFC 3261, 2617)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

REPEATED = ("via", "record-route", "from", "to", "call-id", "cseq")
"""The headers of a request that its answer repeats."""
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
REASONS = {180: "Ringing", 200: "OK", 404: "Not Found", 487: "Request Terminated"}


@dataclass(frozen=True)
class Message:
    """A request or an answer: its first line, headers in their order, and body."""

    start: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def parse(cls, data: bytes) -> Message:
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines if ":" in line)
        return cls(start, [(_name(name), value.strip()) for name, _, value in pairs], body)

    def header(self, name: str) -> str:
        """Returns the first header of that name; none: the empty text."""
        return next((value for each, value in self.headers if each == name), "")

    @property
    def status(self) -> int:
        """The number of an answer; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """What is asked, or what is answered."""
        return self.header("cseq").partition(" ")[2]

    @property
    def contact(self) -> str:
        """Where the other end wants to be reached within the call."""
        found = re.search(r"<([^>]+)>", self.header("contact"))
        return found[1] if found else ""

    @property
    def caller(self) -> str:
        """The number in From."""
        found = re.search(r"sips?:([^@>;]*)@", self.header("from"))
        return found[1] if found else ""

    @property
    def media_port(self) -> int:
        found = re.search(r"m=audio (\d+)", self.body)
        return int(found[1]) if found else 0

    def answer(self, status: int, tag: str, contact: str, body: str = "") -> bytes:
        """Returns what answers this request."""
        headers = [(name, value) for name, value in self.headers if name in REPEATED]
        tagged = [
            (name, f"{value};tag={tag}" if name == "to" and "tag=" not in value else value)
            for name, value in headers
        ]
        return written(f"SIP/2.0 {status} {REASONS[status]}", [*tagged, ("contact", contact)], body)


def written(start: str, headers: list[tuple[str, str]], body: str = "") -> bytes:
    """Returns a message as it is sent."""
    kind = [("content-type", "application/sdp")] if body else []
    lines = [start, *(f"{name}: {value}" for name, value in headers + kind)]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", body]).encode()


def offer(port: int) -> str:
    """Returns the description of a party that speaks G.711 µ-law and sends digits as packets."""
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def authorization(challenge: str, user: str, password: str, method: str, target: str) -> str:
    """Returns the header that answers a challenge."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.partition(" ")[2]))
    client = secrets.token_hex(8)
    secret = _md5(f"{user}:{given['realm']}:{password}")
    proof = [secret, given["nonce"], "00000001", client, "auth", _md5(f"{method}:{target}")]
    fields = {
        **{name: given[name] for name in ("realm", "nonce", "opaque") if name in given},
        "username": user,
        "uri": target,
        "cnonce": client,
        "response": _md5(":".join(proof)),
    }
    quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    return f"Digest {quoted}, algorithm=MD5, qop=auth, nc=00000001"


def _name(written: str) -> str:
    name = written.strip().lower()
    return SHORT.get(name, name)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
