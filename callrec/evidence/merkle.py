"""Merkle trees as in RFC 6962: one hash that stands for many documents, and short proofs that one of them is
among these.

A leaf is SHA-256 over a zero byte and the document's own SHA-256 (32 bytes); a node SHA-256 over a byte of
one, and the two nodes below, left and right. Of n leaves the left side has the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

LEFT, RIGHT = "left", "right"
Step = tuple[str, str]
"""A sibling on the way up: on which side it stands, and its hash in hexadecimal."""


def leaf(sha256: str) -> bytes:
    """Returns the leaf of a document with this SHA-256, in hexadecimal."""
    return hashlib.sha256(b"\0" + bytes.fromhex(sha256)).digest()


def root(documents: Sequence[str]) -> str:
    """Returns the root over documents, by their SHA-256, in hexadecimal; over none, SHA-256 of nothing."""
    if not documents:
        return hashlib.sha256(b"").hexdigest()
    return _root([leaf(each) for each in documents]).hex()


def path(documents: Sequence[str], index: int) -> list[Step]:
    """Returns the siblings on the way from a document to the root, from below."""
    return _path([leaf(each) for each in documents], index)


def climbed(sha256: str, steps: Sequence[Step]) -> str:
    """Returns the root at which a document arrives by these steps."""
    node = leaf(sha256)
    for side, sibling in steps:
        other = bytes.fromhex(sibling)
        node = _node(other, node) if side == LEFT else _node(node, other)
    return node.hex()


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    return _node(_root(leaves[:half]), _root(leaves[half:]))


def _path(leaves: Sequence[bytes], index: int) -> list[Step]:
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*_path(leaves[:half], index), (RIGHT, _root(leaves[half:]).hex())]
    return [*_path(leaves[half:], index - half), (LEFT, _root(leaves[:half]).hex())]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _half(count: int) -> int:
    """Returns the largest power of two below a count of two or more."""
    return 1 << (count - 1).bit_length() - 1
