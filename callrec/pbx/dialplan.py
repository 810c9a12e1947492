"""What is asked of the PBX for the dialplan of a channel: variables, and the MixMonitor by which it records.

By AMI. After ARI has set a variable of a channel in Stasis, Asterisk 22.10 refuses DB(), SHELL() and the like
to all the dialplan that the channel still runs, as if it came from outside: the office's own steps, and
callrec's. And nothing but AMI ends or mutes a MixMonitor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from callrec.errors import CallrecError
from callrec.pbx.mixmonitor import FALLBACK_VARIABLE, MONITOR_VARIABLE

log = structlog.get_logger()

GATE_SECONDS = 0.3
"""How long AMI may take for an answer while a caller waits at the gate."""
AWAY_SECONDS = 10.0
"""How long AMI is not asked at the gate after it did not answer."""
SIDES_IN_AMI = {"external": "read", "staff": "write"}
"""What of a channel a track of MixMonitor has, in AMI's words: what it says, or what it hears."""


class OfAmi(Protocol):
    """What is asked of AMI. Refusals and silence are CallrecErrors."""

    def set_variable(self, channel_id: str, name: str, value: str) -> None: ...
    def stop_monitor(self, name: str, monitor: str) -> None: ...
    def mute_monitor(self, channel_id: str, monitor: str, direction: str, *, on: bool) -> None: ...


class OfAri(Protocol):
    """What is asked of ARI. Refusals and silence are CallrecErrors."""

    def variable(self, channel_id: str, name: str) -> str: ...
    def set_variable(self, channel_id: str, name: str, value: str) -> None: ...


class Dialplan:
    """Asks for what the dialplan of channels does. Any thread may use it. Channels are told by their ids.

    Every method but `answers` raises CallrecError where the PBX refuses or does not answer.
    """

    def __init__(
        self,
        ami: Callable[[float | None], AbstractContextManager[OfAmi]],
        ari: OfAri,
        forget_line: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ami` makes a use of AMI, whose answers take so many seconds at most (None: as long as it does);
        `forget_line` deletes the line of a channel from the journal."""
        self._ami, self._ari, self._clock = ami, ari, clock
        self._forget_line = forget_line
        self._away_until = float("-inf")

    # --- at the gate

    def set_variables(self, channel: str, values: Mapping[str, str]) -> bool:
        """Sets variables, by ARI while AMI does not answer. Returns whether the dialplan still has DB()."""
        if self._at_gate(lambda ami: _set(ami, channel, values)):
            return True
        _set(self._ari, channel, values)
        return False

    def answers(self) -> bool:
        """Returns whether AMI does: what it is to end can begin."""
        return self._at_gate(lambda ami: None)

    # --- what it records

    def records(self, channel: str) -> bool:
        """Returns whether the dialplan has begun to record a channel for callrec."""
        return bool(self._ari.variable(channel, MONITOR_VARIABLE))

    def stop(self, channel: str) -> None:
        """Ends what the dialplan records of a channel. Nothing happens where that has ended already, or the
        channel is gone."""
        if monitor := self._ari.variable(channel, MONITOR_VARIABLE):
            with self._ami(None) as ami:
                ami.stop_monitor(channel, monitor)

    def mute(self, channel: str, side: str, *, on: bool) -> None:
        """Has one track of what it records be silent, or not any more."""
        monitor = self._ari.variable(channel, MONITOR_VARIABLE)
        with self._ami(None) as ami:
            ami.mute_monitor(channel, monitor, SIDES_IN_AMI[side], on=on)

    def forget(self, channel: str) -> None:
        """Has nothing tell of what was recorded of a channel that is there, and destroyed: neither the
        journal nor its variables. Where it is gone, its line waits for who reads them."""
        if self._ari.variable(channel, FALLBACK_VARIABLE):
            self._forget_line(channel)
            with self._ami(None) as ami:
                ami.set_variable(channel, FALLBACK_VARIABLE, "")

    # --- inside

    def _at_gate(self, ask: Callable[[OfAmi], object]) -> bool:
        """Asks AMI, unless it was away lately: a caller waits. Returns whether it has done what was asked."""
        if self._clock() < self._away_until:
            return False
        try:
            with self._ami(GATE_SECONDS) as ami:
                ask(ami)
        except CallrecError as error:
            log.warning("AMI does not do at the gate what it is asked", problem=str(error))
            self._away_until = self._clock() + AWAY_SECONDS
            return False
        return True


def _set(way: OfAmi | OfAri, channel: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        way.set_variable(channel, name, value)
