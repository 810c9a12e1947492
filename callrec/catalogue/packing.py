"""Packs plain JSON into few bytes, without loss: one JSON text of a call is much like the next.

What has no pattern goes first: ids, hashes and moments leave the text, each of which a sign of control in it
stands for (JSON has none), and are written behind it in binary, moments as the time since the one before. The
rest is compressed with a dictionary of what such texts say. The first byte says which dictionary; those that
were used once are read for ever.
"""

from __future__ import annotations

import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from callrec.ids import of_digits

_FOUND = re.compile(
    r'["/]'  # looked for where a text or a part of a path begins, not at each sign
    r"(?:(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?P<hash>(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f]))"
    r"|(?P<moment>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{6})?(?:Z|\+00:00)))"
)
_ID, _LONG, _SHORT, _MILLIS, _MICROS, _OFFSET = "\x01\x02\x03\x04\x05\x06"
"""What stands for an id, a hash of 32 bytes, one of 16, a moment to the millisecond, one to the microsecond;
and before a moment that is written with +00:00 in place of Z."""
_SIGNS = re.compile("[\x01-\x05]|\x06[\x04\x05]")
_LENIENT = json.JSONDecoder(strict=False)
"""Takes the signs in texts for what they are."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLI, _MICRO = timedelta(milliseconds=1), timedelta(microseconds=1)
_WINDOW, _MEMORY = -13, 5
"""Deflate without a header and a checksum of its own; with a window of 8 KB, which holds the dictionary."""

DICTIONARIES = {
    1: (
        b'{"kept_because":"key"}{"problem":"{"call":"{"reason":"{"request":"2026-00","role":"handler",'
        b'"through":"desk","format":"flac","sha256":"\x02"}{"rule":,"version":,"because":"rule","retain_until":'
        b'"\x06\x04","sha256":"\x02","manifest_sha256":"\x02","key":"recordings/","statement":"\x01"}'
        b'{"kept_because":"automatic"}{"sha256":"\x02"}{"key":"recordings/unassigned/2026/01/'
        b'\x01.flac","manifest_sha256":"\x02","version":"\x03","manifest_version":"\x03"}'
        b'{"key":"recordings/shiba/2027/12/","version":null,"manifest_version":null}'
        b'{"begin_s":0.0,"end_s":1.0,"started_at":"\x04","finished_at":"\x04","reason":"pause"}'
        b'"outcome":"failed","outcome":"busy","outcome":"unanswered","decision":null,"participants":[],'
        b'"announce":"none","announce":"on-start","prompt":"consent","reason":"everywhere",'
        b'"reason":"caller","mode":"never","mode":"manual","mode":"standby","languages":["ja","en","zh","ko"],'
        b'"why":"never-beats-all","why":"higher-priority","why":"newer","why":"other-direction","why":"not-yet",'
        b'"why":"over","why":"other-hours","why":"on-holiday","why":"no-holiday","why":"at-gate",'
        b'"unannounced":"discard","retain_days":30,"retain_days":365,"retain_days":1827,'
        b'"key_presses":[{"id":"-1-3.0","key":"keep","result":"started","channel":"","extension":"","at":"\x04"},'
        b'{"key":"stop","result":"stopped","key":"pause","result":"paused","result":"resumed","key":"help",'
        b'"result":"help-sent","result":"marked","result":"kept","result":"unchanged","result":"refused"}],'
        b'"notes":[{"text":"callrec was away: the dialplan\'s fallback handled the call","template":"the '
        b'call went on in call {id}","values":{"id":"\x01"}}],'
        b'"decision_changes":[{"at":"\x04","extensions":[""],'
        b'"decision":{"direction":"internal","facility":null,"number":null,"incident":true,'
        b'{"id":"\x01","pbx":"pbx","linkedid":"17.","direction":"outbound","facility":"","extension":"",'
        b'"number":"+81","dialled":"0","started_at":"\x04","answered_at":null,"ended_at":"\x04",'
        b'{"id":"\x01","pbx":"pbx","linkedid":"17.","direction":"inbound","facility":"","extension":"",'
        b'"number":"+813","dialled":"","started_at":"\x04","answered_at":"\x04","ended_at":"\x04",'
        b'"outcome":"answered","decision":{"mode":"automatic","announce":"before-connect","languages":["ja"],'
        b'"prompt":"notice","retain_days":90,"retain_incident_days":1827,"rule":1,"version":1,'
        b'"reason":"extension","considered":[{"rule":1,"version":1,"won":true,"why":"won"}],'
        b'"reason":"facility","considered":[{"rule":1,"version":1,"won":true,"why":"won"},'
        b'{"rule":1,"version":1,"won":false,"why":"narrower-scope"}],"beep_s":null,"unannounced":"record"},'
        b'"participants":[{"channel":"17.","number":"+813","extension":null,"joined_at":"\x04",'
        b'"left_at":"\x04"},{"channel":"17.","number":"","extension":"","joined_at":"\x04","left_at":"\x04"}],'
        b'"announcements":[{"prompt":"notice","language":"ja","text_sha256":"\x02","leg":"17.",'
        b'"started_at":"\x04","finished_at":"\x04","complete":true,"in_recording":null}],"announcements":[],'
        b'"notes":[],"key_presses":[],"decision_changes":[],"incident":false,"discarded_at":null,'
        b'"unannounced_at":null}'
    )
}
"""By their numbers. One is never changed; another one is added, and used from then on."""
NEWEST = max(DICTIONARIES)


def pack(value: Any) -> bytes:
    """Returns plain JSON, packed."""
    return packed_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def packed_text(text: str) -> bytes:
    """Returns a JSON text, packed."""
    apart = _Apart()
    said = _FOUND.sub(apart.take, text).encode("utf-8", "surrogatepass")
    packer = zlib.compressobj(
        9, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, DICTIONARIES[NEWEST]
    )
    return bytes((NEWEST,)) + packer.compress(said) + packer.flush() + bytes(apart.data)


def unpack(data: Any) -> Any:
    """Returns what was packed. Raises ValueError and TypeError for what was not."""
    return json.loads(unpacked_text(data))


def outline(data: Any) -> Any:
    """Returns what was packed, but for ids, hashes and moments, in whose place are signs: that is three times
    as fast. Raises as `unpack` does."""
    return _LENIENT.decode(_apart(data)[0])


def unpacked_text(data: Any) -> str:
    """Returns the JSON text that was packed. Raises ValueError and TypeError for what was not."""
    said, behind = _apart(data)
    rest = _Rest(behind)
    text = _SIGNS.sub(lambda sign: rest.give(sign[0]), said)
    if not rest.is_empty:
        raise ValueError("there is more in it than it says")
    return text


def _apart(data: Any) -> tuple[str, bytes]:
    """Returns a text with signs for what has left it, and that."""
    if not isinstance(data, (bytes, memoryview)):
        raise TypeError("what is packed is bytes")
    data = bytes(data)
    dictionary = DICTIONARIES.get(data[0]) if data else None
    if dictionary is None:
        raise ValueError("packed with a dictionary that there is not")
    unpacker = zlib.decompressobj(_WINDOW, dictionary)
    try:
        said = unpacker.decompress(data[1:])
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacker.eof:
        raise ValueError("it has no end")
    return said.decode("utf-8", "surrogatepass"), unpacker.unused_data


class _Apart:
    """What has left a text, in binary."""

    def __init__(self) -> None:
        self.data, self._last = bytearray(), _EPOCH

    def take(self, found: re.Match[str]) -> str:
        """Takes what was found out of the text, and returns what stands for it."""
        before, text = found[0][0], found[0][1:]
        if found.lastgroup == "moment":
            return before + self._moment(text)
        self.data += bytes.fromhex(text.replace("-", ""))
        return before + (_ID if found.lastgroup == "id" else _LONG if len(text) == 64 else _SHORT)

    def _moment(self, text: str) -> str:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        sign = _OFFSET if text[-1] != "Z" else ""
        if _written(moment, sign) != text:
            return text
        unit = _MICRO if moment.microsecond % 1000 or self._last.microsecond % 1000 else _MILLI
        self.data += _number((moment - self._last) // unit)
        self._last = moment
        return sign + (_MICROS if unit is _MICRO else _MILLIS)


class _Rest:
    """What stands behind a text."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._last = data, 0, _EPOCH

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._data)

    def give(self, sign: str) -> str:
        """Returns what a sign stands for."""
        match sign[-1]:
            case "\x01":
                return of_digits(self._bytes(16).hex())
            case "\x02":
                return self._bytes(32).hex()
            case "\x03":
                return self._bytes(16).hex()
        try:
            self._last += self._number() * (_MICRO if sign[-1] == _MICROS else _MILLI)
        except OverflowError as error:
            raise ValueError(str(error)) from error
        return _written(self._last, sign[:-1])

    def _bytes(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        if len(found) < count:
            raise ValueError("there is less in it than it says")
        return found

    def _number(self) -> int:
        value, shift = 0, 0
        while True:
            (digit,) = self._bytes(1)
            value |= (digit & 0x7F) << shift
            if digit < 0x80:
                return value >> 1 if not value & 1 else -(value >> 1) - 1
            shift += 7


def _number(value: int) -> bytes:
    """Returns a number in seven bits a byte, the lowest first; small ones are short, whatever their sign."""
    value, made = value << 1 if value >= 0 else ~value << 1 | 1, bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _written(moment: datetime, sign: str) -> str:
    text = moment.astimezone(UTC).isoformat()
    return text if sign else text.replace("+00:00", "Z")
