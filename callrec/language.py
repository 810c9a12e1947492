"""Chooses the language of help and messages: Japanese under a Japanese locale, else English.

`CALLREC_LANG=ja|en` decides over the locale. Texts are gettext's; Click's own words come from the same
catalogue. JSON keys and option names are never translated.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

DOMAIN = "callrec"
FOLDER = os.path.dirname(__file__) + "/locale"  # noqa: PTH120 (pathlib takes longer than all else of help)
LANGUAGES = ("ja", "en")
_SPOKEN: ContextVar[str] = ContextVar("language", default="")
"""What is spoken for a while, whatever this process speaks."""


def choose() -> str:
    """Returns the language this process speaks, from its environment: ``ja`` or ``en``."""
    if _SPOKEN.get():
        return _SPOKEN.get()
    for name in ("CALLREC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Makes `translated` answer in a language until the block ends, here only: a desk makes pages for people
    who speak others than its process."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def use(language: str | None = None) -> None:
    """Makes this process speak `language` (default: what its environment asks for)."""
    # Click asks gettext's process-wide domain, which goes by LANGUAGE.
    os.environ["LANGUAGE"] = language or choose()
    gettext.bindtextdomain(DOMAIN, FOLDER)
    gettext.textdomain(DOMAIN)


def translated(text: str) -> str:
    """Returns `text` in the language of this process, or of `speaking`; itself where nobody has translated
    it."""
    return _catalogue(_SPOKEN.get() or os.environ.get("LANGUAGE", "")).gettext(text) if text else text


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """Returns the translations into a language. gettext's own functions look for the file at each text."""
    return gettext.translation(DOMAIN, FOLDER, language.split(":"), fallback=True)
