"""What a column holds comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callrec.catalogue.columns import Id, Sha256

ID = "01a20000-0000-7000-8000-00000000000a"
TEXTS = st.one_of(
    st.text(),
    st.uuids().map(str),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.text("a\0", min_size=14, max_size=18),
    st.text("a\0", min_size=30, max_size=34),
)


@pytest.mark.parametrize("kind", [Id, Sha256])
@given(text=TEXTS)
@example(text=ID)
@example(text="old\0")
@example(text="a" * 16)
@example(text="a" * 16 + "\0")
def test_each_id_and_hash_comes_back_as_it_was(kind: type[Id] | type[Sha256], text: str) -> None:
    assert kind.to_text(kind.to_bytes(text)) == text


def test_an_id_takes_sixteen_bytes() -> None:
    assert Id.to_bytes(ID) == bytes.fromhex(ID.replace("-", ""))
