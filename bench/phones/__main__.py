"""The process of the phones. Takes questions as lines of JSON, and answers each with one.

The first line says which PBX and accounts (see client); it ends with its input.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import time
from contextlib import suppress
from typing import Any

from bench.phones.exchange import Exchange
from bench.phones.media import Media
from bench.phones.wire import Wire

INPUT = 0
PRIORITY = 20
"""Twice what Asterisk gives itself."""


class Process:
    """The phones, and who asks them."""

    def __init__(self, pbx_port: int, accounts: dict[str, str], line: str) -> None:
        self._wire, self._media = Wire(pbx_port), Media()
        self._exchange = Exchange(self._wire, self._media, accounts, line)
        self._since = (time.monotonic(), _cpu())
        self._open, self._read = True, b""

    def run(self) -> None:
        """Packets first, then what else is due, then what has come."""
        while self._open:
            if self._media.wait() <= 0:
                self._media.tick()
                continue
            self._wire.due()
            wait = max(0.0, min(self._media.wait(), self._wire.wait()))
            ready = select.select([self._wire.socket.fileno(), INPUT], [], [], wait)[0]
            if INPUT in ready:
                self._take_questions()
            elif ready and (data := self._wire.read()):
                self._exchange.receive(data)

    def _take_questions(self) -> None:
        data = os.read(INPUT, 1 << 20)
        self._open = bool(data)
        *lines, self._read = (self._read + data).split(b"\n")
        for line in lines:
            question = json.loads(line)
            print(json.dumps(getattr(self, "do_" + question.pop("do"))(**question)), flush=True)

    # --- the questions

    def do_register(self, extensions: list[str]) -> None:
        for each in extensions:
            self._exchange.register(each)

    def do_registered(self) -> list[str]:
        return sorted(self._exchange.registered)

    def do_begin(
        self, count: int, number: str, sounds: dict[str, str], ring_seconds: float, rate: float
    ) -> list[int]:
        return [self._exchange.dial(number, sounds, ring_seconds, index / rate) for index in range(count)]

    def do_times(self, calls: list[int]) -> list[dict[str, Any]]:
        return [self._exchange.times(call) for call in calls]

    def do_waiting(self, calls: list[int]) -> int:
        """Returns how many of the calls have neither been answered nor refused."""
        times = [self._exchange.calls[call].times for call in calls]
        return sum(not (each.answered or each.refused) for each in times)

    def do_press(self, call: int, side: str, digits: str) -> None:
        self._exchange.leg(call, side).press(digits)

    def do_listen(self, call: int, side: str, hertz: float) -> None:
        self._exchange.leg(call, side).listen(hertz)

    def do_hang_up(self, calls: list[int], side: str, rate: float) -> None:
        for index, call in enumerate(calls):
            self._exchange.hang_up(call, side, index / rate)

    def do_reset(self) -> None:
        self._media.reset()
        self._since = (time.monotonic(), _cpu())

    def do_load(self) -> dict[str, Any]:
        media, (began, before) = self._media, self._since
        late = {str(step): count for step, count in sorted(media.late.items())}
        taken = {"seconds": time.monotonic() - began, "cpu_seconds": _cpu() - before}
        return {**taken, "packets": media.sent, "latest": media.latest, "late": late}


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


def _go_first() -> None:
    """Lets these phones go before others where that is allowed: other machines are not slow when a PBX is.

    They do not look for garbage, which takes longer than a packet may be late.
    """
    gc.disable()
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))


if __name__ == "__main__":
    _go_first()
    with open(INPUT, "rb", buffering=0, closefd=False) as lines:
        about = json.loads(lines.readline())
    Process(**about).run()
