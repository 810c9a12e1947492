"""Makes packages: writes all that belongs to one into a zip. Who may have it is not asked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from callrec import __version__
from callrec.archive.given import Clip, GivenRecording
from callrec.archive.retrieval import Retrieval
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.errors import Unreachable
from callrec.evidence import package
from callrec.evidence.anchor import FOLDER, AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import AnchoredManifest, AnchorName
from callrec.evidence.keys import KeyFolder
from callrec.evidence.order import Order
from callrec.evidence.package import (
    ANCHORS,
    CUSTODY,
    DOCUMENT,
    INSTRUCTIONS,
    KEYS,
    MANIFEST,
    PAGES,
    PATHS,
    RECORDINGS,
    SCHEMA,
    SUMS,
    Package,
    PackedFile,
    PackedRecording,
    Proof,
)
from callrec.evidence.package_commands import commands
from callrec.evidence.package_zip import PackageWriter
from callrec.evidence.page.summary import Exhibit, page
from callrec.evidence.page.waveform import waveform
from callrec.manifest import read


@dataclass(frozen=True, slots=True)
class Proofs:
    """What proves the recordings of a package besides their manifests."""

    paths: dict[str, Proof]
    """The way of each manifest to its anchor, by the id of the recording."""
    anchors: dict[str, bytes]
    """Anchors and time-stamps, by their names in the package."""
    keys: dict[str, bytes]
    """The public keys as PEM, by their ids."""


def folder_of(number: str) -> str:
    """Returns the name of the folder that a package for a request is in."""
    return f"callrec-{number}"


class Packer:
    """Makes packages out of one archive. Everything raises as the archive and its anchors do, and OSError."""

    def __init__(
        self,
        retrieval: Retrieval,
        anchorer: Anchorer,
        keys: KeyFolder,
        stamp: Callable[[], None],
        zone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> None:
        self._retrieval, self._anchorer, self._keys = retrieval, anchorer, keys
        self._stamp, self._zone, self._now = stamp, zone, now

    def pack(
        self,
        path: Path,
        order: Order,
        recordings: Sequence[ArchivedRecording],
        entries: Mapping[str, Sequence[Entry]],
    ) -> list[GivenRecording]:
        """Writes a package as a zip, and returns which sounds are in it.

        An anchor is made first: the manifests are under it, or under one before. That they are given out is
        to be written down by the caller. `entries` are the rows of the custody log, by recording.
        """
        at = self._now()
        proofs = self._proofs(order, recordings, at)
        with PackageWriter(path, folder_of(order.request.number), at.astimezone(self._zone)) as writer:
            given, exhibits = [], []
            for kept in recordings:
                with self._retrieval.made(kept, order.kind, order.clip) as (made, sound):
                    given.append(made)
                    proof = proofs.paths[kept.id]
                    exhibits.append(_add_recording(writer, made, sound, order.clip, entries[kept.id], proof))
            _add_proofs(writer, proofs)
            about = _package(order, at, exhibits, writer.files)
            _add_texts(writer, about, exhibits, proofs.keys, self._zone)
            self._add_lists(writer, _package(order, at, exhibits, writer.files))
        return given

    def _proofs(self, order: Order, recordings: Sequence[ArchivedRecording], at: datetime) -> Proofs:
        note = f"package for request {order.request.number}"
        newest = self._anchorer.anchor(AnchorReason.EXPORT, order.by, at, note)
        with suppress(Unreachable):  # then the controller has it stamped later, and this package has none
            self._stamp()
        places = {kept.id: self._path_of(kept) for kept in recordings}
        used = {each.under.name: each.under for each in places.values()} | {newest.name: newest}
        anchors = {_file_name(found.key): found.data for found in used.values()} | self._stamps(used)
        paths = {kept.id: _proof(kept, places[kept.id]) for kept in recordings}
        return Proofs(
            paths, anchors, {each.key_id: each.public_key.encode() for each in self._keys.records()}
        )

    def _path_of(self, kept: ArchivedRecording) -> AnchoredManifest:
        return self._anchorer.log.path_of(kept.id, kept.manifest_sha256)

    def _stamps(self, names: Iterable[AnchorName]) -> dict[str, bytes]:
        """Returns the time-stamps of anchors, where there are any, by their names in the package."""
        log, numbers = self._anchorer.log, self._anchorer.log.stamps()
        keys = [name.stamp_key(number) for name in names for number in numbers.get(name, [])]
        return {_file_name(key): log.content(key) for key in keys}

    def _add_lists(self, writer: PackageWriter, about: Package) -> None:
        document = package.write(about, self._keys.signer())
        writer.add(DOCUMENT, document)
        writer.add(SUMS, package.sums(about.files, document))


def _proof(kept: ArchivedRecording, found: AnchoredManifest) -> Proof:
    anchor = f"{ANCHORS}{_file_name(found.under.key)}"
    return Proof(kept.id, kept.manifest_sha256, anchor, found.index, tuple(found.steps))


def _file_name(key: str) -> str:
    """Returns the name that an object of the anchors has in a package, without its folder."""
    return key.removeprefix(FOLDER).replace("/", "-")


def _add_recording(
    writer: PackageWriter,
    given: GivenRecording,
    sound: Path,
    clip: Clip | None,
    entries: Sequence[Entry],
    proof: Proof,
) -> Exhibit:
    """Adds a recording with all that is its own."""
    name = f"{RECORDINGS}{given.id}{clip or ''}.{given.kind}"
    writer.add_sound(name, sound, given.sha256)
    writer.add(f"{RECORDINGS}{given.id}{MANIFEST}", given.manifest)
    writer.add(f"{CUSTODY}{given.id}.txt", package.write_custody(entries))
    writer.add(f"{PATHS}{given.id}.json", package.write_proof(proof))
    shape = waveform(sound)
    span = None if clip is None else (clip.begin_s, round(clip.begin_s + shape.seconds, 3))
    packed = PackedRecording(given.id, name, given.kind, span)
    return Exhibit(packed, read(given.manifest), proof.manifest_sha256, entries, shape, proof)


def _add_proofs(writer: PackageWriter, proofs: Proofs) -> None:
    for name, data in sorted(proofs.anchors.items()):
        writer.add(f"{ANCHORS}{name}", data)
    for id_, pem in proofs.keys.items():
        writer.add(f"{KEYS}{id_}.pem", pem)


def _add_texts(
    writer: PackageWriter,
    about: Package,
    exhibits: Sequence[Exhibit],
    keys: dict[str, bytes],
    zone: ZoneInfo,
) -> None:
    for language, name in PAGES.items():
        writer.add(name, page(language, about, exhibits, keys, zone))
    for language, name in INSTRUCTIONS.items():
        writer.add(name, commands(language, name))


def _package(order: Order, at: datetime, exhibits: Iterable[Exhibit], files: Iterable[PackedFile]) -> Package:
    """Returns what is in the package so far."""
    request = order.request
    return Package(
        schema=SCHEMA,
        request=request.number,
        kind=request.kind,
        for_whom=request.for_whom,
        ground=request.ground,
        approved_by=request.approved_by or "",
        made_at=at,
        made_by=order.by,
        recordings=tuple(each.packed for each in exhibits),
        left_out=order.left_out,
        files=tuple(files),
        software=f"callrec {__version__}",
    )
