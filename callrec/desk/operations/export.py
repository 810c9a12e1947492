"""Packages: recordings given out with all that proves them. Each recording is proved first, anchored, and
written down before the first byte goes out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callrec.archive.given import Clip
from callrec.catalogue import custody, requests
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.desk.download import Download, Terms
from callrec.desk.operation import Session, operation
from callrec.desk.operations.giving import check_permitted
from callrec.desk.recordings import named
from callrec.desk.words import check_shown
from callrec.errors import CheckFailed, NotFound, Sentence
from callrec.evidence.order import Order, PackedKind
from callrec.failures import why
from callrec.files import scratch
from callrec.lifecycle.requests import seen, within
from callrec.model.access import Role
from callrec.model.requests import Request


@dataclass(frozen=True, slots=True)
class GivenPackage:
    """A package that was made for somebody. `size` and `sha256` are those of its zip."""

    request: str
    recordings: list[str]
    left_out: list[str]
    """Recordings that the request lists, and that were destroyed since."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Chosen:
    request: Request
    recordings: list[ArchivedRecording]
    left_out: list[str]
    entries: dict[str, list[Entry]]


@operation("export", Role.HANDLER)
def export(
    session: Session,
    /,
    request: str,
    ids: list[str],
    kind: PackedKind = "flac",
    clip: Clip | None = None,
) -> Download[GivenPackage]:
    """Gives recordings under a request as a package: those named, or all that the request lists.

    Raises NotFound, NotAllowed without a request that allows it, EvidenceBroken where one does not verify,
    and WrongUsage for a clip that is not in each of them.
    """
    check_shown(request)
    chosen = _chosen(session, request, ids)
    for kept in chosen.recordings:
        if clip:
            clip.check(kept.duration_s)
    with _packed(session, chosen, kind, clip) as (given, path):
        return Download.of(given, path, _terms(chosen, given.size))


def _chosen(session: Session, number: str, ids: list[str]) -> _Chosen:
    """Returns what is to be given, once it is sure that all of it may be."""
    with session.app.database.read() as connection:
        found = _permitted(session, connection, number, ids)
        request = seen(connection, number, session.reach)
        listed = within(session.reach, requests.listed(connection, request.number)[request.number])
        if not ids:
            there = [each.id for each in listed if each.is_there]
            found = _permitted(session, connection, request.number, there)
        entries = {kept.id: custody.of(connection, kept.id) for kept in found}
    gone = [] if ids else [each.id for each in listed if not each.is_there]
    if not found:
        raise NotFound("request {number} lists no recording that is there", number=request.number)
    return _Chosen(request, found, gone, entries)


def _permitted(
    session: Session, connection: Connection, number: str, ids: list[str]
) -> list[ArchivedRecording]:
    """Returns recordings that may be given under a request. Raises NotAllowed for one that may not."""
    found = named(session, connection, ids)
    for kept in found:
        check_permitted(session, connection, number, kept)
    return found


@contextmanager
def _packed(
    session: Session, chosen: _Chosen, kind: PackedKind, clip: Clip | None
) -> Iterator[tuple[GivenPackage, Path]]:
    """Makes the package, and has what is in it written down. The file is gone with the block."""
    number = chosen.request.number
    try:
        with scratch() as path:
            order = Order(chosen.request, session.who, kind, clip, tuple(chosen.left_out))
            made = session.app.packer(session.note).pack(path, order, chosen.recordings, chosen.entries)
            package = _sha256(path)
            with session.app.database.begin() as connection:
                for each in made:
                    said: dict[str, Any] = {
                        "format": each.kind,
                        "sha256": each.sha256,
                        "clip": str(clip or ""),
                    }
                    session.note(connection, each.id, "exported", request=number, package=package, **said)
            ids = [each.id for each in made]
            yield GivenPackage(number, ids, chosen.left_out, path.stat().st_size, package), path
    except OSError as error:
        raise CheckFailed(
            "{path} cannot be written: {problem}", path=Sentence("the package"), problem=why(error)
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _terms(chosen: _Chosen, size: int) -> Terms:
    """Returns under what a package is given: as long as the request allows it for all that is in it."""

    def check(session: Session) -> None:
        with session.app.database.read() as connection:
            for kept in chosen.recordings:
                check_permitted(session, connection, chosen.request.number, kept)

    first, *others = chosen.recordings
    return Terms("" if others else first.id, check, lambda sent: f"{100 * sent // size}%")
