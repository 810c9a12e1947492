"""What an alert says, and how its message is signed."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from callrec.alerts import words
from callrec.alerts.webhook import headers, message, signature
from callrec.model.office import Extension, Facility, Support
from callrec.policy.office import Office
from tests.unit.bench import TOKYO
from tests.unit.samples import CALL_ID, alert

OFFICE = Office([Facility("shiba", "芝地区総合支所")], [Extension("2101", "shiba", "窓口1")])


def test_the_mail_says_where_help_is_needed_in_both_languages() -> None:
    text = words.text(alert(), "窓口1", TOKYO)
    japanese, english = text.split("--------")
    for segment in (japanese, english):
        for needed in ("芝地区総合支所", "2101 窓口1", "2026-11-22 10:00:00 JST", CALL_ID):
            assert needed in segment
    assert "03-1234-5678" in japanese and "+81312345678" in english
    assert "録音されています" in japanese and "this call is being recorded" in english
    assert "応援担当の電話（内線 2900）" in japanese and "support phone (extension 2900)" in english
    assert "芝地区総合支所" in words.subject(alert()) and "2101" in words.subject(alert())


def test_the_mail_says_so_when_nothing_is_recorded_or_known() -> None:
    text = words.text(alert(recorded=False, number=None, direction=None, support_phone=None), "", TOKYO)
    assert "録音されていません" in text and "this call is not being recorded" in text
    assert "不明" in text and "unknown" in text and "2900" not in text


def test_the_message_says_the_same_to_programs() -> None:
    said = message(alert(), OFFICE)
    assert json.loads(json.dumps(said)) == {
        "event": "help",
        "id": alert().id,
        "call_id": CALL_ID,
        "pbx": "pbx",
        "facility": "shiba",
        "facility_name": "芝地区総合支所",
        "extension": "2101",
        "extension_name": "窓口1",
        "number": "+81312345678",
        "direction": "inbound",
        "at": "2026-11-22T01:00:00+00:00",
        "recorded": True,
        "support_phone": "2900",
    }


def test_the_signature_is_that_of_the_documentation() -> None:
    body, secret, timestamp = '{"a":"港"}'.encode(), "s3cret", "1795312800"
    expected = hmac.new(b"s3cret", b"1795312800." + body, hashlib.sha256).hexdigest()
    assert signature(body, secret, timestamp) == expected
    sent = headers("id-1", body, secret, timestamp)
    assert sent["X-Callrec-Signature"] == f"sha256={expected}"
    assert (sent["X-Callrec-Timestamp"], sent["X-Callrec-Alert"]) == (timestamp, "id-1")


@pytest.mark.parametrize(
    ("body", "secret", "timestamp"), [(b"x", "s", "1"), (b"", "t", "1"), (b"", "s", "2"), (b".", "s", "")]
)
def test_any_change_changes_the_signature(body: bytes, secret: str, timestamp: str) -> None:
    assert signature(body, secret, timestamp) != signature(b"", "s", "1")


@pytest.mark.parametrize(
    ("own", "phone", "mail"),
    [
        ({}, "2900", ("all@x.example",)),
        ({"support_phone": "2950"}, "2950", ("all@x.example",)),
        ({"support_mail": ("a@x.example",)}, "2900", ("a@x.example",)),
        ({"support_phone": "", "support_mail": ()}, None, ()),
    ],
)
def test_a_facility_may_have_others_who_help(
    own: dict[str, str], phone: str | None, mail: tuple[str, ...]
) -> None:
    facility = Facility("shiba", "芝", **own)  # type: ignore[arg-type]
    office = Office([facility], support=Support("2900", ("all@x.example",)))
    assert office.support_of("shiba") == Support(phone, mail)
    assert office.support_of("unassigned") == office.support_of(None) == Support("2900", ("all@x.example",))
    assert Office([Facility("shiba", "芝")]).support_of("shiba") == Support()
