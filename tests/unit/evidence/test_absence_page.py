"""The page on calls without a recording: each reason in words, in both languages, and the document within."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from callrec.catalogue.absences import Stretch
from callrec.errors import EvidenceBroken
from callrec.evidence.absence import Finding, Reason, status
from callrec.evidence.absence_document import (
    SCHEMA,
    Absence,
    Asked,
    CustodyState,
    Language,
    Limits,
    StatedAnchor,
    StatedCall,
    StatedProblem,
    StatedRule,
    read,
)
from callrec.evidence.absence_page import signed_page
from callrec.evidence.keys import PublicKeyRing
from callrec.language import speaking, translated
from callrec.model.rules import Mode
from callrec.signing import signed
from tests.unit.bench import Sources
from tests.unit.samples import RECORDING_ID, START

KEY = Sources.key
KEYS = PublicKeyRing({KEY.key_id: KEY.public_key})
DAY = timedelta(days=1)


def call(number: int, found: Finding) -> StatedCall:
    return StatedCall(
        id=f"01a20000-0000-7000-8000-{number:012d}",
        started_at=START,
        answered_at=START,
        ended_at=START,
        direction="inbound",
        facility="shiba",
        extension="2101",
        extensions=("2101", "2102"),
        number=None,
        number_is="not-shown",
        outcome="answered",
        decision="rule",
        mode=Mode.MANUAL,
        rule=3,
        version=2,
        announced="whole",
        status=status([found]),
        findings=(found,),
    )


def document(language: Language = "en") -> Absence:
    """One with every reason, every limit, and a custody log with which something is wrong."""
    rest = (START, RECORDING_ID, 3, 2, Mode.MANUAL, "rule", START + DAY, 12)
    findings = [Finding(each, *rest, "keep") for each in Reason]
    return Absence(
        schema=SCHEMA,
        made_at=START,
        made_by="sato",
        language=language,
        zone="Asia/Tokyo",
        asked=Asked(START - DAY, START + DAY, "2101", None, "+81312345678"),
        calls=tuple(call(number, each) for number, each in enumerate(findings)),
        rules=(
            StatedRule(
                3,
                2,
                "words",
                "[[rule]]\nid = 3\n",
                START,
                "abe",
                removed=True,
                in_force_at_begin=False,
                within=True,
            ),
        ),
        custody=CustodyState(
            rows=120,
            hash="ab" * 32,
            anchors=3,
            problems=(StatedProblem("row 7 was altered", "restored after a fire (mori)"),),
            around=(StatedAnchor("anchors/2026/11/22.json", "cd" * 32, 3, START, 100, fits=False),),
        ),
        limits=Limits(
            facilities=("shiba",),
            first_call_at=START,
            ends_later=True,
            withheld=2,
            erased=1,
            erased_until=START,
            away=(Stretch(START, None),),
            controller_running=True,
            link_up=False,
            link_changed_at=START.isoformat(),
            unreadable=("recordings/x.flac",),
        ),
        software="callrec 0",
    )


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "\n", unescape(html.partition("<body>")[2].partition("<script")[0]))


def test_all_of_it_stands_on_the_page() -> None:
    text = text_of(signed_page(document(), KEY).html)
    for said in (
        "rule 3@2 kept it until 2026-11-23 10:00:00 (row 12 of the custody log)",
        "From 2026-11-22 10:00:00 on others talked, and rule 3@2 decided: recorded when staff press the key.",
        "Staff pressed a key (record or keep) at 2026-11-22 10:00:00",
        "row 7 was altered.",
        "What was said of that: restored after a fire (mori).",
        "the log does not agree",
        "Rule 3@2: words",
        "With this version the rule was taken out of force.",
        "its link to the PBX was down since 2026-11-22 10:00:00",
        "as it was withheld: 2.",
        "the last of them of 2026-11-22 10:00:00",
        "This cannot be read, and may be of a call that was asked about: recordings/x.flac.",
        "only those in which these facilities took part: shiba",
        "a call was under way 2026-11-22 10:00:00 – —.",
        "The time asked about was not over",
        "2101, 2102",
    ):
        assert said in text, said
    assert not re.search(r"\{[a-z_]+\}", text) and "None" not in text


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_is_in_the_language_that_is_spoken_whatever_that_of_the_process(language: Language) -> None:
    with speaking(language):
        page = signed_page(document(language), KEY)
        title = translated("Statement on recordings of calls")
    assert f'<html lang="{language}">' in page.html and f"<h1>{title}</h1>" in page.html
    moment = "令和8年11月22日 10時00分00秒" if language == "ja" else "2026-11-22 10:00:00"
    assert moment in page.html and not re.search(r"\{[a-z_]+\}", text_of(page.html))


def test_the_document_says_all_of_it_and_holds_the_hash_of_the_page() -> None:
    page = signed_page(document(), KEY)
    said = read(page.document, KEYS)
    assert replace(said, page_sha256="", key_id="", signature="") == document()
    (data,) = re.findall(r'id="signed">([A-Za-z0-9+/=]*)<', page.html)
    assert base64.b64decode(data) == page.document
    assert page.sha256 == hashlib.sha256(page.document).hexdigest()
    empty = page.html.replace(data, "")
    assert said.page_sha256 == hashlib.sha256(empty.encode()).hexdigest()
    with pytest.raises(EvidenceBroken):
        read(page.document.replace(b"sato", b"sata"), KEYS)


def test_a_document_that_is_none_is_told() -> None:
    with pytest.raises(EvidenceBroken, match="states no absence"):
        read(signed({"schema": "callrec-other/1"}, KEY), KEYS)
