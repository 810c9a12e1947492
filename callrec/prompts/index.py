"""Reads prompts.toml, the index of a library of announcements, and writes announcements into it.

``[name.language]`` has the words, the length, the hashes of the files and, of what `callrec prompt add` put
there, the name of the files. ``earlier`` beside them has the versions that were replaced lately: by them it
is known which words were said in a call of then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

import tomlkit
from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError
from tomlkit.exceptions import TOMLKitError

from callrec import toml_text
from callrec.errors import CallrecError, WrongUsage
from callrec.model.prompts import Prompt
from callrec.wrong_values import words

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_FILE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

Name = Annotated[str, StringConstraints(pattern=f"^{_NAME.pattern}$")]
Language = Annotated[str, StringConstraints(pattern=f"^{_LANGUAGE.pattern}$")]
File = Annotated[str, StringConstraints(pattern=f"^({_FILE.pattern})?$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What prompts.toml says of one announcement."""

    text: str
    voice: str = ""
    licence: str = ""
    seconds: Seconds
    file: File = ""
    sha256: dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier(_Version):
    until: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry(_Version):
    earlier: list[_Earlier] = field(default_factory=list)


_ENTRIES = TypeAdapter(dict[Name, dict[Language, _Entry]])


class Damaged(CallrecError):
    """prompts.toml cannot be used. The message says why."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """An announcement that was in force until a moment."""

    prompt: Prompt
    until: datetime


@dataclass(frozen=True, slots=True)
class Index:
    """What a prompts.toml says."""

    prompts: dict[Key, Prompt]
    """By name and language, in that order."""
    earlier: dict[Key, tuple[Replaced, ...]]
    """The versions of each that were replaced lately, the oldest first."""

    def files(self) -> set[tuple[str, str]]:
        """Returns language and name of the files of every announcement, also of those that were replaced."""
        return {(each.language, each.stem) for each in self._all()}

    def named(self, language: str, stem: str) -> Prompt | None:
        """Returns the announcement whose files are called so; None: there is none."""
        found = (each for each in self._all() if (each.language, each.stem) == (language, stem))
        return next(found, None)

    def spoken(self, name: str, language: str, text_sha256: str, at: datetime) -> Prompt | None:
        """Returns the version that had these words at a moment; None: none had, or it is not known now."""
        key = (name, language)
        then = [each.prompt for each in self.earlier.get(key, ()) if at <= each.until]
        now = [self.prompts[key]] if key in self.prompts else []
        return next((each for each in [*then, *now] if each.text_sha256 == text_sha256), None)

    def _all(self) -> Iterator[Prompt]:
        yield from self.prompts.values()
        for versions in self.earlier.values():
            yield from (each.prompt for each in versions)


def parse(text: str) -> Index:
    """Returns what a prompts.toml says. Raises Damaged."""
    try:
        entries = _ENTRIES.validate_python(toml_text.parse(text, refuse=Damaged))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Damaged("{key}: {problem}", key=where, problem=words(first)) from error
    found = {(name, language): entry for name, each in entries.items() for language, entry in each.items()}
    keys = sorted(found)
    return Index(
        {key: _prompt(key, found[key]) for key in keys},
        {key: tuple(Replaced(_prompt(key, old), old.until) for old in found[key].earlier) for key in keys},
    )


def entered(text: str, prompt: Prompt, earlier: Iterable[Replaced]) -> str:
    """Returns a prompts.toml with an announcement put into it; comments and order in it stay. Raises Damaged.

    What is returned says this, and of the other announcements what it said before: that is read again.
    """
    try:
        index = tomlkit.parse(text)
        names = index.setdefault(prompt.name, tomlkit.table(is_super_table=True))
        names[prompt.language] = _table(prompt, tuple(earlier))
        made = tomlkit.dumps(index)
    except (TOMLKitError, RecursionError, TypeError, AttributeError) as error:
        raise Damaged("an announcement cannot be put where it would stand") from error
    key = (prompt.name, prompt.language)
    if parse(made).prompts != {**parse(text).prompts, key: prompt}:
        raise Damaged("an announcement cannot be put where it would stand")
    return made


def check_words(name: str, language: str, *texts: str) -> None:
    """Raises WrongUsage for what cannot be the name, the language or the words of an announcement.

    The first text are the words; they are kept as evidence. A terminal of another encoding than UTF-8 gives
    signs that cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise WrongUsage("{name} is no name for a prompt: write a-z, 0-9 and -, at most 32", name=name)
    if not _LANGUAGE.fullmatch(language):
        raise WrongUsage("{language} is no language: write two letters such as ja or en", language=language)
    if not texts[0].strip():
        raise WrongUsage("the prompt's words are missing: give them with --text, they are kept as evidence")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise WrongUsage(
            "the prompt's words cannot be read: type them on a terminal whose encoding is UTF-8"
        ) from error


def _prompt(key: Key, of: _Version) -> Prompt:
    return Prompt(*key, of.text, of.voice, of.licence, of.seconds, of.sha256, of.file)


def _table(prompt: Prompt, earlier: tuple[Replaced, ...]) -> dict[str, Any]:
    before = [{"until": each.until, **_fields(each.prompt)} for each in earlier]
    return _fields(prompt) | ({"earlier": before} if before else {})


def _fields(prompt: Prompt) -> dict[str, Any]:
    said = {name: value for name, value in asdict(prompt).items() if name not in ("name", "language")}
    said["sha256"] = {str(rate): digest for rate, digest in prompt.sha256.items()}
    return said if prompt.file else {name: value for name, value in said.items() if name != "file"}
