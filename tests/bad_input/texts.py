"""Values as people, spreadsheets and other programs give them, most of them wrong."""

from __future__ import annotations

import os
from random import Random

SIGNS = (
    "\x00",
    "\x07",
    "\x1b[31m",
    "\x1b]8;;http://x\x07",
    "\x9b",
    "\r",
    "\n",
    "\t",
    "\u2028",
    "\u202e",
    "\u200b",
)
"""Signs that no name holds, and a terminal might obey."""

NASTY = (
    "", " ", "　", "-", "--", "-1", "0", "1", "+", "%", "%s", "%(here)s", "{", "}", "{0}", "{text}",
    "{extension[a]}",
    "'", '"', "''; DROP TABLE calls; --", "\\", "/", "../..", "/dev/null", "/dev/zero", "/dev/full", "/",
    "/proc/self/mem",
    "[bold]x[/bold]", "会議室:100:階", "=1+1", "@SUM(A1)", "+81312345678", "none", "None", "null", "default",
    "any",
    "always", "nan", "inf", "-inf", "1e999", "1_000", "0x10", "١٢٣", "²", "½", "９０日", "9" * 30, "9" * 5000,
    "99999999999999999999d", "90d", "3か月", "1年", "30s", "-5s", "0d", "5y5y", "2301-2305", "2301 2302",
    "2301\n2302", "03-1234-5678 03-2345-6789", "2101", "２１０１", "2101.0", "6000",
    "nowhere", "shiba", "ＳＨＩＢＡ",
    "芝", "か\u3099", "〜", "～", "today", "tomorrow", "yesterday", "2026-11-22", "2026-02-30",
    "2026-11-22..2026-11-20",
    "..", "2026-11-22..", "0001-01-01", "9999-12-31", "9999-12-31..9999-12-31", "10000-01-01", "R8.11.22",
    "R0.1.1",
    "R99999999999.1.1", "令和8年11月22日", "平成32年1月1日", "明治5年1月1日", "2026-11-22 25:00",
    "2026-11-22T10:30:00+99:00",
    "2026-11-22T10:30:00-23:59", "0001-01-01T00:00:00+23:59", "mon-fri 08:30-17:15", "月・水・金",
    "24:00-24:00", "mon",
    "08:30-17:15 sat", "99:99-99:99", "help@city.example", "a@b..example", "a@b", "@", "a@b,c@d",
    "x <a@b.example>",
    "http://user:secret@host/x", "postgresql://u:sec@ret@host/x", "sqlite:////nowhere/c.db", "sqlite://",
    "http://[::1",
    "01a20000", "01a20000-0000-7000-8000-000000000001", "x" * 70000, "\udc8e\udcc5", "\ud800", "😀",
    "👨\u200d👩\u200d👧",
    "00:01..00:02", "0..0.00001", "5..1", "flac", "ja", "ja,en", "fr", "notice", "../notice", "1@1",
    "1@99", "@1",
    "inbound", "automatic", "never", "exclude", "before-connect", "discard", "newest",
)  # fmt: skip
"""Values that were wrong once, or that a reader might take for another."""

_ALPHABET = "0123456789+-*#.,;:/@=~〜～　 abcxyzABC年月日時分令和芝支所会議室ｱｶﾞ髙﨑①％＋＝"


def text(chance: Random) -> str:
    """Returns a value: one of the nasty ones, two of them, one with a sign put in, or noise."""
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(NASTY)
    if kind < 0.7:
        return chance.choice((" ", "\n", ",", "、", "..", "～")).join(chance.sample(NASTY, 2))
    if kind < 0.85:
        before = chance.choice(NASTY)[:100]
        at = chance.randint(0, len(before))
        return before[:at] + chance.choice(SIGNS) + before[at:]
    return "".join(chance.choice(_ALPHABET) for _ in range(chance.randint(1, 20)))


def as_the_system_gives(text: str) -> str:
    """Returns a value as an argument or a variable can hold it: without NUL, its bytes escaped."""
    return os.fsdecode(text.replace("\x00", "").encode("utf-8", "surrogatepass"))


def inside(path: str) -> str:
    """Returns a path as one name, so that nothing is written outside of the folder of a run."""
    return path.replace("/", "_").replace("..", "__")


def contents(chance: Random, whole: bytes) -> bytes:
    """Returns what may stand in a file: what belongs there, damaged in some way, or something else."""
    kind = chance.random()
    if kind < 0.2:
        return whole
    if kind < 0.3:
        return chance.choice(
            (b"", b"\x00" * 5000, b"\xff\xfe" + whole, b"\xef\xbb\xbf" + whole, chance.randbytes(3000))
        )
    if kind < 0.4:
        return b"x = " + chance.choice(
            (b"[" * 5000, b"9" * 5000, b"{a=" * 3000, b"inf", b"2026-02-30", b"1e400")
        )
    if kind < 0.55:
        return whole[: chance.randint(0, len(whole))]
    if kind < 0.65:
        encoding = chance.choice(("cp932", "euc_jp", "utf-16", "utf-7", "iso2022_jp"))
        return whole.decode("utf-8", "replace").encode(encoding, "replace")
    if kind < 0.85:
        return _with_value(chance, whole)
    return _with_noise(chance, whole)


def _with_value(chance: Random, whole: bytes) -> bytes:
    """Returns the file with one of its lines given another value."""
    lines = whole.split(b"\n")
    at = chance.randrange(len(lines))
    head, sign, _ = lines[at].partition(b"=")
    given = inside(text(chance)) if b"directory" in head or b"url" in head else text(chance)
    value = given.encode("utf-8", "surrogatepass")
    quoted = chance.choice((b"%s", b'"%s"', b"'%s'", b"[%s]", b'["%s"]', b"{a = %s}"))
    lines[at] = head + sign + b" " + quoted.replace(b"%s", value) if sign else value
    return b"\n".join(lines)


def _with_noise(chance: Random, whole: bytes) -> bytes:
    changed = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)
