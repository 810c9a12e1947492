"""Says how long to wait before what failed is tried again: doubled each time, up to a limit.

How often something failed, and when it is due, is kept by those who try it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T", float, timedelta)
_DOUBLED_AT_MOST = 20
"""More than any limit needs; without one, years of failures would make a number of years of digits."""


@dataclass(frozen=True, slots=True)
class Backoff(Generic[T]):
    """The pauses between tries, in seconds or timedeltas: `first`, doubled each time, `longest` at most."""

    first: T
    longest: T

    def after(self, failures: int) -> T:
        """Returns the pause after a failure that came after `failures` others; 0 gives the first pause."""
        wanted: T = self.first * float(2 ** min(failures, _DOUBLED_AT_MOST))
        return min(wanted, self.longest)
