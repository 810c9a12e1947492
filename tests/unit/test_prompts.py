"""Announcements: any format in, two rates out, at even loudness; what nobody could hear is refused."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.errors import CheckFailed, NotFound, WrongConfiguration, WrongUsage
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


@pytest.mark.parametrize(
    "coding", [["-f", "mp3"], ["-c:a", "adpcm_ms"], ["-c:a", "pcm_mulaw"]], ids=["mp3", "adpcm", "mulaw"]
)
def test_whatever_a_wav_really_is(tmp_path: Path, coding: list[str]) -> None:
    """What ffmpeg reads counts, not the name; and what a PBX wrote in µ-law keeps its 14 bits."""
    clean = write_wav(tmp_path / "a.wav", tone(700, 2, loud=1500))
    subprocess.run(["ffmpeg", "-v", "error", "-i", clean, *coding, tmp_path / "-b.wav"], check=True)
    library = _library(tmp_path)
    with contextlib.chdir(tmp_path):
        added = library.add(Path("-b.wav"), **WORDS)
    sound = soundfile.read(library.file(added, 8000))[0][800:8800]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    assert spectrum[690:711].sum() > 100 * (spectrum.sum() - spectrum[690:711].sum())


def test_what_8_khz_cannot_carry_leaves_no_mirror(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(700, 2, 16000) // 2 + tone(6000, 2, 16000) // 2, 16000)
    library = _library(tmp_path)
    sound, rate = soundfile.read(library.file(library.add(tmp_path / "a.wav", **WORDS), 8000), dtype="int16")
    assert hears(sound, rate, 700) and hears_no(sound, rate, 2000)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros(16000, np.int16), "is silent"),
        (tone(500, 61), "is too long"),
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


def _copy(tmp_path: Path) -> Library:
    """The shipped library, to be changed."""
    return Library(shutil.copytree(shipped("prompts"), tmp_path / "prompts"))


def test_many_questions_are_answered_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of the rules for the PBX asks three times for each extension."""
    library = _copy(tmp_path)
    known = library.get("notice", "ja")

    def read_again(self: Library) -> str:
        raise AssertionError("the index was read again, though nobody changed it")

    monkeypatch.setattr(Library, "_text", read_again)
    assert all(library.get("notice", "ja") is known for _ in range(1500))


def test_a_changed_index_is_read_again(tmp_path: Path) -> None:
    library, other = _copy(tmp_path), Library(tmp_path / "prompts")
    assert library.get("notice", "ja").text == NOTICE
    write_wav(tmp_path / "a.wav", tone(500, 1))
    added = other.add(tmp_path / "a.wav", **WORDS)
    assert library.get("my-notice", "ja") == added
    index = tmp_path / "prompts/prompts.toml"
    before = index.stat()
    index.write_text(index.read_text().replace("録音", "記録"))
    os.utime(index, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert library.get("notice", "ja").text == NOTICE.replace("録音", "記録")
    index.unlink()
    assert library.all() == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"not toml", "Expected '='"),
        (b"\xff", "invalid start byte"),
        (b"notice = 1", "notice: Input should be a valid dictionary"),
        (b"[notice.ja]\ntext = 'x'", "notice.ja.seconds: Field required"),
        (b"['../notice'.ja]\ntext = 'x'\nseconds = 1\nsha256 = {}", "should match pattern"),
        (b"[notice.ja]\ntext = 'x'\nseconds = 1\nsha256 = { a = 'b' }", "valid integer"),
    ],
)
def test_a_damaged_index_is_one_clear_error_and_stays_as_it_is(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    library = _copy(tmp_path)
    index = tmp_path / "prompts/prompts.toml"
    index.write_bytes(text)
    files = set(library.directory.rglob("*"))
    with pytest.raises(WrongConfiguration) as caught:
        library.get("notice", "ja")
    told = caught.value.shown()
    assert problem in told and str(index) in told and "restore it from a copy" in told and "\n" not in told
    write_wav(tmp_path / "a.wav", tone(500, 1))
    with pytest.raises(WrongConfiguration):
        library.add(tmp_path / "a.wav", **WORDS)
    assert index.read_bytes() == text and set(library.directory.rglob("*")) == files


def test_several_who_add_at_once_overwrite_nobody(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(500, 1))
    names = [f"notice-{each}" for each in range(6)]

    def add(name: str) -> None:
        _library(tmp_path).add(tmp_path / "a.wav", **{**WORDS, "name": name})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, names))
    assert [prompt.name for prompt in _library(tmp_path).all()] == names


def test_a_rate_that_was_never_made_is_missing(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    index = tmp_path / "prompts/prompts.toml"
    lines = [line for line in index.read_text().splitlines() if not line.startswith("16000")]
    index.write_text("\n".join(lines))
    library.file(library.get("notice", "ja"), 16000).unlink()
    with pytest.raises(CheckFailed, match=r"wav16 is missing"):
        library.check(library.get("notice", "ja"))
