"""What one party of a call sends and hears: one socket, a packet each 20 ms."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from bench.phones.keys import KIND, SAMPLES, KeyPacket, key_packets
from bench.phones.sounds import RATE, Packets, decoded

SMALL, LARGE = 0, 1 << 17
"""Bytes that wait for a leg: the first packets only (the kernel drops the others), or all."""
AUDIBLE = 500.0
"""Amplitude from which a tone counts as heard."""
PCMU = 0
TIMESTAMPNS = 35
"""SO_TIMESTAMPNS, which Python does not name: the kernel notes when each packet came."""


class Leg:
    """One party's sound. Times are of time.time(); 0.0 until they happen."""

    def __init__(self, sound: Packets) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._sound, self._count = sound, 0
        self._first = secrets.randbelow(1 << 16)
        self._source = secrets.token_bytes(4)
        self._keys: Iterator[KeyPacket] = iter(())
        self._pressed_from = 0
        self._listens, self._hertz = False, 0.0
        self.first_sent = self.last_sent = 0.0
        self.first_heard = self.last_heard = self.digit_end = self.tone_heard = 0.0
        self.heard, self.listened_from = 0, 0.0

    def connect(self, port: int) -> None:
        """Sends to that port of the PBX from now on, and hears only what comes from there."""
        self._socket.connect(("127.0.0.1", port))

    def press(self, digits: str) -> None:
        """Sends digits from the next packet on. Raises ValueError for what is no digit."""
        self._keys, self.digit_end = iter(list(key_packets(digits))), 0.0

    def listen(self, hertz: float) -> None:
        """Hears from now on: when packets came, and when first one of them had that tone; 0: no tone."""
        self.hear()  # what came before
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGE)
        self._listens, self._hertz, self.tone_heard = True, hertz, 0.0
        self.heard, self.listened_from = 0, time.time()

    def tick(self) -> None:
        """Sends the packet that is due."""
        pressed = next(self._keys, None)
        if pressed is None:
            self._send(PCMU, self._count, self._sound[self._count % len(self._sound)])
        elif pressed.payload:
            self._send_key(pressed)
        self._count += 1
        self.last_sent = time.time()
        self.first_sent = self.first_sent or self.last_sent
        if self._listens:
            self.hear()

    def hear(self) -> None:
        """Reads what has come: all where it listens, else the first packets."""
        with suppress(OSError):
            while True:
                payload, notes, _, _ = self._socket.recvmsg(2048, 64)
                if payload[1] & 0x7F == PCMU:
                    self._heard(payload[12:], _arrived(notes))

    def close(self) -> None:
        self.hear()
        self._socket.close()

    def _send_key(self, pressed: KeyPacket) -> None:
        if pressed.begins:
            self._pressed_from = self._count
        self._send(KIND | pressed.begins << 7, self._pressed_from, pressed.payload)
        if pressed.ends:
            self.digit_end = time.time()

    def _send(self, kind: int, at: int, payload: bytes) -> None:
        number, stamp = self._first + self._count & 0xFFFF, at * SAMPLES & 0xFFFFFFFF
        # The PBX may have hung up already.
        with suppress(OSError):
            self._socket.send(struct.pack("!BBHI", 0x80, kind, number, stamp) + self._source + payload)

    def _heard(self, payload: bytes, at: float) -> None:
        self.first_heard, self.last_heard = self.first_heard or at, at
        self.heard += 1
        if self._hertz and not self.tone_heard and _amplitude(payload, self._hertz) > AUDIBLE:
            self.tone_heard = at


def _arrived(notes: list[tuple[int, int, bytes]]) -> float:
    """Returns when the kernel had a packet."""
    seconds, nanoseconds = struct.unpack("qq", notes[0][2])
    return float(seconds + nanoseconds / 1e9)


def _amplitude(payload: bytes, hertz: float) -> float:
    samples = decoded(payload).astype(float)
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / RATE)
    return float(2 * abs(np.dot(samples, wave)) / len(samples))
