"""Reads the settings: callrec.toml, the CALLREC_ variables, and files with secrets.

`--config FILE`, else `CALLREC_CONFIG`, else `./callrec.toml`, else `/etc/callrec/callrec.toml`. Any value can
be given as `CALLREC_SECTION__KEY`, and as a systemd credential named `section.key`; a secret also by the path
of a file, as `key_file`. A variable goes before a credential, and that before the file. What is wrong is said
with the place where it was read, by callrec.setting_problems.
"""

from __future__ import annotations

import json
import os
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from callrec import toml_text
from callrec.errors import Sentence, WrongConfiguration
from callrec.failures import why
from callrec.places import find_file
from callrec.setting_problems import is_secret, problem_of
from callrec.settings import Settings
from callrec.texts import items

_OTHER_VARIABLES = {
    "CALLREC_CONFIG",
    "CALLREC_LANG",
    "CALLREC_DEBUG",
    "CALLREC_CACHE",
    "CALLREC_PBX_DIR",
    "CALLREC_DESK",
}
MOST_BYTES = 10**6
_PREFIX, _FILE = "CALLREC_", "_file"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was read, and where."""

    value: Any
    place: Sentence


Values = dict[tuple[str, ...], Given]
"""What was given, by section and key."""


def load(given: str | None = None, credentials: Path | None = None) -> Settings:
    """Reads the settings. Raises WrongConfiguration with the key, where it stands, and what is wrong.

    `credentials` is the folder in which credentials are, in place of the one that systemd gives.
    """
    path = find_file(given)
    if path is None:
        raise WrongConfiguration("there is no callrec.toml here or in /etc/callrec: run callrec init")
    return of_text(toml_text.decoded(_read(path), path, WrongConfiguration), path, credentials)


def of_text(text: str, path: Path, credentials: Path | None = None) -> Settings:
    """Returns the settings that a text would be as the file `path`. Raises WrongConfiguration."""
    in_file = _of_file(text, path)
    sources = (in_file, _of_credentials(credentials), _of_variables())
    values = {name: each for source in sources for name, each in _with_files(source).items()}
    try:
        settings = Settings.model_validate(_tables(values))
    except ValidationError as error:
        raise problem_of(error, {name: each.place for name, each in values.items()}, path) from None
    if not any(len(name) > 1 for name in in_file):  # as a full disk leaves a file: all would be defaults
        raise WrongConfiguration("{path} sets nothing: remove it, then run callrec init", path=path)
    return settings


def variables() -> list[str]:
    """Returns the CALLREC_ variables of this process's environment that are meant to set something."""
    return [name for name in os.environ if name.upper().startswith(_PREFIX) and name not in _OTHER_VARIABLES]


# --- where values are found


def _of_file(text: str, path: Path) -> Values:
    document, lines = toml_text.parse(text, path, WrongConfiguration), toml_text.lines_of(text)
    found: Values = {}
    for section, table in document.items():
        names = [(section, key) for key in table] if isinstance(table, dict) and table else [(section,)]
        for name in names:
            place = toml_text.place(path, toml_text.line_of(lines, name))
            _field(name, place)
            found[name] = Given(table[name[1]] if len(name) > 1 else table, place)
    return found


def _of_variables() -> Values:
    found = {}
    for variable in variables():
        name = tuple(variable[len(_PREFIX) :].lower().split("__"))
        field = _known(name)
        if field is None:
            raise WrongConfiguration(
                "the variable {name} sets nothing: write CALLREC_SECTION__KEY", name=variable
            )
        place = Sentence("the variable {name}", name=variable)
        found[name] = Given(_decoded(os.environ[variable], field), place)
    return found


def _of_credentials(given: Path | None) -> Values:
    """Returns what systemd gives this process (LoadCredential=archive.secret_key:/etc/callrec/s3.key)."""
    folder = given or os.environ.get("CREDENTIALS_DIRECTORY")
    found = {}
    for path in _files_of(Path(folder)) if folder else ():
        name = tuple(path.name.split("."))
        if len(name) > 1 and name[0] in Settings.model_fields:
            field = _field(name, toml_text.place(path, None))
            found[name] = Given(_decoded(_line(path), field), toml_text.place(path, None))
    return found


def _files_of(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:  # without them callrec would say that there are no keys
        raise WrongConfiguration(
            "{path} cannot be read: {problem}", path=folder, problem=why(error)
        ) from error


def _with_files(values: Values) -> Values:
    """Returns values of which those that are named by the path of a file are what is in it."""
    found = {name: each for name, each in values.items() if _plain(name) or not _known(name)}
    for name in values.keys() - found.keys():
        key = (name[0], name[1].removesuffix(_FILE))
        if key in found:
            raise WrongConfiguration(
                "{place}: {key} and {other} are both set: leave one out",
                place=values[name].place,
                key=".".join(key),
                other=".".join(name),
            )
        found[key] = _from_file(name, values[name])
    return found


def _from_file(name: tuple[str, ...], given: Given) -> Given:
    """Returns the value in the file whose path was given."""
    if not isinstance(given.value, str) or not given.value.startswith("/"):
        raise WrongConfiguration(
            "{place}: {key}: {problem}",
            place=given.place,
            key=".".join(name),
            problem=Sentence("write a path from the root, such as /var/lib/callrec"),
        )
    path = Path(given.value)
    return Given(_line(path), toml_text.place(path, None))


def _tables(values: Values) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for (section, *key), each in values.items():
        if not key:
            tables[section] = each.value
        elif isinstance(table := tables.setdefault(section, {}), dict):  # else it is refused as no table
            table[key[0]] = each.value
    return tables


# --- which keys there are


def _plain(name: tuple[str, ...]) -> FieldInfo | None:
    """Returns the field of a section and a key; None where there is none."""
    if len(name) != 2 or name[0] not in Settings.model_fields:
        return None
    section = Settings.model_fields[name[0]].annotation
    assert isinstance(section, type) and issubclass(section, BaseModel)
    return section.model_fields.get(name[1])


def _known(name: tuple[str, ...]) -> FieldInfo | None:
    """Returns the field that a key sets, by itself or as the path of a file."""
    field = _plain(name)
    if field is not None or len(name) != 2 or not name[1].endswith(_FILE):
        return field
    field = _plain((name[0], name[1].removesuffix(_FILE)))
    return field if field is not None and is_secret(name[1].removesuffix(_FILE), field) else None


def _field(name: tuple[str, ...], place: Sentence) -> FieldInfo:
    """Returns the field that is set. Raises WrongConfiguration where there is none of that name."""
    field = _known(name)
    if field is not None or (len(name) == 1 and name[0] in Settings.model_fields):
        return field or Settings.model_fields[name[0]]
    every = [f"{section}.{key}" for section in Settings.model_fields for key in _keys(section)]
    near = [each for each in every if each.endswith("." + name[-1])]
    near = near or get_close_matches(".".join(name), every, 1)
    raise WrongConfiguration(
        "{place}: there is no setting {key}; did you mean {near}?"
        if near
        else "{place}: there is no setting {key}; the comments in callrec.toml name those there are",
        place=place,
        key=".".join(name),
        near=", ".join(near),
    )


def _keys(section: str) -> Iterator[str]:
    annotation = Settings.model_fields[section].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    yield from annotation.model_fields


# --- texts


def _decoded(text: str, field: FieldInfo) -> Any:
    """Returns the value that a variable's text stands for: of a list, JSON or its parts between commas."""
    if typing.get_origin(field.annotation) is not tuple:
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return items([text])


def _line(path: Path) -> str:
    """Returns the one line that is in a file. Raises WrongConfiguration where there is none, or more."""
    lines = toml_text.decoded(_read(path), path, WrongConfiguration).splitlines()
    if len(lines) != 1 or not lines[0]:
        raise WrongConfiguration(
            "{path} must have one line, with the secret in it and nothing else", path=path
        )
    return lines[0]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:  # a device may have no end
            return file.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        raise WrongConfiguration("{path} cannot be read: {problem}", path=path, problem=why(error)) from error
