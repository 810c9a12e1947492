"""Digits as packets (RFC 4733): what a phone sends in place of sound while a key is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack

KIND = 101
"""The payload type of telephone-event, as these phones offer it."""
EVENTS = "0123456789*#ABCD"
HELD, GAP = 4, 3
"""Packets for which a key is held, and after it: 80 ms and 60 ms."""
ENDS = 3
"""How often the end is sent: packets may get lost."""
LOUDNESS = 10
SAMPLES = 160


@dataclass(frozen=True)
class KeyPacket:
    """One packet of a digit; none while `payload` is empty. `begins` and `ends` are told of it once each."""

    payload: bytes
    begins: bool = False
    ends: bool = False


def key_packets(digits: str) -> Iterator[KeyPacket]:
    """Returns what is sent for these digits, a packet each 20 ms. Raises ValueError for what is no digit."""
    for digit in digits:
        event = EVENTS.index(digit)
        for number in range(HELD):
            yield KeyPacket(_payload(event, number + 1), begins=number == 0)
        for number in range(ENDS):
            yield KeyPacket(_payload(event, HELD, over=True), ends=number == 0)
        yield from [KeyPacket(b"")] * (GAP - ENDS + 1)


def _payload(event: int, packets: int, *, over: bool = False) -> bytes:
    return pack("!BBH", event, over << 7 | LOUDNESS, packets * SAMPLES)
