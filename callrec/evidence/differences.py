"""Compares values that two places have of the same thing, and says how they differ: with both of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from callrec.catalogue.rows import Unreadable
from callrec.errors import Sentence

Differences = list[Sentence]
FINDINGS = {
    "row": "{what}: {found} in the database, {expected} in the manifest",
    "log": "{what}: {found} in the database, {expected} in the custody log",
    "manifest": "{what}: {found} in the manifest, {expected} in the custody log",
    "bucket": "{what}: {found} in the bucket, {expected} in the custody log",
}
"""How a difference is told, by what it is between."""
IN_DATABASE, AGAINST_LOG, IN_MANIFEST, IN_BUCKET = FINDINGS.values()
NOTHING = "—"
SHOWN = 120
"""Characters of a value that are shown."""


def same(found: Any, expected: Any) -> bool:
    """Returns whether two values are the same; moments may be told in any zone."""
    return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)


def columns(template: str, table: str, row: Mapping[str, Any], expected: Mapping[str, Any]) -> Differences:
    """Returns the columns of a row that are not as expected."""
    return [
        difference(template, f"{table}.{name}", row[name], value)
        for name, value in expected.items()
        if not same(row[name], value)
    ]


def sets(
    what: str, found: Collection[Any], expected: Collection[Any], template: str = IN_DATABASE
) -> Differences:
    """Returns what is in one of two sets and not in the other."""
    only_here, only_there = _listed(set(found) - set(expected)), _listed(set(expected) - set(found))
    return [difference(template, what, only_here, only_there)] if only_here or only_there else []


def _listed(values: Iterable[Any]) -> str:
    texts = (
        " ".join(str(part) for part in each if part) if isinstance(each, tuple) else str(each)
        for each in values
    )
    return ", ".join(sorted(texts))


def documents(template: str, what: str, found: Any, expected: Any) -> Differences:
    """Returns the places at which two plain documents differ."""
    return [difference(template, *each) for each in _apart(what, found, expected)]


def _apart(place: str, found: Any, expected: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields the places at which two plain values differ, with both."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            yield from _apart(f"{place}.{name}", found.get(name), expected.get(name))
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, (one, other) in enumerate(zip(found, expected, strict=True), start=1):
            yield from _apart(f"{place}.{number}", one, other)
    elif found != expected:
        yield place, found, expected


def as_text(value: Any) -> str:
    """Returns a value of a set as a text: the same for the same moment."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else shown(value)


def missing(table: str, id_: str) -> Sentence:
    return Sentence("the database has no row {id} in table {table}", id=id_, table=table)


def difference(template: str, what: str, found: Any, expected: Any) -> Sentence:
    return Sentence(template, what=what, found=shown(found), expected=shown(expected))


def shown(value: Any) -> str:
    """Returns a value as it is told to people: moments in UTC, nothing as a dash, long ones cut."""
    if isinstance(value, Unreadable):
        value = value.value
    if value is None or value == "":
        return NOTHING
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
