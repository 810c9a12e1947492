"""Signs documents and checks their signatures: manifests, statements, anchors and whatever else callrec says
for good.

A signed document is a JSON object in the canonical form of RFC 8785: one line of UTF-8, its names sorted, no
spaces. Its member `signature` is Ed25519 (RFC 8032), in base64, over the same document without that member,
`key_id` says by which key. So whoever has the public key needs no callrec: take `,"signature":"…"` out of the
file, and what is left are the bytes that were signed.

    sed -E 's/,"signature":"[A-Za-z0-9+\\/=]{88}"//' FILE.json > signed
    sed -E 's/.*,"signature":"([A-Za-z0-9+\\/=]{88})".*/\\1/' FILE.json | base64 -d > signature
    openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in signed -sigfile signature

Where keys are kept is not known here: see callrec.evidence.keys.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Protocol

import rfc8785
from pydantic_core import from_json

from callrec.errors import EvidenceBroken, Sentence

_SIGNATURE = re.compile(rb',"signature":"([A-Za-z0-9+/]{86}==)"')
"""Cannot stand within a text of the document: its quotation marks would be escaped."""
_BLANK = base64.b64encode(bytes(64)).decode()
"""Holds the place of a signature: a document is brought into canonical form once."""


class Signer(Protocol):
    """A private key. `key_id` is the first 16 hexadecimal digits of the SHA-256 of the raw public key."""

    @property
    def key_id(self) -> str: ...

    def sign(self, data: bytes) -> bytes:
        """Returns the signature over data, 64 bytes."""


class PublicKeys(Protocol):
    """The public keys that are believed."""

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        """Returns whether the signature over data is by that key. Raises EvidenceBroken for a key that is
        not among them."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """Returns a document of plain JSON values in the canonical form of RFC 8785."""
    return rfc8785.dumps(dict(document))


def signed(document: Mapping[str, Any], signer: Signer) -> bytes:
    """Returns the document in canonical form, with `key_id` and `signature`. Raises EvidenceBroken for one
    that has a signature within it already."""
    whole = canonical({**document, "key_id": signer.key_id, "signature": _BLANK})
    _, content = apart(whole)
    signature = base64.b64encode(signer.sign(content))
    return _SIGNATURE.sub(b',"signature":"%s"' % signature, whole)


def opened(data: bytes, keys: PublicKeys) -> dict[str, Any]:
    """Returns a signed document. Raises EvidenceBroken unless it is in canonical form, and its signature is
    over these very bytes, by a key that is believed."""
    document = parsed(data)
    signature, content = apart(data)
    key_id = str(document.get("key_id", ""))
    if not _is_canonical(document, data):
        raise EvidenceBroken("the document is not in the canonical form of RFC 8785: it was written anew")
    if not keys.verifies(key_id, signature, content):
        raise EvidenceBroken("the signature by key {key} does not fit the document", key=key_id)
    return document


def _is_canonical(document: dict[str, Any], data: bytes) -> bool:
    try:
        return canonical(document) == data
    except rfc8785.CanonicalizationError:  # of a number that has no such form
        return False


def parsed(data: bytes) -> dict[str, Any]:
    """Returns a document, whoever signed it. Raises EvidenceBroken for what is no object of JSON."""
    try:
        document = from_json(data)
    except ValueError as error:
        raise EvidenceBroken("the document cannot be read: it is no JSON, or not whole") from error
    if not isinstance(document, dict):
        raise EvidenceBroken("the document cannot be read: it is no JSON, or not whole")
    return document


def apart(data: bytes) -> tuple[bytes, bytes]:
    """Returns the signature of a document and the bytes it is over. Raises EvidenceBroken where there is not
    exactly one."""
    found = _SIGNATURE.findall(data)
    if len(found) != 1:
        problem = Sentence("it has no signature") if not found else Sentence("it has several signatures")
        raise EvidenceBroken("the document is not signed: {problem}", problem=problem)
    return base64.b64decode(found[0]), _SIGNATURE.sub(b"", data)
