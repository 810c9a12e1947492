"""Sentences as JSON has them: between desk and client, and in the catalogue, to be read in the language of
whoever asks later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from callrec.errors import CallrecError, Sentence

Said = TypeVar("Said", bound=str | Sentence)


def plain(said: CallrecError | Sentence) -> dict[str, Any]:
    """Returns a sentence, or that of an error, as JSON has it."""
    return {
        "template": said.template,
        "values": {name: _plain(value) for name, value in said.values.items()},
    }


def distinct(said: Iterable[Said]) -> list[Said]:
    """Returns what is said, each once, in the order of its English words."""
    found = {str(each): each for each in said}
    return [found[words] for words in sorted(found)]


def read(found: Any) -> Sentence:
    """Returns the sentence that JSON has. Raises ValueError where that is none."""
    match found:
        case {"template": str(template), "values": dict(values)}:
            return Sentence(template, **{name: _read(value) for name, value in values.items()})
    raise ValueError("this is no sentence")


def _plain(value: object) -> object:
    if isinstance(value, (CallrecError, Sentence)):
        return plain(value)
    return value if isinstance(value, (int, float)) else str(value)


def _read(value: Any) -> object:
    return value if isinstance(value, (str, int, float)) else read(value)
