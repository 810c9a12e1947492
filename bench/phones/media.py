"""The clock of the packets: every leg sends one each 20 ms, at moments that are set from the beginning.

Legs are spread over the 20 ms, as phones are that nobody has tuned to each other. What could not be sent in
time is sent as soon as possible, and how late that was is kept.
"""

from __future__ import annotations

import time
from collections import Counter

from bench.phones.legs import Leg

PACKET_SECONDS = 0.02
SLOTS = 40
SLOT_SECONDS = PACKET_SECONDS / SLOTS
LATE_STEPS = (0.002, 0.005, 0.01, 0.02)


class Media:
    """The legs that talk."""

    def __init__(self) -> None:
        self._slots: list[list[Leg]] = [[] for _ in range(SLOTS)]
        self._begin, self._turn, self.sent = time.monotonic(), 0, 0
        self.latest, self.late = 0.0, Counter[float]()

    def add(self, leg: Leg) -> None:
        min(self._slots, key=len).append(leg)

    def remove(self, leg: Leg) -> None:
        for slot in self._slots:
            if leg in slot:
                slot.remove(leg)

    def wait(self) -> float:
        """Returns the seconds until packets are due; none or less: they are."""
        return self._begin + self._turn * SLOT_SECONDS - time.monotonic()

    def tick(self) -> None:
        """Sends the packets that are due next."""
        legs = self._slots[self._turn % SLOTS]
        for leg in legs:
            leg.tick()
        if legs:
            self._judge(-self.wait(), len(legs))
        self._turn += 1

    def reset(self) -> None:
        """Forgets how late packets were until now."""
        self.latest, self.sent = 0.0, 0
        self.late.clear()

    def _judge(self, late: float, count: int) -> None:
        """Notes how late the last packet of a slot was, for all of them."""
        self.sent += count
        self.latest = max(self.latest, late)
        for step in LATE_STEPS:
            if late > step:
                self.late[step] += count
