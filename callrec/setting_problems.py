"""Says what is wrong with a setting: pydantic's answers by their kinds, in our own sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from callrec import toml_text
from callrec.errors import Sentence, WrongConfiguration
from callrec.settings import Settings
from callrec.wrong_values import words

_LONGEST = 80
_LOGIN = re.compile(r":.*@", re.DOTALL)
"""What may be a password before a host, in whatever setting somebody has written it."""


def problem_of(
    error: ValidationError, places: Mapping[tuple[str, ...], Sentence], path: Path
) -> WrongConfiguration:
    """Returns the error for the first setting that is wrong. `places`: where each setting was read."""
    problem = error.errors(include_url=False)[0]
    loc = tuple(str(part) for part in problem["loc"])
    known = (places[name] for name in (loc[:2], loc[:1]) if name in places)
    section = (place for name, place in places.items() if name[:1] == loc[:1])
    return WrongConfiguration(
        "{place}: {key} = {value}: {problem}",
        place=next(known, None) or next(section, None) or toml_text.place(path, None),
        key=".".join(loc),
        value=_value(problem),
        problem=words(problem),
    )


def _value(problem: ErrorDetails) -> str:
    """Returns the value that is wrong, where it surely is no secret: a simple value of a setting that holds
    none. A whole section, a list or an address may have a password in it."""
    section, *rest = problem["loc"]
    kind: Any = Settings.model_fields[str(section)].annotation
    field = kind.model_fields.get(str(rest[0])) if issubclass(kind, BaseModel) and len(rest) == 1 else None
    secret = field is None or is_secret(str(rest[0]), field) or _LOGIN.search(str(problem["input"]))
    if secret or not isinstance(problem["input"], str | int | float):
        return "…"
    shown = str(problem["input"]).lower() if isinstance(problem["input"], bool) else repr(problem["input"])
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def is_secret(key: str, field: FieldInfo) -> bool:
    """Returns whether the value of a field must not be shown: an address may have a token in it."""
    return field.annotation is SecretStr or key.endswith("url")
