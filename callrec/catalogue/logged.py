"""Tells what the custody log says of how a recording came into the bucket: where it is, and what it was.

The log is a chain, and wins over the catalogue's row of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from callrec.catalogue.custody import Entry

TAKEN_OVER = ("archived", "rebuilt")
"""The actions with which the custody log begins to answer for a recording in the bucket."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the custody log says of how a recording came into the bucket; empty where it says nothing."""

    captured_at: datetime | None = None
    kept_because: str = ""
    made_at: datetime | None = None
    sha256: str = ""
    archived_at: datetime | None = None
    archived_row: int | None = None
    """The number of the row that says so."""
    key: str = ""
    manifest_sha256: str = ""
    version: str | None = None
    manifest_version: str | None = None

    @property
    def manifest_key(self) -> str:
        return self.key.removesuffix(".flac") + ".manifest.json"

    @property
    def objects(self) -> tuple[tuple[str, str | None], ...]:
        """The keys of both objects, each with the version that was archived."""
        return (self.key, self.version), (self.manifest_key, self.manifest_version)


def logged(entries: Iterable[Entry]) -> Logged:
    """Returns what the entries of a recording say of its way into the bucket: the first of each kind does."""
    found = Logged()
    for each in entries:
        said = each.details
        if each.action == "captured" and found.captured_at is None:
            because = str(said.get("kept_because", ""))
            found = replace(found, captured_at=each.at, kept_because=because)
        elif each.action == "spooled" and found.made_at is None:
            found = replace(found, made_at=each.at, sha256=str(said.get("sha256", "")))
        elif each.action in TAKEN_OVER and not found.key and said.get("key"):
            found = _taken_over(found, each)
    return found


def _taken_over(found: Logged, said: Entry) -> Logged:
    details = said.details
    return replace(
        found,
        archived_at=said.at,
        archived_row=said.seq,
        sha256=str(details.get("sha256") or found.sha256),
        key=str(details["key"]),
        manifest_sha256=str(details.get("manifest_sha256", "")),
        version=details.get("version"),
        manifest_version=details.get("manifest_version"),
    )
