"""An anchor: where the custody log stood at a moment, and which manifests there were, in one signed document.

Anchors lie in the bucket under Object Lock and follow one another: each has the hash of the one before. What
they are compared with, and who makes them, is the matter of callrec.evidence.anchors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

from callrec.errors import EvidenceBroken
from callrec.evidence import merkle
from callrec.evidence.form import Form
from callrec.signing import canonical, parsed

SCHEMA: Literal["callrec-anchor/1"] = "callrec-anchor/1"
LEAVES: Literal["callrec-leaves/1"] = "callrec-leaves/1"
FOLDER = "anchors/"


class AnchorReason(StrEnum):
    """Why an anchor was made."""

    DAILY = "daily"
    EXPORT = "export"
    """A package was given out."""
    REQUEST = "request"
    """Somebody asked for it: `callrec custody anchor`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A manifest under an anchor, by the recording's id and the manifest's SHA-256 in hexadecimal."""

    recording_id: str
    manifest_sha256: str


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Anchor:
    """Where the custody log stood, and which manifests were archived since the anchor before.

    The root is over the manifests in the order of their recordings' ids; which they are stands in the object
    beside, `….leaves.json`, that need not be given out with the anchor.
    """

    schema: Literal["callrec-anchor/1"]
    number: int
    """Counts the anchors, from 1."""
    reason: AnchorReason
    note: str
    """What the person who asked for it says; empty without one."""
    made_at: datetime
    made_by: str
    custody_rows: int
    """The number of the newest row of the custody log; 0 of an empty one."""
    custody_hash: str
    """The hash of that row."""
    manifests: int
    """How many manifests are under this anchor: those the custody log says were archived in its rows since
    the anchor before."""
    merkle_root: str
    previous_key: str
    """The key of the anchor before in the bucket; empty for the first."""
    previous_sha256: str
    """SHA-256 of that anchor's bytes; empty for the first."""
    software: str
    known_breaks: tuple[str, ...] = ()
    """What was found to be wrong when this one was made, and is known, as `note` says: the keys of anchors
    that the custody log does not fit any more; with a `#` and what it is, other things about an anchor, such
    as the id of a recording under it that nobody has. Empty of an anchor without a note."""
    key_id: str = ""
    signature: str = ""


_FORM = Form(
    Anchor,
    lambda problem: EvidenceBroken("the document is no anchor: {problem}", problem=problem),
)
write, read = _FORM.write, _FORM.read


def write_leaves(leaves: list[Leaf]) -> bytes:
    """Returns the list of manifests under an anchor, as JSON in canonical form."""

    rows = [[each.recording_id, each.manifest_sha256] for each in leaves]
    return canonical({"schema": LEAVES, "leaves": rows})


def read_leaves(data: bytes, anchor: Anchor) -> list[Leaf]:
    """Returns the manifests under an anchor. Raises EvidenceBroken unless its root is over just these."""

    try:
        leaves = [Leaf(str(id_), str(sha256)) for id_, sha256 in parsed(data)["leaves"]]
        root = merkle.root([each.manifest_sha256 for each in leaves])
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceBroken(
            "the list of manifests of anchor {number} is damaged", number=anchor.number
        ) from error
    if root != anchor.merkle_root or len(leaves) != anchor.manifests:
        raise EvidenceBroken("the list of manifests of anchor {number} is another one", number=anchor.number)
    return leaves


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
