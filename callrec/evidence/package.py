"""A package: recordings for somebody outside, with all that proves them, in one folder.

`package.json`, a signed document, says for whom the package was made, under which request, and which files
are in it, each with its SHA-256; `SHA256SUMS` says the same for `sha256sum -c`. Who makes packages is the
matter of callrec.evidence.packing, who checks them of callrec.evidence.package_check.

    package.json                  what is in the package, signed
    SHA256SUMS                    the same, for sha256sum
    summary.html, 要約.html        the page to read, to hear and to check
    VERIFY.txt, 検証方法.txt        the commands that check everything without callrec
    recordings/ID.flac            the sound (or .wav; of a clip ID-190s-300s.flac)
    recordings/ID.manifest.json   its manifest, byte by byte as it was archived, signed
    custody/ID.txt                its rows of the custody log: the hash of each, and the text that was hashed
    paths/ID.json                 the way from the manifest up to the root of an anchor
    anchors/….json, ….tsr         the anchors, signed, and their time-stamps
    keys/KEY.pem                  the public keys
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

from callrec.catalogue.custody import Entry, text_of
from callrec.errors import EvidenceBroken
from callrec.evidence.form import Form
from callrec.evidence.merkle import Step
from callrec.model.requests import RequestKind
from callrec.signing import canonical, parsed

SCHEMA: Literal["callrec-package/1"] = "callrec-package/1"
PATH_SCHEMA: Literal["callrec-path/1"] = "callrec-path/1"
DOCUMENT, SUMS = "package.json", "SHA256SUMS"
PAGES = {"en": "summary.html", "ja": "要約.html"}
INSTRUCTIONS = {"en": "VERIFY.txt", "ja": "検証方法.txt"}
RECORDINGS, CUSTODY, PATHS, ANCHORS, KEYS = "recordings/", "custody/", "paths/", "anchors/", "keys/"
MANIFEST = ".manifest.json"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of a package, by its name in it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackedRecording:
    """A recording of a package. The names of its other files are made of its id."""

    id: str
    sound: str
    """The name of the file with its sound."""
    format: str
    """`flac` or `wav`."""
    clip: tuple[float, float] | None
    """The part of the recording that the sound is, in seconds from its beginning. Null: all of it."""


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Package:
    """What is in a package, for whom it was made, and by whom."""

    schema: Literal["callrec-package/1"]
    request: str
    """The number of the request under which it was given out."""
    kind: RequestKind
    for_whom: str
    ground: str
    approved_by: str
    """Who approved the request."""
    made_at: datetime
    made_by: str
    recordings: tuple[PackedRecording, ...]
    left_out: tuple[str, ...]
    """Recordings that the request lists, and that were destroyed when their time was over."""
    files: tuple[PackedFile, ...]
    """All files but this one and `SHA256SUMS`."""
    software: str
    key_id: str = ""
    signature: str = ""


_FORM = Form(
    Package,
    lambda problem: EvidenceBroken("the document is no list of a package: {problem}", problem=problem),
)
write, read = _FORM.write, _FORM.read


def sums(files: Iterable[PackedFile], document: bytes) -> bytes:
    """Returns the file that `sha256sum -c` accepts: of all files, and of the document that lists them."""
    rows = {each.name: each.sha256 for each in files} | {DOCUMENT: hashlib.sha256(document).hexdigest()}
    return "".join(f"{rows[name]}  {name}\n" for name in sorted(rows)).encode()


# --- the way from a manifest to an anchor


@dataclass(frozen=True, slots=True)
class Proof:
    """The way from a manifest up to the root of an anchor."""

    recording_id: str
    manifest_sha256: str
    anchor: str
    """The name of the anchor's file in the package."""
    index: int
    """Its place among the manifests under the anchor, from 0."""
    steps: tuple[Step, ...]
    """The siblings on the way, from below."""


def write_proof(proof: Proof) -> bytes:
    """Returns a proof as JSON in canonical form."""
    return canonical(
        {
            "schema": PATH_SCHEMA,
            "recording_id": proof.recording_id,
            "manifest_sha256": proof.manifest_sha256,
            "anchor": proof.anchor,
            "index": proof.index,
            "steps": [list(each) for each in proof.steps],
        }
    )


def read_proof(data: bytes) -> Proof:
    """Returns a proof. Raises EvidenceBroken for what is none."""
    found = parsed(data)
    try:
        steps = tuple((str(side), bytes.fromhex(sibling).hex()) for side, sibling in found["steps"])
        id_, digest, anchor = (str(found[name]) for name in ("recording_id", "manifest_sha256", "anchor"))
        proof = Proof(id_, digest, anchor, int(found["index"]), steps)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceBroken("the document is no path of a Merkle tree") from error
    if canonical(found) != data or write_proof(proof) != data:
        raise EvidenceBroken("the document is not in the canonical form of RFC 8785: it was written anew")
    return proof


# --- the extract of the custody log


def write_custody(entries: Sequence[Entry]) -> bytes:
    """Returns rows of the custody log, a line each: the hash, a blank, and the text that was hashed."""
    return "".join(f"{each.hash} {text_of(each)}\n" for each in entries).encode()


def wrong_rows(data: bytes) -> list[int]:
    """Returns the lines, from 1, of an extract of the custody log whose hash is not that of their text."""
    return [
        number
        for number, line in enumerate(data.removesuffix(b"\n").split(b"\n") if data else [], 1)
        if hashlib.sha256(line[65:]).hexdigest().encode() + b" " != line[:65]
    ]
