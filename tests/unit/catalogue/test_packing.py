"""What is packed comes back as it was, and what was not packed is told as such."""

from __future__ import annotations

import json
import zlib
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.catalogue.calls import as_json
from callrec.catalogue.packing import DICTIONARIES, pack, packed_text, unpack, unpacked_text
from tests.unit.samples import call

ID, SHA256 = "01a20000-0000-7000-8000-00000000000a", "ab" * 32
MOMENTS = (
    "2026-11-22T01:00:00Z",
    "2026-11-22T01:00:00.123000Z",
    "2026-11-22T01:00:00.123456Z",
    "2026-11-22T01:00:00.000001Z",
    "1969-12-31T23:59:59.999999+00:00",
    "2027-02-20T01:00:12+00:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
)
ODD = (
    "2026-13-45T99:99:99Z",
    "2026-11-22T01:00:00.000000Z",
    "2026-11-22T25:00:00Z",
    "\x01\x02\x06",
    "港区 \ud800",
)
TEXTS = st.one_of(
    st.text(),
    st.uuids().map(str),
    st.sampled_from([*MOMENTS, *ODD, SHA256, SHA256[:32], SHA256.upper(), f"shiba/{ID}.flac", ID * 2]),
    st.datetimes(timezones=st.just(UTC)).map(lambda each: each.isoformat()),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(PLAIN)
def test_all_json_comes_back_as_it_was(value: Any) -> None:
    assert unpack(pack(value)) == value


@given(st.lists(TEXTS))
def test_the_text_comes_back_sign_by_sign(texts: list[str]) -> None:
    text = json.dumps(texts)
    assert unpacked_text(packed_text(text)) == text


def test_a_call_takes_few_bytes() -> None:
    plain = as_json(call())
    assert len(pack(plain)) < len(json.dumps(plain)) / 6


@given(st.binary())
def test_what_was_not_packed_is_refused(data: bytes) -> None:
    try:
        unpack(data)
    except ValueError:
        return
    assert pack(unpack(data))[:1] == data[:1]


@pytest.mark.parametrize("cut", range(1, 40))
def test_what_was_cut_off_is_refused(cut: int) -> None:
    whole = pack({"id": ID, "sha256": SHA256, "at": MOMENTS[2]})
    with pytest.raises(ValueError):
        unpack(whole[:-cut])


@pytest.mark.parametrize("value", ["{}", 7, None, 1.5])
def test_what_is_no_bytes_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        unpack(value)


def test_a_dictionary_is_never_changed() -> None:
    """Rows that were packed with it could not be read any more."""
    assert {number: zlib.crc32(text) for number, text in DICTIONARIES.items()} == {1: 2826843717}
