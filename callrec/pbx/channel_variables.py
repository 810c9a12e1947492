"""Sets variables of a channel in Stasis, for the dialplan that goes on with it: by AMI, while that answers.

After ARI has set one, Asterisk 22.10 refuses DB(), SHELL() and the like to all the dialplan that the channel
still runs, as if it came from outside: the office's own steps, and callrec's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from callrec.errors import CallrecError

log = structlog.get_logger()

AMI_SECONDS = 0.3
"""How long AMI may take for an answer: a caller waits at the gate meanwhile."""
AWAY_SECONDS = 10.0
"""How long AMI is left alone after it did not answer."""


class SetsVariable(Protocol):
    """What sets one variable of a channel, which is told by its id. Raises CallrecError where it cannot."""

    def set_variable(self, channel_id: str, name: str, value: str) -> None: ...


class ChannelVariables:
    """Sets variables of channels. Any thread may use it."""

    def __init__(
        self,
        ami: Callable[[], AbstractContextManager[SetsVariable]],
        ari: SetsVariable,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ami` makes a use of AMI, whose answers take AMI_SECONDS at most."""
        self._ami, self._ari, self._clock = ami, ari, clock
        self._away_until = float("-inf")

    def set(self, channel_id: str, values: Mapping[str, str]) -> None:
        """Sets variables of one channel. Raises CallrecError where neither AMI nor ARI does."""
        if not self._by_ami(channel_id, values):
            for name, value in values.items():
                self._ari.set_variable(channel_id, name, value)

    def _by_ami(self, channel_id: str, values: Mapping[str, str]) -> bool:
        if self._clock() < self._away_until:
            return False
        try:
            with self._ami() as ami:
                for name, value in values.items():
                    ami.set_variable(channel_id, name, value)
        except CallrecError as error:
            log.warning("the dialplan of a call may use no DB()", channel=channel_id, problem=str(error))
            self._away_until = self._clock() + AWAY_SECONDS
            return False
        return True
