"""Signed documents: any byte that was changed is found, whoever wrote it anew."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.errors import EvidenceBroken
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.signing import apart, canonical, opened, signed

KEY, OTHER = SigningKey.made(), SigningKey.made()
RING = PublicKeyRing({each.key_id: each.public_key for each in (KEY, OTHER)})
DOCUMENT: dict[str, Any] = {
    "schema": "test/1",
    "text": '芝 "," \\ \u2028',
    "list": [1, 1.5, None, True],
    "a": {},
}
SIGNED = signed(DOCUMENT, KEY)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(
        -(2**53) + 1, 2**53 - 1
    )  # JSON of larger ones is read as whole numbers, which have no such form
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (  # section 3.2.2 and 3.2.3 of RFC 8785
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
                "literals": [None, True, False],
            },
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
        ),
        (  # section 3.2.3: by UTF-16 code units
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"\U0001f600":5,"\ufb33":3}',
        ),
        ({"a": [-0.0, 5e-324, 1e21, 9007199254740991, 1e-7]}, '{"a":[0,5e-324,1e+21,9007199254740991,1e-7]}'),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, Any], written: str) -> None:
    assert canonical(value).decode() == written


def test_what_is_signed_is_opened() -> None:
    found = opened(SIGNED, RING)
    assert {name: found[name] for name in DOCUMENT} == DOCUMENT and found["key_id"] == KEY.key_id
    signature, content = apart(SIGNED)
    assert (
        len(signature) == 64 and b"signature" not in content and json.loads(content)["key_id"] == KEY.key_id
    )


def test_every_changed_byte_is_found() -> None:
    for place in range(len(SIGNED)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(SIGNED)
            changed[place] ^= flip
            with pytest.raises(EvidenceBroken):
                opened(bytes(changed), RING)


def test_a_byte_too_few_or_too_many_is_found() -> None:
    for changed in (SIGNED[:-1], SIGNED[1:], SIGNED + b"\n", b"\xef\xbb\xbf" + SIGNED, b""):
        with pytest.raises(EvidenceBroken):
            opened(changed, RING)


@pytest.mark.parametrize("form", [{}, {"indent": 1}, {"separators": (",", ":"), "ensure_ascii": True}])
def test_one_that_was_written_anew_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(EvidenceBroken):
        opened(json.dumps(json.loads(SIGNED), **form).encode(), RING)


def test_names_that_stand_twice_are_refused() -> None:
    twice = SIGNED.replace(b'"schema":"test/1"', b'"schema":"test/2","schema":"test/1"')
    with pytest.raises(EvidenceBroken, match="written anew"):
        opened(twice, RING)


@pytest.mark.parametrize("number", ["NaN", "1e400", "9007199254740993"])
def test_a_number_without_canonical_form_is_refused(number: str) -> None:
    odd = SIGNED.replace(b'"a":{}', b'"a":' + number.encode())
    with pytest.raises(EvidenceBroken, match="canonical form"):
        opened(odd, RING)


def test_without_a_signature() -> None:
    with pytest.raises(EvidenceBroken, match="it has no signature"):
        opened(canonical({**DOCUMENT, "key_id": KEY.key_id}), RING)


def test_with_two_signatures() -> None:
    inner = json.loads(SIGNED)
    with pytest.raises(EvidenceBroken, match="it has several signatures"):
        signed({**DOCUMENT, "of": inner}, KEY)
    by_hand = canonical({**inner, "of": inner})
    with pytest.raises(EvidenceBroken, match="it has several signatures"):
        opened(by_hand, RING)


def test_a_signature_that_stands_in_a_text_is_a_text() -> None:
    text = ',"signature":"' + "A" * 86 + '=="'
    assert opened(signed({**DOCUMENT, "text": text}, KEY), RING)["text"] == text


def test_the_signature_of_another_key_or_document_does_not_fit() -> None:
    theirs = signed(DOCUMENT, OTHER).replace(OTHER.key_id.encode(), KEY.key_id.encode())
    signature, _ = apart(signed({**DOCUMENT, "a": 1}, KEY))
    ours, _ = apart(SIGNED)
    exchanged = SIGNED.replace(b64encode(ours), b64encode(signature))
    for forged in (theirs, exchanged):
        with pytest.raises(EvidenceBroken, match=f"by key {KEY.key_id} does not fit"):
            opened(forged, RING)


def test_a_stranger_is_named() -> None:
    stranger = SigningKey.made()
    with pytest.raises(EvidenceBroken, match=f"{stranger.key_id}, which is none of ours"):
        opened(signed(DOCUMENT, stranger), RING)


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"null", b"{", b"\xff", b"[" * 3000])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceBroken, match="cannot be read"):
        opened(data, RING)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
def test_any_document_is_opened_as_it_was_signed(document: dict[str, Any]) -> None:
    document = {name: value for name, value in document.items() if name not in ("signature", "key_id")}
    data = signed(document, KEY)
    found = opened(data, RING)
    assert canonical({name: found[name] for name in document}) == canonical(document)
    assert signed(document, KEY) == data, "the same again"
