"""Weighs how likely an office in Japan writes a text: in bits, the more the less likely.

The weights are rough: they need only tell words from what bytes become that are read in a wrong encoding, and
that costs about seven bits a byte. Kanji of the first level of JIS X 0208 are those in use; names have a few
others.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SIGNS_OF_WORDS = frozenset("、。「」・（）ー－～〜　〇々〆【】『』")
_KANJI_OF_NAMES = frozenset(
    "髙﨑濵栁槇蜷籠德澤邊邉齋齊廣國圓圡惠檜櫻榮眞瀧濱彌壽萬實澁曾淺豐總縣萊莊藪躑躅龜嶋嶌冨"
)
_FREQUENT_KANA = frozenset("ﾝｰﾞﾙｽﾄﾗﾘｲｯｸｼｶ")
_RARE_KANA = frozenset("ﾇﾍﾎﾒｦｧｨｩｪｫﾈﾖﾕｿﾋ")
_VOICED = frozenset("ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎｳ")
_NEVER_FIRST = frozenset("ｦｧｨｩｪｫｬｭｮｯｰﾝ")
_FIRST_LEVEL = (b"\x88\x9f", b"\x98\x72")
_NEC_SIGNS = 0x87  # ①, ㈱ and the like
COMMON = 12.0
"""What a sign that is in use costs at most."""
_RARE, _FOREIGN, _IMPOSSIBLE = 18.0, 24.0, 40.0


def cost(text: str, lost: float = _IMPOSSIBLE) -> float:
    """Returns the bits that it takes to guess a text; `lost` are those of a sign that could not be read."""
    total, before = 0.0, ""
    for sign in text:
        total += lost if sign == "\ufffd" else _in_its_place(sign, before)
        before = sign
    return total


def is_common(text: str) -> bool:
    """Tells whether all signs of a text are in use."""
    return all(_alone(sign) <= COMMON for sign in text)


def is_half_width_kana(sign: str) -> bool:
    """Tells of kana as they were before there were kanji; CP932 has them in one byte."""
    return "\uff66" <= sign <= "\uff9f"


def _in_its_place(sign: str, before: str) -> float:
    """Returns the bits of a sign after another: some never follow each other, and alphabets go on."""
    bits = _alone(sign)
    if is_half_width_kana(sign):
        return bits + _as_kana(sign, before)
    if is_half_width_kana(before):
        return bits + (2.0 if ord(sign) > 0x7F else _RARE if sign.islower() else 0.0)
    if "\xc0" <= sign < "\u0250":
        return 8.0 if before.isascii() and before.isalpha() else bits
    return 6.0 if "\u0250" <= sign < "\u0800" and _alphabet(sign) == _alphabet(before) else bits


def _alphabet(sign: str) -> str:
    """Returns the alphabet of a letter, such as GREEK; empty for what has no name."""
    return unicodedata.name(sign, "").partition(" ")[0] if sign else ""


def _as_kana(sign: str, before: str) -> float:
    """Returns the bits that half-width kana cost more where they stand after what they never do."""
    if sign in "ﾞﾟ":
        return 0.0 if before in _VOICED else 8.0
    after_kana = is_half_width_kana(before)
    first = 6.0 if sign in _NEVER_FIRST and not after_kana else 0.0
    return first + (2.0 if before and not after_kana else 0.0)


@lru_cache(maxsize=65536)
def _alone(sign: str) -> float:
    """Returns the bits of a sign wherever it stands."""
    if sign.isascii():
        return 5.0
    if sign == "\ufffd" or unicodedata.category(sign) in ("Cc", "Cn", "Co", "Cs"):
        return _IMPOSSIBLE
    if sign < "\u0250":
        return 14.0
    if "\u3041" <= sign <= "\u30ff" or sign in _SIGNS_OF_WORDS:
        return 6.0
    if "\uff01" <= sign <= "\uff5e":
        return 7.0
    if "\uff61" <= sign <= "\uff9f":
        return _of_kana(sign)
    return COMMON if sign in _KANJI_OF_NAMES else _of_jis(sign)


def _of_kana(sign: str) -> float:
    if not is_half_width_kana(sign):
        return 9.0  # a mark between words
    return 4.5 if sign in _FREQUENT_KANA else 8.0 if sign in _RARE_KANA else 5.5


def _of_jis(sign: str) -> float:
    """Returns the bits of a kanji or a sign, by where CP932 has it."""
    try:
        code = sign.encode("cp932")
    except UnicodeEncodeError:
        return _FOREIGN if sign < "\u0800" else _RARE
    if _FIRST_LEVEL[0] <= code <= _FIRST_LEVEL[1]:
        return 11.0
    return 10.0 if code[0] == _NEC_SIGNS or code <= b"\x81\xac" else _RARE
