"""The calls of the phones: who dials, who answers, when what happened."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench.phones.legs import Leg
from bench.phones.media import PACKET_SECONDS, Media
from bench.phones.messages import Message, authorization, offer, written
from bench.phones.sounds import packets
from bench.phones.wire import Wire

SIDES = ("external", "staff")
REGISTERED_SECONDS = 7200
ANYWHERE = 10**7
"""How many numbers there are to call from (03-3xxx-xxxx); each process begins anywhere among them."""


@dataclass
class LegTimes:
    """When one party said its first and its last packet, when it heard them, when its last digit ended, and
    when it heard the tone that it listens for. From then on all packets count as heard, before only
    the first. Times are of time.time(); 0.0: not yet."""

    first_sent: float = 0.0
    last_sent: float = 0.0
    first_heard: float = 0.0
    last_heard: float = 0.0
    digit_end: float = 0.0
    tone_heard: float = 0.0
    heard: int = 0
    listened_from: float = 0.0


@dataclass
class CallTimes:
    """When what happened to a call; `number` is the caller's. `refused` is the status of a call that failed.

    Times are of time.time(); 0.0: not yet.
    """

    number: str
    invited: float = 0.0
    ringing: float = 0.0
    answered: float = 0.0
    ended: float = 0.0
    refused: int = 0
    external: LegTimes = field(default_factory=LegTimes)
    staff: LegTimes = field(default_factory=LegTimes)

    def said(self, side: str) -> float:
        """Returns how long a side has spoken since the call was answered, in seconds: its packets."""
        leg: LegTimes = getattr(self, side)
        before = max(0, math.ceil((self.answered - leg.first_sent) / PACKET_SECONDS))
        return (round((leg.last_sent - leg.first_sent) / PACKET_SECONDS) + 1 - before) * PACKET_SECONDS


@dataclass
class Dialog:
    """SIP between the PBX and one party of a call, or the registration of an account."""

    account: str
    id: str
    mine: str
    theirs: str
    target: str
    call: Call | None = None
    side: str = ""
    leg: Leg | None = None
    count: int = 0
    tried: bool = False
    asked: tuple[str, list[tuple[str, str]], str] = ("", [], "")
    answer: bytes = b""
    then: Callable[[], None] = lambda: None


@dataclass
class Call:
    """One call, with what each side says."""

    times: CallTimes
    dialled: str
    sounds: dict[str, str]
    ring_seconds: float
    dialogs: dict[str, Dialog] = field(default_factory=dict)


class Exchange:
    """All phones: callers on the line `outside`, and the extensions that answer them."""

    def __init__(self, wire: Wire, media: Media, accounts: dict[str, str], line: str) -> None:
        self._wire, self._media, self._accounts, self._line = wire, media, accounts, line
        self.calls: list[Call] = []
        self.registered: set[str] = set()
        self._first = 330_000_000 + secrets.randbelow(ANYWHERE)
        self._dialogs: dict[str, Dialog] = {}
        self._ringing: dict[str, Call] = {}

    # --- what the benchmark asks for

    def register(self, extension: str) -> None:
        """Makes these phones the only ones of an extension."""
        address = f"<sip:{extension}@{self._wire.pbx}>"
        dialog = self._dialog(extension, address, f"sip:{self._wire.pbx}")
        seconds = ("expires", str(REGISTERED_SECONDS))
        dialog.then = lambda: self._register_here(dialog, seconds)
        self._request(dialog, "REGISTER", [("contact", "*"), ("expires", "0")])

    def dial(self, number: str, sounds: dict[str, str], ring_seconds: float, after: float) -> int:
        """Calls a number in a while, from a number of its own. Returns the index of the call."""
        caller = f"0{self._first + len(self.calls)}"
        call = Call(CallTimes(caller), number, sounds, ring_seconds)
        self.calls.append(call)
        self._wire.later(after, lambda: self._invite(call))
        return len(self.calls) - 1

    def hang_up(self, index: int, side: str, after: float) -> None:
        """Has one side hang up in a while."""
        self._wire.later(after, lambda: self._leave(self.calls[index].dialogs[side]))

    def leg(self, index: int, side: str) -> Leg:
        """Returns the sound of a side. Raises KeyError before that is in the call."""
        found = self.calls[index].dialogs[side].leg
        assert found
        return found

    def times(self, index: int) -> dict[str, Any]:
        call = self.calls[index]
        for side, dialog in call.dialogs.items():
            if dialog.leg:
                _copy(dialog.leg, getattr(call.times, side))
        return asdict(call.times)

    def receive(self, data: bytes) -> None:
        """Acts on one message of the PBX."""
        message = Message.parse(data)
        if message.status:
            self._answered(message)
        else:
            self._asked(message)

    # --- who asks the PBX

    def _invite(self, call: Call) -> None:
        target = f"sip:{call.dialled}@{self._wire.pbx}"
        dialog = self._dialog(self._line, f"<sip:{call.times.number}@{self._wire.pbx}>", target)
        self._join(call, dialog, "external")
        self._ringing[call.times.number] = call
        assert dialog.leg
        self._request(dialog, "INVITE", [], offer(dialog.leg.port))

    def _dialog(self, account: str, mine: str, target: str) -> Dialog:
        id_ = secrets.token_hex(8)
        dialog = Dialog(account, id_, f"{mine};tag={secrets.token_hex(4)}", f"<{target}>", target)
        if target == f"sip:{self._wire.pbx}":
            dialog.theirs = mine  # who registers is registered
        self._dialogs[id_] = dialog
        return dialog

    def _register_here(self, dialog: Dialog, seconds: tuple[str, str]) -> None:
        dialog.then = lambda: self.registered.add(dialog.account)
        self._request(dialog, "REGISTER", [seconds])

    def _request(
        self, dialog: Dialog, method: str, extra: list[tuple[str, str]], body: str = "", proof: str = ""
    ) -> None:
        if not proof:
            dialog.asked, dialog.tried = (method, extra, body), False
        if dialog.call and method == "INVITE":
            dialog.call.times.invited = time.time()
        dialog.count += 1
        more = [*extra, *([("authorization", proof)] if proof else [])]
        data = self._message(dialog, method, dialog.count, more, body)
        self._wire.send_until((dialog.id, f"{dialog.count} {method}"), data)

    def _message(
        self, dialog: Dialog, method: str, count: int, extra: list[tuple[str, str]], body: str = ""
    ) -> bytes:
        contact = ("contact", f"<sip:{dialog.account}@{self._wire.address}>")
        headers = [
            ("via", f"SIP/2.0/UDP {self._wire.address};rport;branch=z9hG4bK{secrets.token_hex(6)}"),
            *(("from", dialog.mine), ("to", dialog.theirs), ("call-id", dialog.id)),
            *(("cseq", f"{count} {method}"), ("max-forwards", "70")),
            *([] if any(name == "contact" for name, _ in extra) else [contact]),
        ]
        return written(f"{method} {dialog.target} SIP/2.0", headers + extra, body)

    def _answered(self, message: Message) -> None:
        dialog = self._dialogs.get(message.header("call-id"))
        if dialog is None:
            return
        self._wire.settle((dialog.id, message.header("cseq")))
        if message.status < 200:
            self._progressed(dialog, message)
        elif message.method == "INVITE":
            self._concluded(dialog, message)
        elif message.status == 401 and not dialog.tried:
            self._prove(dialog, message)
        elif message.status == 200:
            dialog.then()

    @staticmethod
    def _progressed(dialog: Dialog, message: Message) -> None:
        if dialog.call and message.status > 100:
            dialog.call.times.ringing = dialog.call.times.ringing or time.time()

    def _concluded(self, dialog: Dialog, message: Message) -> None:
        """Acknowledges what an INVITE led to."""
        assert dialog.call
        count = int(message.header("cseq").split()[0])
        if message.status == 200:
            dialog.theirs, dialog.target = message.header("to"), message.contact or dialog.target
            self._wire.send(self._message(dialog, "ACK", count, []))
            if dialog.leg is None and not dialog.call.times.answered:
                self._request(dialog, "BYE", [])  # it was hung up before
            elif not dialog.call.times.answered:
                dialog.call.times.answered = time.time()
                self._talk(dialog, message.media_port)
            return
        self._wire.send(self._refusal_seen(dialog, message, count))
        if message.status == 401 and not dialog.tried:
            self._prove(dialog, message)
        elif count == dialog.count and not dialog.call.times.refused:
            dialog.call.times.refused = message.status
            self._stop(dialog)

    def _refusal_seen(self, dialog: Dialog, message: Message, count: int) -> bytes:
        theirs, dialog.theirs = dialog.theirs, message.header("to")
        data = self._message(dialog, "ACK", count, [("via", message.header("via"))])
        dialog.theirs = theirs
        return data

    def _prove(self, dialog: Dialog, message: Message) -> None:
        dialog.tried = True
        method, extra, body = dialog.asked
        challenge, password = message.header("www-authenticate"), self._accounts[dialog.account]
        proof = authorization(challenge, dialog.account, password, method, dialog.target)
        self._request(dialog, method, extra, body, proof)

    # --- what the PBX asks

    def _asked(self, message: Message) -> None:
        dialog = self._dialogs.get(message.header("call-id"))
        method = message.start.split()[0]
        if method == "ACK":
            self._wire.settle((message.header("call-id"), "200"))
        elif method == "INVITE" and dialog is None:
            self._ring(message)
        elif dialog is None:
            self._wire.send(message.answer(200, "phones", self._contact("phones")))
        elif method == "INVITE":
            again = "tag=" not in message.header("to")
            self._wire.send(dialog.answer if again else self._agree(dialog, message))
        else:
            self._wire.send(message.answer(200, dialog.id, self._contact(dialog.account)))
            if method in ("BYE", "CANCEL"):
                self._stop(dialog)

    def _ring(self, message: Message) -> None:
        call = self._ringing.get(message.caller)
        account = message.start.split()[1].removeprefix("sip:").partition("@")[0]
        if call is None or "staff" in call.dialogs:
            self._wire.send(message.answer(404, secrets.token_hex(4), self._contact(account)))
            return
        id_ = message.header("call-id")
        mine = f"{message.header('to')};tag={id_}"
        dialog = Dialog(account, id_, mine, message.header("from"), message.contact)
        self._dialogs[id_] = dialog
        self._join(call, dialog, "staff")
        dialog.answer = message.answer(180, id_, self._contact(account))
        self._wire.send(dialog.answer)
        self._wire.later(call.ring_seconds, lambda: self._pick_up(dialog, message))

    def _pick_up(self, dialog: Dialog, message: Message) -> None:
        if dialog.leg is None:
            return
        dialog.answer = self._agree(dialog, message)
        self._wire.send_until((dialog.id, "200"), dialog.answer)
        self._talk(dialog, message.media_port)

    def _agree(self, dialog: Dialog, message: Message) -> bytes:
        assert dialog.leg
        return message.answer(200, dialog.id, self._contact(dialog.account), offer(dialog.leg.port))

    def _contact(self, account: str) -> str:
        return f"<sip:{account}@{self._wire.address}>"

    # --- sound

    @staticmethod
    def _join(call: Call, dialog: Dialog, side: str) -> None:
        dialog.call, dialog.side = call, side
        dialog.leg = Leg(packets(call.sounds[side], side))
        call.dialogs[side] = dialog

    def _talk(self, dialog: Dialog, port: int) -> None:
        assert dialog.leg
        dialog.leg.connect(port)
        self._media.add(dialog.leg)

    def _leave(self, dialog: Dialog) -> None:
        if dialog.leg:
            self._request(dialog, "BYE", [])
            self._stop(dialog)

    def _stop(self, dialog: Dialog) -> None:
        """Ends a party's sound. The call has ended once the first has gone."""
        self._wire.settle((dialog.id, "200"))
        if dialog.leg is None or dialog.call is None:
            return
        dialog.call.times.ended = dialog.call.times.ended or time.time()
        self._media.remove(dialog.leg)
        dialog.leg.close()
        _copy(dialog.leg, getattr(dialog.call.times, dialog.side))
        dialog.leg = None


def _copy(leg: Leg, times: LegTimes) -> None:
    leg.hear()
    for each in fields(times):
        setattr(times, each.name, getattr(leg, each.name))
