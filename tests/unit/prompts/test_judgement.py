"""What a caller could not hear or would not wait for is refused; of the rest people are warned."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callrec.prompts.decoder import Sound
from callrec.prompts.judgement import Judgement, judge
from callrec.prompts.measures import LOUDNESS_DBFS, measure
from callrec.prompts.playable import evened
from callrec.resources import shipped
from tests.listen import hears, hears_no
from tests.unit.wave import tone

RATE = 16000
WORDS, _ = soundfile.read(shipped("prompts") / "ja/notice.wav16")
"""Spoken words, which begin and end with 0.7 s of silence."""
MACHINE, _ = soundfile.read(shipped("prompts") / "en/notice.wav16")
NOISE = np.random.default_rng(1).standard_normal(len(WORDS))
Samples = NDArray[np.float64]


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def _hum(hertz: float, seconds: float = 2.0) -> Samples:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def _judged(samples: Samples, rate: int = RATE, coding: str = "pcm_s16le") -> Judgement:
    by_channel = samples.reshape(len(samples), -1).astype(np.float32)
    return judge(Sound(by_channel, rate, coding), Path("a.wav"))


def _torn(samples: Samples, at: int, length: int) -> Samples:
    return np.concatenate([samples[:at], np.zeros(length), samples[at + length :]])


@pytest.mark.parametrize(
    ("samples", "coding"),
    [
        (WORDS, "pcm_s16le"),
        (MACHINE, "pcm_s16le"),
        (np.round(WORDS * 128) / 128, "pcm_u8"),
        (WORDS * 4, "pcm_f32le"),
        (WORDS * 0.5 + 0.4, "pcm_s16le"),
        (np.c_[WORDS, 0 * WORDS], "pcm_s16le"),
        (np.c_[WORDS, np.roll(WORDS, 40)], "pcm_s16le"),
        (np.c_[0 * WORDS, 0 * WORDS, WORDS, 0 * WORDS, 0 * WORDS, 0 * WORDS], "pcm_s16le"),
        (WORDS * 0.3 + 0.4 * _hum(50, len(WORDS) / RATE), "pcm_s16le"),
        (WORDS + 0.01 * NOISE, "pcm_s16le"),
    ],
    ids=["voice", "machine", "8 bit", "loud floats", "dc", "one channel", "room", "5.1", "hum", "noise"],
)
def test_words_that_can_be_heard_are_good(samples: Samples, coding: str) -> None:
    found = _judged(samples, coding=coding)
    assert found.faults == () and found.measures.heard > -27


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.c_[WORDS, -WORDS], "cancel each other"),
        (np.c_[WORDS, 0.003 * NOISE - WORDS], "cancel each other"),
        (np.c_[WORDS, -0.9 * WORDS], "cancel each other"),
        (_silence(2), "is silent"),
        (_silence(2) + 0.5, "is silent"),
        (WORDS[:1], "is silent"),
        (WORDS * 0.01, "is silent"),
        (_hum(7000), "nothing that a telephone carries"),
        (_hum(50), "nothing that a telephone carries"),
        (_hum(200), "nothing that a telephone carries"),
        (np.concatenate([_silence(1), [1.0], _silence(1)]), "too short"),
        (WORDS[16000:20000], "too short"),
        (np.concatenate([_silence(30), WORDS[16000:21000], _silence(29)]), "too short"),
        (0.1 * NOISE, "nothing but noise"),
        (np.concatenate([_silence(2), WORDS]), "2.7 s at the beginning"),
        (np.concatenate([WORDS, _silence(2)]), "2.7 s at the end"),
        (np.concatenate([WORDS, _silence(5), WORDS]), "6.4 s between its words"),
        (np.clip(WORDS * 6, -1, 1), "clipped: 9.8 %"),
        (np.clip(WORDS * 6, -1, 1) * 0.3, "clipped: 9.8 %"),
        (np.tile(WORDS, 10)[: 61 * RATE], "too long"),
        (_torn(WORDS, 44176, 800), "breaks off at 2.76 s"),
        (0.02 * WORDS + np.where(np.arange(len(WORDS)) % 8000 == 4000, 0.9, 0), "too quiet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_nobody_would_hear_is_refused(samples: Samples, problem: str) -> None:
    found = _judged(samples)
    assert problem in str(found.faults[0]), list(map(str, found.faults))


@pytest.mark.parametrize(
    ("samples", "warning"),
    [
        (np.concatenate([_silence(1), WORDS]), "1.7 s at the beginning"),
        (np.concatenate([WORDS, _silence(1)]), "1.7 s at the end"),
        (np.concatenate([WORDS, _silence(2), WORDS]), "3.4 s between its words"),
        (np.clip(WORDS * 3, -1, 1), "clipped in places"),
        (WORDS * 0.05, "recorded very quietly"),
        (WORDS * 0.5 + 0.05 * NOISE, "never quiet between the words"),
    ],
    ids=["begin", "end", "pause", "clipped", "quiet", "noise"],
)
def test_of_what_disturbs_people_are_warned(samples: Samples, warning: str) -> None:
    found = _judged(samples)
    assert not found.faults and any(warning in each.text for each in found.warnings), found.warnings


def test_what_was_clipped_before_it_became_mp3_is_clipped() -> None:
    assert "clipped" in str(_judged(WORDS * 4, coding="mp3").faults[0])


def test_a_dull_sound_is_taken_with_a_warning() -> None:
    assert "is dull" in _judged(WORDS[::3], 5333).warnings[0].text


def test_it_is_played_evenly_at_both_rates() -> None:
    samples = np.c_[tone(700, 2, 44100, loud=500), tone(700, 2, 44100, loud=2500)] / 32768
    made = evened(_judged(samples, 44100))
    assert made.seconds == pytest.approx(2.0)
    for rate, data in made.files.items():
        sound, found = soundfile.read(io.BytesIO(data), dtype="int16")
        assert found == rate and sound.ndim == 1 and hears(sound, rate, 700)
        by_channel = Sound((sound[:, None] / 32768).astype(np.float32), rate, "pcm_s16le")
        assert measure(by_channel).level == pytest.approx(LOUDNESS_DBFS, abs=0.2)


def test_what_8_khz_cannot_carry_leaves_no_mirror() -> None:
    made = evened(_judged((tone(700, 2, 16000) // 2 + tone(6000, 2, 16000) // 2) / 32768))
    sound, rate = soundfile.read(io.BytesIO(made.files[8000]), dtype="int16")
    assert hears(sound, rate, 700) and hears_no(sound, rate, 2000)
