"""Says what a check is: a name, and a function that looks at one part and says what it found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from callrec.app import App
from callrec.errors import CheckFailed, NotFound, Unreachable
from callrec.policy.office import Office


@dataclass(frozen=True, slots=True)
class Checkup:
    """What the checks look at: the parts of one callrec, and what was asked for.

    `config` is the file its settings came from, `mail_to` who gets the mail that is sent as a test (empty:
    whoever mails come from).
    """

    app: App
    config: Path | None = None
    mail_to: str = ""

    def apart(self) -> Checkup:
        """Returns the same with parts of its own: none waits for a lock that another's part holds."""
        return replace(self, app=App(self.app.settings))

    def office(self) -> Office:
        """Returns the office as it is; while the database is away, as a controller has seen it last."""
        try:
            return self.app.office()
        except Unreachable:
            with suppress(NotFound, CheckFailed):
                return self.app.saved_office()[0]
            raise


Check = tuple[str, Callable[[Checkup], str]]
"""The name of a part, and what looks at it: returns what is there, or raises CallrecError with what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to: `found` says what is there or, where it is not ok, what to mend."""

    part: str
    ok: bool
    found: str
