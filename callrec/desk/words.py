"""Checks the words that people write into something: what comes through the socket was typed at no command
line of ours."""

from __future__ import annotations

from callrec.errors import WrongUsage
from callrec.texts import unshown


def written(option: str, text: str, most: int) -> str:
    """Returns a text without blanks around. Raises WrongUsage where it is empty, too long, or not to be
    shown. `most` is in characters."""
    plain = written_or_not(option, text, most)
    if not plain:
        raise WrongUsage("{option} is empty: write some words", option=option)
    return plain


def written_or_not(option: str, text: str, most: int) -> str:
    """Returns a text without blanks around, which may be empty. Raises as `written` does."""
    plain = text.strip()
    if len(plain) > most:
        raise WrongUsage("{option} is longer than {most} characters: shorten it", option=option, most=most)
    check_shown(plain)
    return plain


def check_shown(text: str | None) -> None:
    """Raises WrongUsage for a text that would look like another line, or like nothing, where it is shown."""
    if text is not None and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise WrongUsage("something was typed that is not UTF-8: check the encoding of the terminal")
    if text is not None and unshown(text):
        raise WrongUsage("{text} holds a control character: leave it out", text=repr(text))
