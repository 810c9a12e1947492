"""Makes ids: UUIDs of version 7, which sort by time, as recordings do in the bucket (decision 6)."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime

import uuid6

from callrec.texts import narrow, with_hyphens

ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AROUND = " \t\r\n\v\f\"'`“”‘’「」<>()[]{}.,:;…"


def new() -> str:
    """Returns a new id, of this moment by callrec's clock."""
    return str(uuid6.uuid7())


def of_digits(digits: str) -> str:
    """Returns the id of 32 hexadecimal digits."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def first_of(moment: datetime) -> str:
    """Returns the lowest id that something of this moment can have, whoever gave it."""
    milliseconds = max(int(moment.timestamp() * 1000), 0)
    return str(uuid.UUID(int=(milliseconds << 80) & (1 << 128) - 1))


def pasted(text: str) -> str:
    """Returns an id, or its beginning, without quotes, dots, commas and blanks that were copied with it."""
    return with_hyphens(narrow(text)).lower().strip(_AROUND)


def of_fallback_call(pbx: str, channel: str, since: datetime) -> str:
    """Returns the id of a call that the dialplan's fallback handles: the same for whoever hears of it.

    `since` is when the call began by the fallback's own account, in the PBX's clock.
    """
    return derived(since, f"call {pbx} {channel}")


def of_fallback_recording(pbx: str, channel: str, since: datetime) -> str:
    """Returns the id of what the dialplan's fallback recorded of a call: the same for whoever takes it."""
    return derived(since, f"recording {pbx} {channel}")


def same_seed(id_: str) -> str:
    """Returns the end of a derived id, which is that of its seed, whatever its moment."""
    return id_[len("00000000-0000-") :]


def derived(moment: datetime, seed: str) -> str:
    """Returns the id of something that happened at `moment` and is named `seed`: the same each time."""
    milliseconds = int(moment.timestamp() * 1000)
    random = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:10])
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant of RFC 9562
    return str(uuid.UUID(int=value))
