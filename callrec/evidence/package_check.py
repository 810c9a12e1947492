"""Checks a package by the public key alone: no configuration, no database, no network.

Of each file it says whether it is the one that was packed, and whether it says what the others say: manifests
and anchors are signed, the sound is that of its manifest, the manifest is under its anchor.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rfc3161_client import decode_timestamp_response

from callrec import manifest
from callrec.errors import CallrecError, EvidenceBroken, NotFound, Sentence
from callrec.evidence import merkle, package
from callrec.evidence.keys import PublicKeyRing, key_id, public_key
from callrec.evidence.package import (
    ANCHORS,
    CUSTODY,
    DOCUMENT,
    KEYS,
    MANIFEST,
    PATHS,
    RECORDINGS,
    SUMS,
    Package,
    PackedFile,
    PackedRecording,
)
from callrec.signing import opened, parsed

MOST_TEXT = 1 << 26
"""Bytes that a file may have that is read as a whole."""
_STAMP = re.compile(rf"{ANCHORS}[0-9-]+(\.[0-9]+)?(\.renewal-[1-9][0-9]{{0,3}})?\.tsr")
WAV_HEADER = 44
"""Bytes before the samples of a WAV file of callrec."""


class Files(Protocol):
    """The files of a package. Both raise EvidenceBroken for what is damaged."""

    def names(self) -> list[str]: ...
    def chunks(self, name: str) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What came of checking a file. `checked` is what was looked at: list (its size and SHA-256 in
    package.json), signature, sound, path, custody, key, stamp, sums."""

    name: str
    problems: list[Sentence]
    checked: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


class BelievedKeys:
    """Public keys by their ids, as PublicKeys."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self.ids = sorted(keys)
        self._keys, self._ring = keys, PublicKeyRing(keys)

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        if key_id not in self._keys:
            raise EvidenceBroken(
                "it is signed by key {key}, not by {keys}", key=key_id, keys=", ".join(self.ids) or "—"
            )
        return self._ring.verifies(key_id, signature, data)


def keys_of(pems: Iterable[bytes]) -> BelievedKeys:
    """Returns the public keys in these files. Raises EvidenceBroken for what is no key."""
    found = [public_key(each) for each in pems]
    return BelievedKeys({key_id(each): each for each in found})


class PackageCheck:
    """The check of one package. `given` are the keys that are believed; None: those in the package."""

    def __init__(self, files: Files, given: BelievedKeys | None = None) -> None:
        self._files, self._names = files, set(files.names())
        self._inner = self._keys_inside()
        self._given = given
        self.signer = ""
        """The id of the key that signed the package, once it was checked."""

    def results(self) -> Iterator[CheckedFile]:
        """Yields the result of each file, those that are missing or were added included."""
        document, result = self._document()
        yield result
        if document is None:  # nothing to compare with; the fault may be that of a key
            yield from self._keys_alone()
            return
        yield self._result(SUMS, ["sums"], lambda: self._check_sums(document))
        sounds = {each.sound: each for each in document.recordings}
        for each in document.files:
            yield self._listed(each, sounds.get(each.name))
        for name in sorted(self._names - {each.name for each in document.files} - {DOCUMENT, SUMS}):
            yield CheckedFile(name, [Sentence("it is not listed in package.json: it was added")], ["list"])
        yield from self._without_files(document)

    def _document(self) -> tuple[Package | None, CheckedFile]:
        """Returns the list of the package, if it can be read, and what came of checking it.

        One whose signature is wrong is not believed: the rest is not compared with it.
        """
        found: list[Package] = []

        def check() -> None:
            data = self._text(DOCUMENT)
            found.append(package.read(data, self._given or self._inner))
            self.signer = found[0].key_id

        result = self._result(DOCUMENT, ["signature"], check)
        return (found[0] if found else None), result

    def _keys_alone(self) -> Iterator[CheckedFile]:
        for name in sorted(each for each in self._names if each.startswith(KEYS)):
            yield self._result(name, ["key"], lambda name=name: self._check_key(name))  # type: ignore[misc]

    def _without_files(self, document: Package) -> Iterator[CheckedFile]:
        """Yields what a package lacks that its list does not even name: nobody who packs leaves that out."""
        names = {each.name for each in document.files}
        for each in document.recordings:
            for name in (each.sound, f"{RECORDINGS}{each.id}{MANIFEST}", f"{PATHS}{each.id}.json"):
                if name not in names:
                    yield CheckedFile(name, [Sentence("it is missing")], ["list"])

    def _listed(self, listed: PackedFile, recording: PackedRecording | None) -> CheckedFile:
        name, checked = listed.name, ["list"]
        result = self._result(name, checked, lambda: self._check_list(listed, recording))
        if result.problems:
            return result
        for what, prefix, suffix, check in (
            ("signature", RECORDINGS, MANIFEST, self._check_manifest),
            ("signature", ANCHORS, ".json", self._check_anchor),
            ("stamp", ANCHORS, ".tsr", self._check_stamp),
            ("path", PATHS, ".json", self._check_path),
            ("custody", CUSTODY, ".txt", self._check_custody),
            ("key", KEYS, ".pem", self._check_key),
        ):
            if name.startswith(prefix) and name.endswith(suffix):
                return self._result(name, [*checked, what], lambda check=check: check(name))  # type: ignore[misc]
        return CheckedFile(name, [], [*checked, *(["sound"] if recording and not recording.clip else [])])

    def _result(self, name: str, checked: list[str], check: Callable[[], None]) -> CheckedFile:
        try:
            check()
        except CallrecError as error:
            return CheckedFile(name, [Sentence(error.template, **error.values)], checked)
        return CheckedFile(name, [], checked)

    # --- what is looked at

    def _check_list(self, listed: PackedFile, recording: PackedRecording | None) -> None:
        """Raises EvidenceBroken unless a file is the listed one, and the sound that of its manifest."""
        whole, samples, size = hashlib.sha256(), hashlib.sha256(), 0
        for chunk in self._chunks(listed.name):
            samples.update(chunk[max(0, WAV_HEADER - size) :])
            whole.update(chunk)
            size += len(chunk)
        if (size, whole.hexdigest()) != (listed.size, listed.sha256):
            raise EvidenceBroken(
                "it was changed: SHA-256 {found}, not {expected}",
                found=whole.hexdigest(),
                expected=listed.sha256,
            )
        if recording and recording.clip is None:
            audio = manifest.read(self._text(f"{RECORDINGS}{recording.id}{MANIFEST}")).audio
            said, found = (
                (audio.sha256, whole) if recording.format == audio.format else (audio.pcm_sha256, samples)
            )
            if said != found.hexdigest():
                raise EvidenceBroken("the sound is not the one in its manifest")

    def _check_manifest(self, name: str) -> None:
        data = self._text(name)
        found = manifest.read(data)
        if found.recording_id != name.removeprefix(RECORDINGS).removesuffix(MANIFEST):
            raise EvidenceBroken("the manifest is that of {id}", id=found.recording_id)
        if parsed(data)["schema"] == manifest.SCHEMA:  # older ones are not signed
            opened(data, self._inner)

    def _check_anchor(self, name: str) -> None:
        opened(self._text(name), self._inner)

    def _check_path(self, name: str) -> None:
        proof = package.read_proof(self._text(name))
        data = self._text(f"{RECORDINGS}{proof.recording_id}{MANIFEST}")
        root = opened(self._text(proof.anchor), self._inner).get("merkle_root")
        digest = hashlib.sha256(data).hexdigest()
        if f"{PATHS}{proof.recording_id}.json" != name or proof.manifest_sha256 != digest:
            raise EvidenceBroken("it is the path of another manifest")
        if merkle.climbed(digest, proof.steps) != root:
            raise EvidenceBroken("the path does not lead to the root of {anchor}", anchor=proof.anchor)

    def _check_custody(self, name: str) -> None:
        if wrong := package.wrong_rows(self._text(name)):
            raise EvidenceBroken("row {row} has another hash", row=wrong[0])

    def _check_key(self, name: str) -> None:
        found = key_id(public_key(self._text(name)))
        if name != f"{KEYS}{found}.pem":
            raise EvidenceBroken("it is key {key}", key=found)

    def _check_stamp(self, name: str) -> None:
        """Raises EvidenceBroken unless a time-stamp is of its anchor. Its authority is not known here."""
        if not _STAMP.fullmatch(name):
            raise EvidenceBroken("it is no time-stamp")
        try:
            imprint = decode_timestamp_response(self._text(name)).tst_info.message_imprint.message
        except (ValueError, AttributeError) as error:
            raise EvidenceBroken("it is no time-stamp") from error
        stamped = hashlib.sha256(b"".join(map(self._text, self._stamped_by(name))))
        if imprint != stamped.digest():
            raise EvidenceBroken("it is the time-stamp of something else")

    def _stamped_by(self, name: str) -> list[str]:
        """Returns the files that a time-stamp is over: its anchor and, of a renewal, those before it."""
        base, _, number = name.removesuffix(".tsr").partition(".renewal-")
        before = [f"{base}.renewal-{each}.tsr" for each in range(1, int(number or 0))]
        return [f"{base}.json", *([f"{base}.tsr"] if number else []), *before]

    def _check_sums(self, document: Package) -> None:
        if self._text(SUMS) != package.sums(document.files, self._text(DOCUMENT)):
            raise EvidenceBroken("it is not the list that belongs to package.json")

    # --- reading

    def _keys_inside(self) -> BelievedKeys:
        found: dict[str, Ed25519PublicKey] = {}
        for name in self._names:
            if name.startswith(KEYS):
                try:
                    key = public_key(self._text(name))
                except CallrecError:  # said where the file itself is checked
                    continue
                found[key_id(key)] = key
        return BelievedKeys(found)

    def _chunks(self, name: str) -> Iterator[bytes]:
        if name not in self._names:
            raise NotFound("it is missing")
        return self._files.chunks(name)

    def _text(self, name: str) -> bytes:
        """Returns a file that is not large. Raises EvidenceBroken, and NotFound where it is missing."""
        data = bytearray()
        for chunk in self._chunks(name):
            data += chunk
            if len(data) > MOST_TEXT:
                raise EvidenceBroken("it is too large for what it is")
        return bytes(data)
