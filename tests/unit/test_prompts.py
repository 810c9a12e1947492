"""Announcements: any format in, two rates out, at even loudness; what nobody could hear is refused."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.errors import CheckFailed, NotFound, WrongUsage
from callrec.prompts import LOUDNESS_DBFS, Library
from callrec.resources import shipped
from tests.listen import hears, hears_no
from tests.unit.wave import tone, write_wav

NOTICE = "この通話は、品質向上のため録音させていただく場合がございます。"
WORDS = {"name": "my-notice", "language": "ja", "text": NOTICE}


def _library(tmp_path: Path) -> Library:
    return Library(tmp_path / "prompts")


def test_the_shipped_announcements_are_whole() -> None:
    library = Library(shipped("prompts"))
    assert library.get("notice", "ja").text == NOTICE
    assert {prompt.language for prompt in library.all()} == {"ja", "en"}
    for prompt in library.all():
        library.check(prompt)
        for rate in (8000, 16000):
            info = soundfile.info(library.file(prompt, rate))
            assert (info.samplerate, info.channels, info.subtype) == (rate, 1, "PCM_16")
            assert info.duration == pytest.approx(prompt.seconds, abs=0.01)
    assert library.get("notice", "ja").licence == "CC BY 3.0" and "Mei" in library.get("notice", "ja").voice


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg", "m4a"])
def test_any_format_is_taken_in(tmp_path: Path, ending: str) -> None:
    write_wav(tmp_path / "a.wav", tone(700, 2, 44100, loud=1500), 44100)
    source = tmp_path / f"b.{ending}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", source], check=True)
    library = _library(tmp_path)
    added = library.add(source, **WORDS)
    assert library.get("my-notice", "ja") == added
    assert added.text_sha256 == hashlib.sha256(NOTICE.encode()).hexdigest()
    for rate in (8000, 16000):
        sound, found = soundfile.read(library.file(added, rate), dtype="int16")
        assert found == rate and hears(sound, rate, 700)
        loudness = 20 * np.log10(np.sqrt(np.mean(sound.astype(float) ** 2)) / 32768)
        assert loudness == pytest.approx(LOUDNESS_DBFS, abs=1.0)
    library.check(added)


def test_what_8_khz_cannot_carry_leaves_no_mirror(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(700, 2, 16000) // 2 + tone(6000, 2, 16000) // 2, 16000)
    library = _library(tmp_path)
    sound, rate = soundfile.read(library.file(library.add(tmp_path / "a.wav", **WORDS), 8000), dtype="int16")
    assert hears(sound, rate, 700) and hears_no(sound, rate, 2000)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros(16000, np.int16), "is silent"),
        (tone(500, 61), "lasts 61 s"),
        (np.zeros(0, np.int16), "is silent"),
    ],
)
def test_what_nobody_would_hear_is_refused(tmp_path: Path, samples: np.ndarray, problem: str) -> None:
    write_wav(tmp_path / "a.wav", samples)
    with pytest.raises(WrongUsage, match=problem):
        _library(tmp_path).add(tmp_path / "a.wav", **WORDS)
    assert not (tmp_path / "prompts").exists(), "nothing was changed"


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"not a sound")
    with pytest.raises(WrongUsage, match="no sound file"):
        _library(tmp_path).add(tmp_path / "a.wav", **WORDS)
    with pytest.raises(NotFound):
        _library(tmp_path).add(tmp_path / "nowhere.wav", **WORDS)


@pytest.mark.parametrize("words", [{"name": "../x"}, {"language": "japanese"}, {"text": "  "}])
def test_words_that_make_no_sense_are_refused(tmp_path: Path, words: dict[str, str]) -> None:
    write_wav(tmp_path / "a.wav", tone(500, 1))
    with pytest.raises(WrongUsage):
        _library(tmp_path).add(tmp_path / "a.wav", **{**WORDS, **words})


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    library = _library(tmp_path)
    write_wav(tmp_path / "a.wav", tone(500, 1))
    added = library.add(tmp_path / "a.wav", **WORDS)
    library.file(added, 8000).write_bytes(b"other")
    with pytest.raises(CheckFailed, match="was changed"):
        library.check(added)
    library.file(added, 8000).unlink()
    with pytest.raises(CheckFailed, match="is missing"):
        library.check(added)


def test_the_pbx_may_see_the_library_elsewhere(tmp_path: Path) -> None:
    library = Library(shipped("prompts"), "/var/lib/asterisk/sounds/callrec")
    assert library.sound(library.get("notice", "ja")) == "/var/lib/asterisk/sounds/callrec/ja/notice"
