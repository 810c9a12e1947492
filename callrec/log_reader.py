"""Reads the log of callrec back: the lines of one call, from the journal of the machine or from a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from callrec.errors import NotFound, Unreachable
from callrec.failures import why
from callrec.log_lines import PRIORITIES

NAMES = ("call", "linkedid", "recording")
"""The fields of a line that name a call: by its id, by the PBX's, by that of its recording."""
JOURNAL_SECONDS = 60.0
"""How long the journal of a machine may be searched."""
_OWN = "CALLREC_"
_LEVELS = {priority: level for level, priority in PRIORITIES.items()}
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log. `values` are what belongs to the event, by name, as text."""

    at: AwareDatetime
    level: str
    event: str
    values: dict[str, str]

    def names(self) -> set[str]:
        """Returns the ids by which the line names its call."""
        return {self.values[name] for name in NAMES if self.values.get(name)}


Read = Callable[[frozenset[str]], Iterable[LogLine]]
"""Returns the lines in which a call is named by one of these ids."""


def of_call(ids: Iterable[str], read: Read) -> list[LogLine]:
    """Returns the lines of a call, in order: those with one of its ids, and with those that these name.

    Raises NotFound where there are none.
    """
    known: frozenset[str] = frozenset()
    wanted, found = frozenset(ids), list[LogLine]()
    while not wanted <= known:  # a line of its beginning may be known by the PBX's id alone
        known = wanted
        found = list(read(known))
        wanted = known.union(*(each.names() for each in found))
    if not found:
        raise NotFound("the log says nothing of {id}", id=min(ids))
    return sorted(found, key=lambda each: each.at)


def of_lines(lines: Iterable[str]) -> Read:
    """Returns what reads a log that was written as one JSON object a line. Other lines are passed over."""
    every = [each for each in map(_parsed, lines) if each]
    return lambda ids: [each for each in every if each.names() & ids]


def of_journal(namespace: str = "") -> Read:
    """Returns what reads the journal of this machine, or one of its namespaces. Raises Unreachable."""
    return lambda ids: list(_journal(ids, namespace))


def _journal(ids: frozenset[str], namespace: str) -> Iterator[LogLine]:
    which = [f"--namespace={namespace}"] if namespace else []
    matches = [f"{_OWN}{name.upper()}={id_}" for name in NAMES for id_ in sorted(ids)]
    wanted = [word for match in matches for word in ("+", match)][1:]
    for line in _asked(["journalctl", "--quiet", "--no-pager", "--all", "--output=json", *which, *wanted]):
        if found := _entry(json.loads(line)):
            yield found


def _asked(command: list[str]) -> list[str]:
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=JOURNAL_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        problem = why(error) if isinstance(error, OSError) else "journalctl"
        raise Unreachable(
            "the journal of this machine cannot be read ({problem}): name a file with --file", problem=problem
        ) from error
    text = done.stdout.decode("utf-8", "replace")
    return [line for line in text.split("\n") if line]  # a value may have U+2028, which ends no entry


def _entry(fields: Mapping[str, Any]) -> LogLine | None:
    """Returns an entry of the journal as a line; None where callrec has not written it."""
    own = {name.removeprefix(_OWN).lower(): value for name, value in fields.items() if name.startswith(_OWN)}
    return _line({**own, "level": _LEVELS.get(str(fields.get("PRIORITY")), "info")})


def _parsed(line: str) -> LogLine | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return _line(found) if isinstance(found, dict) else None


def _line(fields: Mapping[str, Any]) -> LogLine | None:
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    try:
        at = _MOMENT.validate_python(values.pop("timestamp"))
        return LogLine(at, values.pop("level"), values.pop("event"), values)
    except (KeyError, ValidationError):
        return None
