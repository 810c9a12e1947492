"""An office's own library gets what comes with callrec, and keeps what it has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from callrec.errors import WrongConfiguration
from callrec.model.prompts import RATES, PlayableSound
from callrec.prompts.furnishing import OUTER_MODE, furnish
from callrec.prompts.library import FILE_MODE, FOLDER_MODE, Library
from callrec.resources import shipped

SHIPPED = Library(shipped("prompts"))


@pytest.fixture
def own(tmp_path: Path) -> Library:
    return Library(tmp_path / "state/prompts")


def test_an_empty_library_gets_everything_and_the_pbx_can_read_it(own: Library) -> None:
    added = furnish(own, SHIPPED)
    assert {(each.name, each.language) for each in added} == {(p.name, p.language) for p in SHIPPED.all()}
    for prompt in own.all():
        own.check(prompt)
        assert prompt.text == SHIPPED.get(prompt.name, prompt.language).text
        for rate in RATES:
            assert own.file(prompt, rate).stat().st_mode & 0o777 == FILE_MODE
            source = SHIPPED.file(SHIPPED.get(prompt.name, prompt.language), rate)
            assert own.file(prompt, rate).read_bytes() == source.read_bytes()
    own.check_tones()
    assert own.directory.stat().st_mode & 0o777 == FOLDER_MODE
    assert own.directory.parent.stat().st_mode & 0o777 == OUTER_MODE


def test_what_an_office_has_stays_as_it_is(own: Library) -> None:
    sound = {rate: SHIPPED.file(SHIPPED.get("notice", "en"), rate).read_bytes() for rate in RATES}
    ours = own.add(PlayableSound(sound, 2.0), name="notice", language="ja", text="本日は録音しております。")
    beep = own.directory / "tones/beep.wav"
    beep.parent.mkdir()
    beep.write_bytes(b"ours")
    assert ("notice", "ja") not in {(each.name, each.language) for each in furnish(own, SHIPPED)}
    assert own.get("notice", "ja") == ours and beep.read_bytes() == b"ours"
    own.check(ours)


def test_a_second_time_changes_nothing(own: Library) -> None:
    furnish(own, SHIPPED)
    before = {path: path.stat().st_mtime_ns for path in own.directory.rglob("*")}
    assert furnish(own, SHIPPED) == []
    assert {path: path.stat().st_mtime_ns for path in own.directory.rglob("*")} == before


def test_what_an_upgrade_brings_is_added(own: Library, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(shipped("prompts"), older)
    (older / "prompts.toml").write_text("")
    furnish(own, Library(older))
    assert own.all() == []
    assert len(furnish(own, SHIPPED)) == len(SHIPPED.all())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongConfiguration, match="file"):
        furnish(Library(tmp_path / "file"), SHIPPED)
