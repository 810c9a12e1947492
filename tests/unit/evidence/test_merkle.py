"""Merkle trees: their roots are those of RFC 6962, and every path climbs to the root of its own tree only."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.evidence import merkle

ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots over the first n inputs of the tests of Certificate Transparency, which apply RFC 6962."""
INPUTS = [
    *("", "00", "10", "2021", "3031", "40414243"),
    *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
]
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)


def _over(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + _over(leaves[:k]) + _over(leaves[k:])).digest()


@pytest.mark.parametrize("count", range(9))
def test_the_roots_of_certificate_transparency(count: int) -> None:
    """Its leaves are any bytes, ours are hashes: the tree above the leaves is the same."""
    inputs = [bytes.fromhex(each) for each in INPUTS[:count]]
    assert _over(inputs).hex() == ROOTS[count], "what is compared with below"
    leaves = [hashlib.sha256(b"\0" + each).digest() for each in inputs]
    assert (merkle._root(leaves).hex() if leaves else merkle.root([])) == ROOTS[count]


@given(st.lists(HASHES, max_size=40))
def test_the_root_is_that_of_rfc_6962(documents: list[str]) -> None:
    assert merkle.root(documents) == _over([bytes.fromhex(each) for each in documents]).hex()


@given(st.lists(HASHES, min_size=1, max_size=40), st.data())
def test_every_path_climbs_to_the_root(documents: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(documents) - 1))
    steps = merkle.path(documents, index)
    assert merkle.climbed(documents[index], steps) == merkle.root(documents)
    assert len(steps) <= (len(documents) - 1).bit_length()


@given(st.lists(HASHES, min_size=2, max_size=40, unique=True), st.data())
def test_another_leaf_step_or_side_does_not(documents: list[str], data: st.DataObject) -> None:
    index, other = data.draw(st.permutations(range(len(documents))))[:2]
    steps, root = merkle.path(documents, index), merkle.root(documents)
    assert merkle.climbed(documents[other], steps) != root
    place = data.draw(st.integers(0, len(steps) - 1))
    side, sibling = steps[place]
    moved = (merkle.LEFT if side == merkle.RIGHT else merkle.RIGHT, sibling)
    changed = (side, data.draw(HASHES.filter(lambda each: each != sibling)))
    for forged in (moved, changed):
        assert merkle.climbed(documents[index], [*steps[:place], forged, *steps[place + 1 :]]) != root
    assert merkle.climbed(documents[index], steps[:-1]) != root


@given(st.lists(HASHES, min_size=1, max_size=40), HASHES, st.data())
def test_a_changed_taken_or_added_document_makes_another_root(
    documents: list[str], another: str, data: st.DataObject
) -> None:
    index, root = data.draw(st.integers(0, len(documents) - 1)), merkle.root(documents)
    changed = [*documents[:index], another, *documents[index + 1 :]]
    assert merkle.root(changed) != root or changed == documents
    assert merkle.root([*documents[:index], *documents[index + 1 :]]) != root
    assert merkle.root([*documents, another]) != root


def test_a_node_is_no_leaf() -> None:
    """Else a part of the tree could be shown for a document."""
    one, two = ("11" * 32, "22" * 32)
    node = merkle.leaf(one) + merkle.leaf(two)
    assert hashlib.sha256(b"\0" + node).hexdigest() != merkle.root([one, two])
