"""callrec prompt: what a caller would hear of a file, and what is added of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.resources import shipped
from tests.unit.program import Done

WORDS = shipped("prompts") / "ja/notice.wav16"
TEXT = ("--name", "notice", "--language", "ja", "--text", "別の文言")


@pytest.fixture
def library(office: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty library, which the program is to use."""
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path / "own"))
    return tmp_path / "own"


def test_a_good_file_is_described_and_added(office: Callable[..., Done], library: Path) -> None:
    done = office("prompt", "check", str(WORDS))
    assert done.code == 0 and not library.exists()
    for said in ("6.47 s", "16000 Hz", "-18.3 dBFS", "-20.0 dBFS", "silence: 39", "clipped: 0.0 %", "good: "):
        assert said in done.out
    assert office("prompt", "add", str(WORDS), *TEXT).code == 0
    assert [each["text"] for each in json.loads(office("prompt", "list", "--json").out)] == ["別の文言"]


def test_a_bad_file_is_described_and_refused(
    office: Callable[..., Done], library: Path, tmp_path: Path
) -> None:
    words, rate = soundfile.read(WORDS)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.c_[words, -words], rate)
    done = office("prompt", "check", str(path), "--json")
    assert done.code == 1 and "cancel each other" in done.complaint
    [found] = json.loads(done.out)
    assert found["usable"] is False and found["level_dbfs"] == -120 and len(found["problems"]) == 1
    done = office("prompt", "add", str(path), *TEXT)
    assert done.code == 2 and "cancel each other" in done.complaint and not library.exists()


def test_a_file_that_is_none_of_sound_is_one_line(
    office: Callable[..., Done], library: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.mp3").write_text("not a sound")
    for path in (tmp_path / "a.mp3", tmp_path, tmp_path / "nowhere.wav"):
        done = office("prompt", "check", str(path), "--json")
        assert done.code == 1 and str(path) in done.complaint
        [found] = json.loads(done.out)
        assert not found["usable"] and found["seconds"] is None and str(path) in found["problems"][0]


def test_words_from_a_terminal_of_another_encoding(office: Callable[..., Done], library: Path) -> None:
    typed = "録音".encode("cp932").decode("utf-8", "surrogateescape")
    done = office("prompt", "add", str(WORDS), *TEXT[:-1], typed)
    assert done.code == 2 and "UTF-8" in done.complaint and not library.exists()


def test_who_adds_is_warned(office: Callable[..., Done], library: Path, tmp_path: Path) -> None:
    words, rate = soundfile.read(WORDS)
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(rate), words]), rate)
    done = office("prompt", "add", str(tmp_path / "a.wav"), *TEXT)
    assert done.code == 0 and done.complaint == "warning: it is silent for 1.7 s at the beginning"
