"""The smallest SIP phones: one calls and sends any request within the call, another waits for a call.

For what baresip cannot do, such as the `Record` header of phones with a record button, a name that is no
text, another codec in the middle of a call, a codec that nobody can decode, or sending no sound at all. UDP
on 127.0.0.1 only; they hear nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import TracebackType

PACKETS = 50
"""How many packets a second has: 20 ms each."""


@dataclass(frozen=True)
class Codec:
    """What a phone speaks: its number and name in SDP, ffmpeg's name for it, and a packet without a tone."""

    number: int
    name: str
    encoder: str
    packet: bytes = b"\xff" * 160


CODECS = {
    "pcmu": Codec(0, "PCMU", "mulaw"),
    "pcma": Codec(8, "PCMA", "alaw"),
    "g722": Codec(9, "G722", "g722"),
    # No encoder is at hand: it says something, and nobody hears what.
    "g729": Codec(18, "G729", "", bytes.fromhex("78527580a0fa8420d4f1") * 2),
}
TRIES = 20
PATIENCE_SECONDS = 0.5


class ForwardingPhone:
    """A phone that sends whoever calls it to a number (302); dialled by its `port`. A context manager."""

    def __init__(self, number: str) -> None:
        self._number, self._sip, self._over = number, _udp(), threading.Event()
        self._sip.settimeout(PATIENCE_SECONDS)
        self.port: int = self._sip.getsockname()[1]
        self._thread = threading.Thread(target=self._answer_all, daemon=True)

    def __enter__(self) -> ForwardingPhone:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._sip.close()

    def _answer_all(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                request, sender = self._sip.recvfrom(65535)
                if request.startswith(b"INVITE"):
                    self._sip.sendto(self._elsewhere(request.decode()).encode(), sender)

    def _elsewhere(self, invite: str) -> str:
        repeated = re.findall(r"(?im)^(?:via|from|to|call-id|cseq):.*", invite.replace("\r", ""))
        headers = [f"{each};tag=elsewhere" if each.lower().startswith("to:") else each for each in repeated]
        contact = f"Contact: <sip:{self._number}@127.0.0.1>"
        return "\r\n".join(["SIP/2.0 302 Moved Temporarily", *headers, contact, "Content-Length: 0", "", ""])


class SipCall:
    """One call of one account to one number. A context manager: it dials, and hangs up.

    `number_shown` and `name` are what it writes into From, the name also where it is no text; `hertz` is what
    it says, None for silence; `mute`: it sends no packets at all.
    """

    def __init__(
        self,
        port: int,
        username: str,
        password: str,
        number: str,
        *,
        number_shown: str = "",
        name: bytes = b"",
        hertz: int | None = None,
        codec: str = "pcmu",
        mute: bool = False,
    ) -> None:
        self._server = ("127.0.0.1", port)
        self._user, self._password = username, password
        self._target = f"sip:{number}@127.0.0.1:{port}"
        self._sip, self._rtp = _udp(), _udp()
        self._sip.settimeout(PATIENCE_SECONDS)
        self._id, self._tag, self._count = secrets.token_hex(8), secrets.token_hex(4), 0
        self._from = name + f"<sip:{number_shown or username}@127.0.0.1>;tag={self._tag}".encode()
        self._to, self._authorization = f"<{self._target}>", ""
        self._codec, self._mute, self._hertz = codec, mute, hertz
        self._sound = _second(hertz, codec)
        self._over = threading.Event()
        self._speaker = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> SipCall:
        try:
            self._call()
        except BaseException:
            self.close()
            raise
        return self

    def _call(self) -> None:
        answer = self._invite(self._offer(self._codec))
        if _status(answer) == 401:
            self._authorize("INVITE", answer)
            answer = self._invite(self._offer(self._codec))
        assert _status(answer) == 200, answer.splitlines()[0]
        self._to = self._to_of(answer)
        self._media = _media_port(answer)
        self._send("ACK", self._to)
        self._speaker.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._request("BYE")
        self._over.set()
        self._speaker.join()
        self.close()

    def close(self) -> None:
        self._sip.close()
        self._rtp.close()

    def info(self, header: str, body: str = "", content: str = "application/dtmf-relay") -> int:
        """Sends an INFO with one more header. Returns the status of the answer."""
        answer = self._request("INFO", body=body, content=content if body else "", extra=header)
        return _status(answer)

    def invite_again(self, codec: str = "pcmu", *, direction: str = "sendrecv", late: bool = False) -> None:
        """Changes the codec or the direction of the sound within the call.

        `late`: without an offer, as phones do that want to hear what the PBX can; its offer is agreed to.
        """
        sound = _second(self._hertz, codec)  # before: to make it takes a while, in which nobody may wait
        answer = self._invite("" if late else self._offer(codec, direction))
        assert _status(answer) == 200, answer.splitlines()[0]
        self._mute, self._codec, self._sound = direction == "inactive", codec, sound
        self._send("ACK", self._to, self._offer(codec, direction) if late else "")

    def offer_again(self, codec: str) -> None:
        """Asks for another codec within the call, and does not wait for the answer."""
        self._count += 1
        self._send("INVITE", self._to, self._offer(codec))

    def update(self) -> int:
        """Says that the call is alive (UPDATE without an offer). Returns the status of the answer."""
        return _status(self._request("UPDATE"))

    # --- for a phone that waits

    @property
    def sip_port(self) -> int:
        return int(self._sip.getsockname()[1])

    def receive(self) -> tuple[str, tuple[str, int]]:
        """The next message. Raises TimeoutError when none comes for a while."""
        text, sender = self._sip.recvfrom(65536)
        return text.decode(), sender

    def agree(self, request: str, sender: tuple[str, int], *, talks: bool) -> None:
        """Answers a request with 200, and with what this phone speaks where it is a call."""
        names = "Via|From|To|Call-ID|CSeq|Record-Route"
        lines = re.findall(rf"(?m)^(?:{names}): .*?(?=\r?$)", request)
        tagged = [f"{each};tag={self._tag}" if _opens(each) else each for each in lines]
        body = self._offer(self._codec) if talks else ""
        kind = ["Content-Type: application/sdp"] if talks else []
        contact = f"Contact: <sip:{self._user}@127.0.0.1:{self._sip.getsockname()[1]}>"
        head = ["SIP/2.0 200 OK", *tagged, contact, *kind, f"Content-Length: {len(body)}"]
        self._sip.sendto(("\r\n".join(head) + "\r\n\r\n" + body).encode(), sender)

    def speak_to(self, port: int) -> None:
        """Begins to talk to a port of the PBX."""
        self._media = port
        self._speaker.start()

    def be_quiet(self) -> None:
        """Ends what `speak_to` began."""
        self._over.set()
        if self._speaker.is_alive():
            self._speaker.join()

    # --- inside

    def _invite(self, body: str) -> str:
        answer = self._request("INVITE", body)
        if _status(answer) >= 300:
            self._send("ACK", self._to_of(answer))
        return answer

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
                text = self._sip.recv(65536).decode(errors="replace")
                mine = text.startswith("SIP/2.0") and f"CSeq: {self._count} {method}" in text
                if mine and _status(text) >= 200:
                    return text
        except TimeoutError:
            return ""

    def _send(self, method: str, to: str, body: str = "") -> None:
        branch = secrets.token_hex(6)
        self._sip.sendto(self._message(method, to, branch, body, "application/sdp", ""), self._server)

    def _message(self, method: str, to: str, branch: str, body: str, content: str, extra: str) -> bytes:
        host = f"127.0.0.1:{self._sip.getsockname()[1]}"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{branch};rport",
            "From: @",
            f"To: {to}",
            f"Call-ID: {self._id}",
            f"CSeq: {self._count} {method}",
            f"Contact: <sip:{self._user}@{host}>",
            "Max-Forwards: 70",
            *filter(None, [self._authorization if method == "INVITE" else "", extra]),
            *([f"Content-Type: {content}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        head = "\r\n".join(lines).encode().replace(b"From: @", b"From: " + self._from, 1)
        return head + b"\r\n\r\n" + body.encode()

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

    def _offer(self, codec: str = "pcmu", direction: str = "sendrecv") -> str:
        port, spoken = self._rtp.getsockname()[1], CODECS[codec]
        kind, name = spoken.number, spoken.name
        return (
            f"v=0\r\no=- 1 {self._count + 1} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {kind}\r\na=rtpmap:{kind} {name}/8000\r\na={direction}\r\n"
        )

    def _speak(self) -> None:
        count = 0
        while not self._over.wait(0.02):
            kind = bytes([0x80, CODECS[self._codec].number])
            header = kind + (count & 0xFFFF).to_bytes(2) + (count * 160).to_bytes(4) + b"\0\0\0\1"
            second = self._sound
            size = len(second) // PACKETS
            if not self._mute:
                packet = second[count % PACKETS * size :][:size]
                self._rtp.sendto(header + packet, ("127.0.0.1", self._media))
            count += 1


class AnsweringPhone:
    """Answers the first call that rings at its `port`. A context manager.

    It does not register: another phone of the account may be called in its place.
    """

    def __init__(self, pbx_port: int, username: str, codec: str) -> None:
        self._account = SipCall(pbx_port, username, "", username, codec=codec)
        self.port = self._account.sip_port
        self._over, self._answered_at = threading.Event(), 0.0
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> AnsweringPhone:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.join()
        self._account.be_quiet()
        self._account.close()

    def seconds(self) -> float:
        """For how long it has been talking; 0 before."""
        return time.monotonic() - self._answered_at if self._answered_at else 0.0

    def _listen(self) -> None:
        """Agrees to whatever is asked. A call is answered at once, and ends with its BYE."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                request, sender = self._account.receive()
                method = request.split()[0]
                if method == "INVITE" and not self._answered_at:
                    self._answered_at = time.monotonic()
                    self._account.speak_to(_media_port(request))
                if method not in ("ACK", "SIP/2.0"):
                    self._account.agree(request, sender, talks=method == "INVITE")


@cache
def _second(hertz: int | None, codec: str) -> bytes:
    """One second of a tone in a codec, or of nothing."""
    if not hertz:
        return CODECS[codec].packet * PACKETS
    source = f"sine=frequency={hertz}:duration=1:sample_rate=16000"
    rate = "16000" if codec == "g722" else "8000"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source]
    command += ["-ar", rate, "-f", CODECS[codec].encoder, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _media_port(body: str) -> int:
    return int(re.findall(r"m=audio (\d+)", body)[0])


def _opens(line: str) -> bool:
    """Whether it is the To line of a request that opens a call."""
    return line.startswith("To:") and "tag=" not in line


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made


def _status(answer: str) -> int:
    return int(answer.split()[1])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
