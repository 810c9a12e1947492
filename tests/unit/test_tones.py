"""The tones: each effect has one, no two can be confused, and the shipped files are those of the table."""

from __future__ import annotations

import runpy
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.app import App
from callrec.doctor.check import Checkup
from callrec.doctor.run import CHECKS, run
from callrec.errors import CheckFailed
from callrec.model.calls import KeyResult
from callrec.model.prompts import RATES
from callrec.model.tones import BEEP, FOLDER, TONES, Tones, name_of, seconds
from callrec.prompts.library import Library
from callrec.resources import shipped
from tests.listen import amplitude

# A program of its own, beside the sounds that it makes.
samples = runpy.run_path(str(shipped("prompts") / "tones.py"))["samples"]


@pytest.mark.parametrize("name", list(TONES))
@pytest.mark.parametrize(("rate", "ending"), RATES.items())
def test_the_shipped_files_are_those_of_the_table(name: str, rate: int, ending: str) -> None:
    path = shipped("prompts") / FOLDER / f"{name}.{ending}"
    sound, found = soundfile.read(path, dtype="int16")
    assert found == rate and np.array_equal(sound, samples(TONES[name], rate))
    begin = 0
    for hertz, length in TONES[name]:
        piece = sound[begin : begin + round(length * rate)]
        begin += len(piece)
        assert not hertz or amplitude(piece, rate, hertz) > 4000
    assert begin == len(sound)


def test_every_effect_has_a_short_tone_that_ends() -> None:
    assert {name_of(result) for result in KeyResult} | {BEEP} == set(TONES)
    assert all(0.1 < seconds(result) < 0.5 for result in KeyResult)


def test_no_two_tones_sound_alike() -> None:
    melodies = {name: tuple(hertz for hertz, _ in steps if hertz) for name, steps in TONES.items()}
    assert all(melodies[one] != melodies[other] for one, other in combinations(TONES, 2))
    lowest = min(hertz for melody in melodies.values() for hertz in melody)
    assert melodies["refused"] == (lowest,) and lowest >= 300, "below, telephones pass nothing on"


def test_the_pbx_may_see_them_elsewhere() -> None:
    found = Library(shipped("prompts"), "/sounds").tones
    assert found == Tones("/sounds") and found.beep == "sound:/sounds/tones/beep"
    assert found.media(KeyResult.REFUSED) == "sound:/sounds/tones/refused"
    assert found.media(KeyResult.KEPT) == found.media(KeyResult.STARTED)


@pytest.mark.parametrize("ending", RATES.values())
def test_a_missing_tone_is_noticed(tmp_path: Path, ending: str) -> None:
    library = Library(shutil.copytree(shipped("prompts"), tmp_path / "prompts"))
    library.check_tones()
    (library.directory / FOLDER / f"{BEEP}.{ending}").unlink()
    with pytest.raises(CheckFailed, match=rf"tones/beep\.{ending} is missing: copy the folder tones there"):
        library.check_tones()


def test_doctor_names_a_missing_tone(app: App) -> None:
    (check,) = [each for each in CHECKS if each[0] == "announcements"]
    assert run(check, Checkup(app)).ok
    (app.library.directory / FOLDER / "refused.wav").unlink()
    result = run(check, Checkup(app))
    assert not result.ok and "refused.wav is missing" in result.found
