"""Tells by its structure whether a file of sound was cut off, where ffmpeg reads what is there in silence."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from mutagen.mp3 import HeaderNotFoundError, MPEGFrame

TAIL_BYTES = 1 << 17
"""Enough for the longest page of Ogg (65,307 bytes) and for several frames of MP3 (1,441 bytes at most)."""
UNKNOWN_BYTES = 0x7FFFF000
"""From here on a WAV's header says nothing: who wrote it into a pipe could not know."""
FRAMES_IN_A_ROW = 4
"""So many headers of MP3 that follow each other are no chance."""
OGG_PAGE, OGG_LAST, OGG_HEADER_BYTES = b"OggS", 4, 27


def is_cut_off(file: BinaryIO, container: str) -> bool:
    """Returns whether the end of a file is missing; of Ogg and MP3, others show it otherwise."""
    if container == "ogg":
        return _ogg_is_cut(_tail(file))
    return container == "mp3" and _mp3_is_cut(_tail(file))


def is_of_unknown_length(file: BinaryIO, container: str) -> bool:
    """Returns whether a WAV does not say how long it is: it was written into a pipe, or never closed."""
    if container != "wav":
        return False
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return bool(size == 0 or size >= UNKNOWN_BYTES)
        file.seek(size + size % 2, os.SEEK_CUR)
    return False


def _tail(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    return file.read()


def _ogg_is_cut(tail: bytes) -> bool:
    """Every stream of Ogg ends in a page that says so; the last of them must be there, and whole."""
    last = tail.rfind(OGG_PAGE)
    page = tail[last:] if last >= 0 else b""
    if len(page) < OGG_HEADER_BYTES:
        return True
    pieces = page[OGG_HEADER_BYTES : OGG_HEADER_BYTES + page[OGG_HEADER_BYTES - 1]]
    whole = OGG_HEADER_BYTES + len(pieces) + sum(pieces)
    return len(page) < whole or not page[5] & OGG_LAST


def _mp3_is_cut(tail: bytes) -> bool:
    """Its frames follow each other, and each says how long it is; what comes after the last is no sound."""
    for start in range(len(tail)):
        ends = list(_frame_ends(tail, start))
        if len(ends) >= FRAMES_IN_A_ROW:
            return ends[-1] > len(tail)
    return False


def _frame_ends(tail: bytes, start: int) -> Iterator[int]:
    """Yields where each frame of MP3 ends, of those that begin at a place and follow each other."""
    file = io.BytesIO(tail)
    file.seek(start)
    while True:
        try:
            MPEGFrame(file)  # type: ignore[no-untyped-call]
        except HeaderNotFoundError:
            return
        yield file.tell()
