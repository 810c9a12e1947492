"""Tells in which encoding a table is written: UTF-8 or CP932, the whole of it, or none that is sure.

Nearly any bytes are some text in CP932: EUC-JP becomes half-width kana, and UTF-8 becomes rare kanji among
them. So a table is not only tried but weighed (`likely_text`): each word counts once, and what costs the
fewest bits is what was meant. It is refused where that is another encoding than it can be read in, where some
lines are meant otherwise than the rest, and where its words cost more than noise.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from callrec.errors import WrongUsage
from callrec.rulebook.likely_text import cost, is_common

_WORD = re.compile(rb"[\x40-\xff]+")
"""Bytes of a word. What is below 0x40, such as a comma, is a part of none in any encoding."""
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_WORD_READ = re.compile(r"[^\x00-\x7f]+")
_LOST = 14.0
"""Bits of a byte that is none of UTF-8: of a damaged sign, among whole ones."""
_IN_DOUBT = 5.0
"""Bits by which a reading must be the likelier one to be sure of it, where another is whole, too."""
_KANA_IN_EUC = 14.0
"""Bits of a text in EUC-JP that has half-width kana: hardly anybody wrote them so."""
_DAMAGE = 10.0
"""Bits that words lose when they are read anew, where they were read wrongly before."""
_NOISE = {False: 5.0, True: 8.4}
"""Bits of a byte without meaning: below 0x80, and from there on."""
_SHOWN_LINES = 10
_SHIFT_JIS = "Shift_JIS (CP932)"


def decoded(data: bytes) -> str:
    """Returns the text of a table. Raises WrongUsage where it is in no one encoding of UTF-8 and CP932, or
    where it holds what a wrong reading has made of words before."""
    _refuse_other_forms(data)
    words = [_Word(each) for each in dict.fromkeys(_words(data))]
    bits = _Weights.of(words)
    marked = data.startswith(codecs.BOM_UTF8)
    meant_as_utf_8 = marked or bits.utf_8 <= min(bits.cp932, bits.euc_jp)
    if _is(data, "utf-8"):
        text = data.decode("utf-8-sig")
        _refuse_damage(text)
        if not meant_as_utf_8:
            raise _doubtful(data, words, "UTF-8")
        return text
    if meant_as_utf_8:
        raise _mixed("UTF-8", _lines(data, lambda line: not _is(line, "utf-8")))
    return _in_cp932(data, words, bits)


def _in_cp932(data: bytes, words: Collection[_Word], bits: _Weights) -> str:
    """Returns the text of a table that is none in UTF-8."""
    if not _is(data, "cp932"):
        raise _neither(_lines(data, lambda line: not _is(line, "cp932")))
    if not bits.surely_cp932:
        raise _doubtful(data, words, _SHIFT_JIS)
    others = {word.data for word in words if word.is_meant_otherwise}
    if others:
        raise _mixed(_SHIFT_JIS, _lines(data, lambda line: not others.isdisjoint(_words(line))))
    return data.decode("cp932")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a table, in each encoding that it could be in; U+FFFD for what is none there."""

    data: bytes

    @property
    def utf_8(self) -> str:
        return self.data.decode("utf-8", "replace")

    @property
    def cp932(self) -> str:
        return self.data.decode("cp932", "replace")

    @property
    def euc_jp(self) -> str:
        return self.data.decode("euc_jis_2004", "replace")

    @property
    def is_meant_otherwise(self) -> bool:
        """Tells whether the word is surely one in UTF-8 or EUC-JP, whatever the others are."""
        limit = cost(self.cp932) - _IN_DOUBT
        if _is(self.data, "utf-8") and max(self.utf_8) > "\u2000" and cost(self.utf_8) < limit:
            return True
        return _is(self.data, "euc_jp") and is_common(self.euc_jp) and _in_euc(self.euc_jp) < limit


@dataclass(frozen=True, slots=True)
class _Weights:
    """The bits of the words of a table as UTF-8, CP932 and EUC-JP, and those of noise."""

    utf_8: float
    cp932: float
    euc_jp: float
    noise: float
    surely_cp932: bool

    @classmethod
    def of(cls, words: Collection[_Word]) -> _Weights:
        utf_8 = sum(cost(word.utf_8, _LOST) for word in words)
        cp932 = sum(cost(word.cp932) for word in words)
        euc_jp = _in_euc(*(word.euc_jp for word in words))
        noise = sum(_NOISE[byte > 0x7F] for word in words for byte in word.data)
        return cls(
            utf_8, cp932, euc_jp, noise, cp932 < euc_jp and cp932 <= noise and not _may_be_euc(words, cp932)
        )


def _may_be_euc(words: Collection[_Word], cp932: float) -> bool:
    """Tells whether a table is whole in EUC-JP, and hardly less likely."""
    texts = [word.euc_jp for word in words]
    if not all(_is(word.data, "euc_jp") for word in words) or _HALF_WIDTH.search("".join(texts)):
        return False
    return all(map(is_common, texts)) or _in_euc(*texts) < cp932 + _IN_DOUBT


def _in_euc(*texts: str) -> float:
    return sum(map(cost, texts)) + (_KANA_IN_EUC if _HALF_WIDTH.search("".join(texts)) else 0.0)


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _words(data: bytes) -> Iterator[bytes]:
    """Yields the words that have a sign that is not ASCII."""
    return (word for word in _WORD.findall(data) if not word.isascii())


def _lines(data: bytes, fits: Callable[[bytes], bool]) -> list[int]:
    """Returns the numbers of the lines that fit."""
    return [number for number, line in enumerate(_split(data), 1) if fits(line)]


def _split(data: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\n|\r", data)


def _refuse_other_forms(data: bytes) -> None:
    """Raises WrongUsage for what a spreadsheet saves as "Unicode text", and for mails' old encoding."""
    name = ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or data.count(0) * 8 > len(data):
        name = "UTF-16 (Unicode text)"
    elif re.search(rb"\x1b[$(]", data):
        name = "ISO-2022-JP (JIS)"
    if name:
        raise WrongUsage(
            "the file is neither UTF-8 nor Shift_JIS (CP932), but {encoding}: save it as CSV UTF-8",
            encoding=name,
        )


def _refuse_damage(text: str) -> None:
    """Raises WrongUsage for words that were read in a wrong encoding once, and saved so."""
    for word in dict.fromkeys(_WORD_READ.findall(text)):
        better = next((each for each in _read_anew(word) if cost(each, _LOST) + _DAMAGE < cost(word)), None)
        if better:
            line = next(
                number for number, each in enumerate(_split(text.encode()), 1) if word.encode() in each
            )
            raise WrongUsage(
                "line {line} says {text}, which was {other} before a program read it wrongly: write it anew",
                line=line,
                text=word,
                other=better,
            )


def _read_anew(word: str) -> Iterator[str]:
    """Yields what a word was, if it was read in a wrong encoding."""
    for wrong in ("cp932", "cp1252", "latin-1"):
        try:
            data = word.encode(wrong)
        except UnicodeEncodeError:
            continue
        for right in ("utf-8", "euc_jp", "cp932"):
            if right != wrong:
                yield data.decode(right, "replace")


def _mixed(encoding: str, lines: list[int]) -> WrongUsage:
    return WrongUsage(
        "the file is in {encoding}, but not in line {lines}: save the whole file as CSV UTF-8",
        encoding=encoding,
        lines=_shown(lines),
    )


def _neither(lines: list[int]) -> WrongUsage:
    return WrongUsage(
        "the file is neither UTF-8 nor Shift_JIS (CP932) in line {lines}: save it as CSV UTF-8",
        lines=_shown(lines),
    )


def _doubtful(data: bytes, words: Collection[_Word], encoding: str) -> WrongUsage:
    """Returns the error for what can be read, and was hardly meant so, with what it would say."""
    readings = {"UTF-8": "utf_8", _SHIFT_JIS: "cp932", "EUC-JP": "euc_jp"}
    read, others = readings.pop(encoding), readings
    word = max(words, key=lambda each: cost(getattr(each, read)) - cost(each.euc_jp))
    line = next(iter(_lines(data, lambda each: word.data in each)))
    another = min(others, key=lambda each: cost(getattr(word, others[each])))
    other = getattr(word, others[another])
    if "\ufffd" in other:
        return WrongUsage(
            "line {line} says {text} in {encoding}, which hardly was meant: save the file as CSV UTF-8",
            line=line,
            text=getattr(word, read),
            encoding=encoding,
        )
    return WrongUsage(
        "line {line} says {text} in {encoding}, but {other} in {another}: save the file as CSV UTF-8",
        line=line,
        text=getattr(word, read),
        encoding=encoding,
        other=other,
        another=another,
    )


def _shown(lines: list[int]) -> str:
    first = ", ".join(map(str, lines[:_SHOWN_LINES]))
    return f"{first}, …" if len(lines) > _SHOWN_LINES else first
