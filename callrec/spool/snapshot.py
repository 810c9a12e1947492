"""Keeps the office as it was last seen, in a file: for a controller that starts with the database away.

JSON with the version of its form and the SHA-256 of what it holds. Written whole or not at all, and checked
before it is used: rules that were damaged would record what they should not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from callrec.errors import CheckFailed, NotFound, Sentence, WrongValue
from callrec.failures import why
from callrec.files import write_whole
from callrec.model.office import Extension, Facility
from callrec.model.rules import Rule
from callrec.policy.office import Office

SCHEMA = 1
FILE = "office.json"


@dataclass(frozen=True, slots=True)
class OfficeSnapshot:
    """The office as the catalogue had it at `saved_at` (callrec's clock), and the number of that revision."""

    saved_at: datetime
    revision: int
    facilities: tuple[Facility, ...]
    extensions: tuple[Extension, ...]
    rules: tuple[Rule, ...]


_SAVED: TypeAdapter[OfficeSnapshot] = TypeAdapter(OfficeSnapshot)


def write(path: Path, office: Office, at: datetime) -> None:
    """Writes the office into a file; after a crash the old or the new one is there, and whole."""
    saved = OfficeSnapshot(
        at,
        office.revision,
        tuple(office.facilities.values()),
        tuple(office.extensions.values()),
        tuple(sorted(office.rules, key=lambda rule: rule.id)),
    )
    content = _SAVED.dump_python(saved, mode="json")
    whole = {"schema": SCHEMA, "sha256": _checksum(content), "office": content}
    write_whole(path, json.dumps(whole, ensure_ascii=False).encode())


def read(path: Path) -> OfficeSnapshot:
    """Returns the office of a file. Raises NotFound where there is none, CheckFailed where it is damaged."""
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("there is no copy of the rules at {path} yet", path=path) from error
    except OSError as error:
        raise _unusable(path, why(error)) from error
    try:
        return _checked(json.loads(text))
    except ValidationError as error:
        raise _unusable(path, Sentence("{count} wrong values", count=error.error_count())) from error
    except WrongValue as error:
        raise _unusable(path, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _unusable(path, Sentence("it is damaged")) from error


def _checked(whole: Any) -> OfficeSnapshot:
    if whole["schema"] != SCHEMA:
        raise WrongValue(
            "its form is version {found}, this callrec reads {needed}", found=whole["schema"], needed=SCHEMA
        )
    if whole["sha256"] != _checksum(whole["office"]):
        raise WrongValue("its checksum does not fit")
    return _SAVED.validate_json(json.dumps(whole["office"]))


def _checksum(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _unusable(path: Path, problem: object) -> CheckFailed:
    return CheckFailed(
        "the copy of the rules at {path} cannot be used ({problem}): the database is needed to start",
        path=path,
        problem=problem,
    )
