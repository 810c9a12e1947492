"""Starts the phones, and asks them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from bench.phones.exchange import CallTimes, LegTimes
from callrec.demo.pbx import OUTSIDE, DemoPbx
from callrec.demo.processes import wait_until

LATE = 0.01
"""Seconds by which a packet may be late: half of what it holds."""


@dataclass(frozen=True)
class PhonesLoad:
    """What the phones did since the last `reset`: packets sent, how late the latest was (seconds), and how
    many were later than so many seconds."""

    seconds: float
    cpu_seconds: float
    packets: int
    latest: float
    late: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of one core."""
        return self.cpu_seconds / self.seconds

    @property
    def in_time(self) -> bool:
        """Whether the phones themselves kept time. Where not, what was measured is void."""
        return self.latest <= LATE


class Phones:
    """Callers on the demo's line and phones that answer at some extensions. A context manager.

    `extensions` belong to these phones alone from then on. Raises DemoFailed where the PBX does not let them
    register. A call is named by its index.
    """

    def __init__(self, pbx: DemoPbx, extensions: Sequence[str] = ("2101",)) -> None:
        self._extensions = sorted(extensions)
        self._about = {"pbx_port": pbx.ports.sip, "accounts": pbx.sip_passwords, "line": OUTSIDE}

    def __enter__(self) -> Phones:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.phones"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._tell(self._about)
        try:
            self._ask("register", extensions=self._extensions)
            wait_until(lambda: self._ask("registered") == self._extensions, 10, "registering the phones")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(
        self,
        count: int,
        *,
        number: str = "2101",
        sound: str = "tone",
        staff_sound: str = "",
        ring_seconds: float = 0.0,
        rate: float = 20.0,
        wait: bool = True,
    ) -> list[int]:
        """Begins calls to a number, `rate` a second, and returns them once all are answered.

        `sound`: tone (500 Hz outside, 1000 Hz staff), speech, or silence; `staff_sound` where staff's is
        another; `wait` off: returns at once. Raises DemoFailed when some are not answered, nor refused.
        """
        sounds = {"external": sound, "staff": staff_sound or sound}
        asked = {"count": count, "number": number, "sounds": sounds, "ring_seconds": ring_seconds}
        calls: list[int] = self._ask("begin", **asked, rate=rate)
        if wait:
            self.wait_answered(calls, count / rate + ring_seconds + 30)
        return calls

    def wait_answered(self, calls: Sequence[int], seconds: float = 30.0) -> None:
        wait_until(lambda: not self.waiting(calls), seconds, "the answer to all calls")

    def waiting(self, calls: Sequence[int]) -> int:
        """Returns how many of some calls are neither answered nor refused."""
        return int(self._ask("waiting", calls=list(calls)))

    def press(self, call: int, digits: str, side: str = "staff") -> None:
        """Presses keys one after the other: 80 ms each, 60 ms between."""
        self._ask("press", call=call, side=side, digits=digits)

    def listen(self, call: int, side: str = "staff", hertz: float = 0.0) -> None:
        """Has one side hear from now on when packets come, and when first there is that tone in one."""
        self._ask("listen", call=call, side=side, hertz=hertz)

    def hang_up(self, *calls: int, side: str = "external", rate: float = 20.0) -> None:
        """Has one side hang up, `rate` calls a second. Returns at once."""
        self._ask("hang_up", calls=list(calls), side=side, rate=rate)

    def times(self, *calls: int) -> list[CallTimes]:
        found: list[dict[str, Any]] = self._ask("times", calls=list(calls))
        return [
            CallTimes(**{**each, **{side: LegTimes(**each[side]) for side in ("external", "staff")}})
            for each in found
        ]

    def reset(self) -> None:
        """Begins to count the load anew."""
        self._ask("reset")

    def load(self) -> PhonesLoad:
        return PhonesLoad(**self._ask("load"))

    def _ask(self, do: str, **arguments: Any) -> Any:
        self._tell({"do": do, **arguments})
        assert self._process.stdout
        answer = self._process.stdout.readline()
        assert answer, "the phones have ended by themselves"
        return json.loads(answer)

    def _tell(self, line: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()

    def _end(self) -> None:
        with self._process:  # its input is closed: it ends
            pass
