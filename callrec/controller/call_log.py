"""Writes a line into the log for each step of a call, as what is written down of it tells."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from callrec.recording.actions import Action, SpoolAction
from callrec.recording.transitions import Account, account_of, steps

log = structlog.get_logger()

REMEMBERED = 1000
"""Calls of which it is known what was logged; more are not under way at once."""


class CallLog:
    """Knows of the latest calls what was logged of it. Not safe to use from several threads.

    A call that is taken up after a start is told of from its beginning, once more.
    """

    def __init__(self) -> None:
        self._told: dict[str, Account] = {}

    def tell(self, wanted: Sequence[Action]) -> None:
        """Logs what is new in the accounts that these actions write down."""
        for action in wanted:
            if isinstance(action, SpoolAction) and (account := account_of(action)):
                self._tell(account)

    def _tell(self, account: Account) -> None:
        call = account.call
        for step, values in steps(self._told.get(call.id), account):
            told = {name: value for name, value in values.items() if value is not None}
            log.info(step, call=call.id, linkedid=call.linkedid, **told)
        self._told.pop(call.id, None)
        self._told[call.id] = account
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
