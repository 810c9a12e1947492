"""Ids: UUIDv7, so that they sort by time, as recordings do in the bucket."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

import uuid6


def new() -> str:
    """A new id."""
    return str(uuid6.uuid7())


def of_fallback_call(pbx: str, channel: str, since: datetime) -> str:
    """The id of a call that the dialplan's fallback handles: the same for whoever hears of it."""
    return derived(since, f"call {pbx} {channel}")


def derived(moment: datetime, seed: str) -> str:
    """The id of something that happened at `moment` and is named `seed`: the same each time."""
    milliseconds = int(moment.timestamp() * 1000)
    random = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:10])
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant of RFC 9562
    return str(uuid.UUID(int=value))
