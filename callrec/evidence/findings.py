"""What is known of a recording while it is verified, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from callrec.catalogue.custody import Entry
from callrec.catalogue.logged import Logged
from callrec.catalogue.traces import Row
from callrec.errors import CatalogueDamaged, EvidenceBroken, Sentence
from callrec.evidence.afterwards import Afterwards
from callrec.evidence.differences import Differences
from callrec.evidence.reading import Missing
from callrec.manifest import Manifest


@dataclass(slots=True)
class Findings:
    """What came of verifying a recording.

    `checked` is what was looked at; `covered` are the keys over which something was put later. `remarks`
    are about what is right. `gone`: it was destroyed, as its time was over, and the custody log says so.
    """

    id: str
    checked: list[str] = field(default_factory=list)
    problems: Differences = field(default_factory=list)
    remarks: Differences = field(default_factory=list)
    covered: list[str] = field(default_factory=list)
    gone: bool = False
    missing: list[str] = field(default_factory=list)
    """The keys of what is not in the bucket."""

    @contextmanager
    def looking(self, at: str) -> Iterator[None]:
        """While something is looked at: what is wrong with it is a problem, and ends nothing else."""
        self.checked += [at] if at not in self.checked else []
        try:
            yield
        except (EvidenceBroken, CatalogueDamaged) as error:
            self.missing += [str(error.values["key"])] if isinstance(error, Missing) else []
            self.problems.append(Sentence(error.template, **error.values))


@dataclass(frozen=True, slots=True)
class Told:
    """What the catalogue has of a recording: its row, as it is, and what the custody log says."""

    row: Row | None
    entries: list[Entry]
    log: Logged

    @property
    def place(self) -> Logged:
        """Where its objects are, and what they were: by the custody log; by the row where that is silent."""
        return self.log if self.log.key or self.row is None else _by_row(self.row)


@dataclass(frozen=True, slots=True)
class Archived:
    """A manifest that is believed, the same as plain JSON, and how its recording stands by the log."""

    manifest: Manifest
    plain: dict[str, Any]
    now: Afterwards


def _by_row(row: Row) -> Logged:
    """Returns where a recording is by its row."""
    return Logged(
        sha256=str(row["sha256"]),
        key=str(row["key"]),
        manifest_sha256=str(row["manifest_sha256"]),
        version=row["version"],
        manifest_version=row["manifest_version"],
    )
