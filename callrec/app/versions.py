"""Compares what is there with what this version of callrec reads and writes: the database, the spool, and the
manifests that wait in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic_core import from_json

from callrec import manifest
from callrec.app.parts import App
from callrec.spool import version


class Step(StrEnum):
    """What an upgrade does."""

    NOTHING = "nothing"
    MAKE = "make"
    MIGRATE = "migrate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Part:
    """A part with the version that it has, empty where there is none yet, and the one that is wanted."""

    name: str
    there: str
    wanted: str
    step: Step


def parts(app: App) -> list[Part]:
    """Returns what an upgrade would do to each part. Raises CatalogueUnreachable."""
    return [_database(app), _spool(app), *_manifests(app)]


def _database(app: App) -> Part:
    found, wanted, is_newer = app.database.look()
    step = Step.REFUSED if is_newer else Step.MIGRATE if found else Step.MAKE
    return Part("database", found or "", wanted, Step.NOTHING if found == wanted else step)


def _spool(app: App) -> Part:
    there, wanted = version.found(app.settings.spool.directory), version.MARK
    step = Step.MAKE if not there else Step.NOTHING if there == [wanted] else Step.REFUSED
    return Part("spool", ", ".join(there), wanted, step)


def _manifests(app: App) -> Iterator[Part]:
    """Yields a row for each version of manifests that wait, or one where none does. Those in the bucket are
    read for ever."""
    wanted = ", ".join(manifest.KNOWN)
    waiting = (app.settings.spool.directory / "recordings").glob("*/*.manifest.json")
    for schema in sorted(set(map(_schema, waiting))) or [""]:
        step = Step.NOTHING if schema in ("", *manifest.KNOWN) else Step.REFUSED
        yield Part("manifests", schema, wanted, step)


def _schema(path: Path) -> str:
    """Returns the version that a manifest says it is of; empty where it is gone, or says nothing."""
    try:
        return str(from_json(path.read_bytes()).get("schema"))
    except (OSError, ValueError, AttributeError):
        return ""
