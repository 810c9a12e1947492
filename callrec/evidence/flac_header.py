"""Reads from the first bytes of a FLAC what it says of its sound, without decoding any."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LENGTH = 42
"""So many bytes are needed: the marker, the head of a block, and STREAMINFO (RFC 9639)."""


@dataclass(frozen=True, slots=True)
class FlacHeader:
    """What the beginning of a FLAC says of its sound."""

    sample_rate: int
    channels: int
    frames: int


def read_header(head: bytes) -> FlacHeader | None:
    """Returns what the first bytes say; None where they are not those of a FLAC."""
    if len(head) < LENGTH or head[:4] != b"fLaC" or head[4] & 0x7F:
        return None
    (packed,) = struct.unpack_from(">Q", head, 18)  # 20 bits, 3, 5 and 36
    return FlacHeader(packed >> 44, (packed >> 41 & 7) + 1, packed & (1 << 36) - 1)
