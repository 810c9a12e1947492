"""The voice of the shipped announcements, as it really speaks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from callrec.errors import WrongUsage
from callrec.prompts import voice
from callrec.prompts.library import Library
from callrec.prompts.wordings import OFFICE, SHIPPED, WORDINGS, words_for
from callrec.resources import shipped
from tests.unit.prompts.seconds import SECONDS


def test_what_is_shipped_has_the_words_it_is_known_by() -> None:
    library = Library(shipped("prompts"))
    japanese = {each.name: each.text for each in library.all() if each.language == "ja"}
    assert japanese == SHIPPED and set(SECONDS) == set(WORDINGS)
    for name in SHIPPED:
        prompt = library.get(name, "ja")
        assert (prompt.voice, prompt.licence) == (voice.MEI, voice.LICENCE)
        assert prompt.seconds == pytest.approx(SECONDS[name], rel=0.1)


@pytest.mark.parametrize("name", [name for name in WORDINGS if name not in SHIPPED])
def test_words_with_the_name_of_the_office_last_as_long_as_is_said(name: str) -> None:
    words = words_for(name, None, "港区役所")
    assert OFFICE not in words and voice.reading_of(words).startswith("ミナトクヤクショ")
    assert voice.spoken(words).seconds == pytest.approx(SECONDS[name], rel=0.1)


def test_the_same_words_sound_the_same() -> None:
    once, again = (voice.spoken("録音します。").samples for _ in range(2))
    assert np.array_equal(once, again) and not np.array_equal(once, voice.spoken("録音しません。").samples)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "cannot read"),
        ("。", "cannot read 。"),
        ("😀録音", "cannot read 😀"),
        ("한국어で録音します", "cannot read 한국어"),
        ("録音\x00", "cannot read"),
        ("録音\u202e", "cannot read"),
        ("録音します。" * 200, "too long"),
    ],
)
def test_what_the_voice_would_leave_out_is_refused(words: str, complaint: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        voice.reading_of(words)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("words", ["９時から17時15分まで", "03-1234-5678", "10～12時、100%", "ABC", "𠮷野家"])
def test_numbers_and_marks_are_read(words: str) -> None:
    assert voice.reading_of(words)


def test_nothing_is_printed_by_the_library() -> None:
    """It prints as it is imported, which it was in this process."""
    code = "from callrec.prompts import voice; voice.reading_of('何時ですか。'); voice.spoken('何時ですか。')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("name", "text", "office", "complaint"),
    [
        (None, None, None, "what is to be spoken"),
        ("own", None, None, "what is to be spoken"),
        ("own", "", None, "what is to be spoken"),
        ("office-easy", None, None, "--office 港区役所"),
        ("own", "〇〇区役所です。", " ", "--office 港区役所"),
        ("short", None, "港区役所", "has no place"),
    ],
)
def test_words_that_are_not_all_there(
    name: str | None, text: str | None, office: str | None, complaint: str
) -> None:
    with pytest.raises(WrongUsage) as refused:
        words_for(name, text, office)
    assert complaint in str(refused.value)
