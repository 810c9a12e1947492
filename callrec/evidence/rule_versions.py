"""Versions of rules of which manifests have the text, and the catalogue has lost the row: after a backup was
put back, say. Without them a recording is not explained, and its number would be given to another rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from callrec.catalogue import rules
from callrec.catalogue.database import Connection
from callrec.catalogue.rebuilding import Difference
from callrec.errors import CallrecError
from callrec.manifest import RuleText
from callrec.rulebook import office_file

log = structlog.get_logger()


def differing(connection: Connection, said: Iterable[RuleText]) -> Iterator[Difference]:
    """Yields the versions that the catalogue lacks."""
    for each in _lacking(connection, said):
        yield Difference("rules", f"{each.rule} {each.version}", "", {"text": each.text}, None)


def take_up(
    connection: Connection, said: Iterable[RuleText], zone: ZoneInfo, *, who: str, at: datetime
) -> None:
    """Writes the versions that the catalogue lacks. One whose text cannot be read stays away, and is told by
    whatever compares."""
    for each in sorted(_lacking(connection, said), key=lambda each: (each.rule, each.version)):
        try:
            found = office_file.read_rule(each.text, zone, each.changed_at)
        except CallrecError as error:
            log.warning("a rule of a manifest cannot be read", rule=each.rule, problem=str(error))
            continue
        known = replace(found, id=each.rule, version=each.version)
        known = replace(known, changed_at=each.changed_at, changed_by=each.changed_by)
        rules.take_up(connection, known, who=who, at=at)
        log.warning(
            "lost from the catalogue, and taken from a manifest", rule=each.rule, version=each.version
        )


def _lacking(connection: Connection, said: Iterable[RuleText]) -> list[RuleText]:
    wanted = {(each.rule, each.version): each for each in said}
    there = rules.versions(connection, wanted)
    return [each for key, each in wanted.items() if key not in there]
