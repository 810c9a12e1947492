"""A prompt is found in what a telephone makes of it, below whatever is said; one that is not whole is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callrec.resources import shipped
from callrec.spool.prompt_search import LEAST_SCORE, RATE, is_heard, scores
from callrec.spool.sound import Samples

Floats = NDArray[np.float64]
PROMPTS = {name: shipped("prompts") / name / "notice.wav" for name in ("ja", "en")}
VOICES = ("nothing", "noise", "tone", "speech", "speech backwards")


def _prompt(language: str = "ja") -> Samples:
    samples: Samples = soundfile.read(PROMPTS[language], dtype="int16")[0]
    return samples


def _placed(prompt: Samples, at_s: float = 1.0) -> Floats:
    """The prompt in two seconds more of silence."""
    sound = np.zeros(len(prompt) + 2 * RATE)
    begin = round(at_s * RATE)
    sound[begin : begin + len(prompt)] = prompt
    return sound


def _voice(kind: str, count: int, loudness: float) -> Floats:
    """Somebody who speaks all the time, so many times as loud as a prompt is."""
    voices: dict[str, Callable[[], Floats]] = {
        "nothing": lambda: np.zeros(count),
        "noise": lambda: np.random.default_rng(7).normal(size=count),
        "tone": lambda: np.sin(2 * np.pi * 1000 * np.arange(count) / RATE),
        "speech": lambda: np.resize(_prompt("en").astype(float), count),
        "speech backwards": lambda: np.resize(_prompt("en")[::-1].astype(float), count),
    }
    made = voices[kind]()
    power = np.sqrt(np.mean(made**2)) or 1.0
    return np.asarray(made / power * loudness * np.sqrt(np.mean(_prompt().astype(float) ** 2)))


def _telephone(sound: Floats) -> Samples:
    """What G.711 µ-law leaves of a sound."""
    level = np.log1p(255 * np.abs(np.clip(sound, -32_000, 32_000)) / 32_768) / np.log(256)
    return np.asarray(
        np.sign(sound) * 32_768 * (256 ** (np.round(level * 127) / 127) - 1) / 255, dtype=np.int16
    )


@pytest.mark.parametrize("kind", VOICES)
@pytest.mark.parametrize("at_s", [0.0, 1.0, 1.9])
def test_a_prompt_is_heard_below_a_voice_twice_as_loud(kind: str, at_s: float) -> None:
    placed = _placed(_prompt(), at_s)
    assert is_heard(_prompt(), _telephone(placed + _voice(kind, len(placed), 2.0)))


@pytest.mark.parametrize("kind", VOICES)
@pytest.mark.parametrize("loudness", [0.1, 1.0, 2.0, 4.0])
def test_what_is_not_there_is_not_heard(kind: str, loudness: float) -> None:
    sound = _telephone(_voice(kind, len(_prompt()) + 2 * RATE, loudness))
    assert not is_heard(_prompt(), sound) and min(scores(_prompt(), sound)) < LEAST_SCORE - 1


@pytest.mark.parametrize("kind", VOICES)
@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.25), (0.4, 0.6), (0.75, 1.0), (0.0, 0.9)])
def test_a_prompt_of_which_a_part_is_missing_is_not_whole(kind: str, begin: float, end: float) -> None:
    """Its beginning, its middle or its end."""
    heard = _prompt().copy()
    heard[round(begin * len(heard)) : round(end * len(heard))] = 0
    placed = _placed(heard)
    assert not is_heard(_prompt(), _telephone(placed + _voice(kind, len(placed), 0.5)))


def test_packets_that_come_late_move_what_follows() -> None:
    prompt = _prompt()
    halves = prompt[: len(prompt) // 2], prompt[len(prompt) // 2 :]
    late = np.concatenate([halves[0], np.zeros(480, np.int16), halves[1]])
    assert is_heard(prompt, _telephone(_placed(late)))


PACKET = RATE // 50


def _late(kind: str, prompt: Samples) -> Samples:
    """What a PBX with too little time makes of a prompt."""
    packets = [prompt[begin : begin + PACKET] for begin in range(0, len(prompt), PACKET)]
    if kind == "lost":
        packets = [each for number, each in enumerate(packets) if number % 20]
    if kind == "twice":
        packets = [packets[number] for number in sorted([*range(len(packets)), *range(0, len(packets), 20)])]
    if kind == "held back":
        packets.insert(len(packets) // 3, np.zeros(19 * PACKET, np.int16))
    return np.concatenate(packets)


@pytest.mark.parametrize("voice", ["nothing", "tone", "speech"])
@pytest.mark.parametrize("kind", ["lost", "twice", "held back"])
def test_packets_that_are_late_again_and_again(kind: str, voice: str) -> None:
    """A third of a second in all, or at once: farther than one piece may be from the next."""
    placed = _placed(_late(kind, _prompt()))
    assert is_heard(_prompt(), _telephone(placed + _voice(voice, len(placed), 0.5)))


@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.3])
def test_a_recording_that_begins_or_ends_in_the_pause_around_the_words(late_s: float) -> None:
    late = round(late_s * RATE)
    quiet = np.concatenate([np.zeros(late, np.int16), _prompt(), np.zeros(late, np.int16)])
    assert is_heard(quiet, _telephone(_prompt().astype(float)))


@pytest.mark.parametrize("seconds", [0.0, 1.0, 20.0])
def test_silence_of_any_length(seconds: float) -> None:
    assert not is_heard(_prompt(), np.zeros(round(seconds * RATE), dtype=np.int16))


def test_other_words_are_another_prompt() -> None:
    assert not is_heard(_prompt("en"), _telephone(_placed(_prompt("ja"))))
