"""Numbers the hits of searches by time: one number says when a call began, and is the only one of its kind.

So one column is what is sorted by, where a page goes on, and the key: small in every index that ends with it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SLOTS = 1024
"""Hits of calls that began in one microsecond, which are told apart by the order in which they came."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 2**53 - 1
"""Microseconds that fit, with SLOTS, into 64 bits: until 2255."""


def place_of(began: datetime) -> int:
    """Returns the lowest place of what began at a moment. Whatever began later has a higher one."""
    return max(-_MOST, min((began - _FIRST) // timedelta(microseconds=1), _MOST)) * SLOTS
