"""Anchors and statements: read as they were written, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callrec.errors import EvidenceBroken
from callrec.evidence import anchor, merkle, statement
from callrec.evidence.anchor import Anchor, AnchorReason, Leaf
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.statement import Statement
from callrec.signing import parsed, signed

KEY = SigningKey.made()
RING = PublicKeyRing({KEY.key_id: KEY.public_key})
AT = datetime(2026, 11, 22, 1, 2, 3, 456000, tzinfo=UTC)
LEAVES = [Leaf("01a20000-0000-7000-8000-000000000001", "11" * 32), Leaf("01a2…2", "22" * 32)]
ANCHOR = Anchor(
    anchor.SCHEMA,
    number=2,
    reason=AnchorReason.REQUEST,
    note="監査 2026",
    made_at=AT,
    made_by="sato",
    custody_rows=7,
    custody_hash="ab" * 32,
    manifests=2,
    merkle_root=merkle.root([each.manifest_sha256 for each in LEAVES]),
    previous_key="anchors/2026/11/21.json",
    previous_sha256="cd" * 32,
    software="0.1",
)
STATEMENT = Statement(
    statement.SCHEMA,
    id="01a20000-0000-7000-8000-00000000000f",
    recording_id=LEAVES[0].recording_id,
    request="",
    action="held",
    at=AT,
    who="sato",
    details={"reason": "訴訟", "until": None},
)


def test_an_anchor_is_read_as_it_was_written() -> None:
    found = anchor.read(anchor.write(ANCHOR, KEY), RING)
    assert replace(found, key_id="", signature="") == ANCHOR and found.key_id == KEY.key_id


def test_a_statement_is_read_as_it_was_written() -> None:
    found = statement.read(statement.write(STATEMENT, KEY), RING)
    assert replace(found, key_id="", signature="") == STATEMENT and found.key_id == KEY.key_id


@pytest.mark.parametrize("read", [anchor.read, statement.read])
@pytest.mark.parametrize(
    "changes", [{"more": 1}, {"schema": "callrec-manifest/3"}, {"made_at": "gestern", "at": "gestern"}]
)
def test_what_is_signed_but_another_document_is_refused(read: Any, changes: dict[str, Any]) -> None:
    """By our own key: a signature alone makes no document of another kind."""
    plain = {
        anchor.read: parsed(anchor.write(ANCHOR, KEY)),
        statement.read: parsed(statement.write(STATEMENT, KEY)),
    }[read]
    with pytest.raises(EvidenceBroken, match="the document is no") as refused:
        read(signed({**plain, **changes}, KEY), RING)
    assert "\n" not in str(refused.value)


def test_one_kind_is_not_taken_for_the_other() -> None:
    with pytest.raises(EvidenceBroken, match="the document is no statement"):
        statement.read(anchor.write(ANCHOR, KEY), RING)
    with pytest.raises(EvidenceBroken, match="the document is no anchor"):
        anchor.read(statement.write(STATEMENT, KEY), RING)


def test_the_leaves_of_an_anchor() -> None:
    assert anchor.read_leaves(anchor.write_leaves(LEAVES), ANCHOR) == LEAVES


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (anchor.write_leaves(LEAVES[:1]), "is another one"),
        (anchor.write_leaves(LEAVES[::-1]), "is another one"),
        (anchor.write_leaves([LEAVES[0], Leaf(LEAVES[1].recording_id, "33" * 32)]), "is another one"),
        (anchor.write_leaves([Leaf("x", "no hash")]), "is damaged"),
        (b'{"leaves":[["one"]]}', "is damaged"),
        (b'{"leaves":7}', "is damaged"),
        (b"{}", "is damaged"),
        (b"[", "cannot be read"),
    ],
)
def test_leaves_of_another_tree_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(EvidenceBroken, match=problem):
        anchor.read_leaves(data, ANCHOR)
