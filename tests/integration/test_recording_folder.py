"""The PBX's folder of recordings is away for a while: nothing is lost, and it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from callrec import ids
from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.archive.archiver import Archiver
from callrec.catalogue import calls, custody
from callrec.demo.softphones import Sound
from callrec.model.captures import Track
from callrec.spool.absences import FILE
from callrec.spool.quarantine import Quarantine
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as
from tests.unit.samples import END, START, captured_call, segment
from tests.unit.wave import tone, write_wav

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
ASKED_AGAIN = "is its folder of recordings there?"


@pytest.fixture
def folder(system: SystemUnderTest) -> Path:
    """Where the PBX keeps recordings."""
    return system.demo.home / "pbx/spool/recording"


@contextmanager
def _away(folder: Path, *, unmounted: bool = False) -> Iterator[None]:
    """The folder is not there, or there is an empty one in its place."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    if unmounted:
        folder.mkdir()
    try:
        yield
    finally:
        if unmounted:
            folder.rmdir()
        aside.rename(folder)


def test_sound_of_a_call_is_waited_for_while_the_folder_is_away(
    system: SystemUnderTest, begin: datetime, folder: Path
) -> None:
    with system.rule("automatic"):
        caller = system.caller("0311130001").dial("2101", Sound(500))
        staff = system.phone("2101").pick_up(Sound(1000))
        talk_for([staff], 1.5)
        with _away(folder):
            caller.hangup()
            staff.wait_ended()
            assert len(eventually(lambda: _told(system), what="the problem")) == 1
            assert system.app.spool.waiting()
        found = system.recording_of("+81311130001", begin)
    assert found.recording is not None and not found.call.notes
    as_long_as(system.listen(found.recording), talk_seconds(found.call))
    system.wait_until_clean()
    eventually(lambda: not _told(system), what="an end of the problem")


def _told(system: SystemUnderTest) -> list[str]:
    return [each for each in system.status()["problems"] if ASKED_AGAIN in each]


@pytest.fixture
def beside(system: SystemUnderTest, tmp_path: Path) -> Iterator[App]:
    """Parts of the same system that have a spool of their own."""
    spool = system.app.settings.spool.model_copy(update={"directory": tmp_path / "spool"})
    app = App(system.app.settings.model_copy(update={"spool": spool}))
    app.make_spool()
    yield app
    app.close()


def _until(archiver: Archiver, done: Callable[[], bool]) -> None:
    """The archiver works until then."""

    def look() -> bool:
        archiver.work()
        return done()

    eventually(look, 60, "an end of waiting")


def _asks_again(archiver: Archiver) -> bool:
    return any(ASKED_AGAIN in str(each) for each in archiver.problems())


def test_what_was_lost_is_found_again(
    system: SystemUnderTest, folder: Path, beside: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day is a second here. With its folder away the PBX is never believed; with others in it, it is."""
    for name in ("LOST_SECONDS", "ABSENT_SECONDS"):
        monkeypatch.setattr(f"callrec.spool.tracks.{name}", 1.0)
    archiver, id_, call_id = ControllerAssembly(beside).archiver(), ids.new(), ids.new()
    names = [f"callrec/{id_}-1-{side}" for side in ("external", "staff")]
    made = segment(external=Track(names[0], START, END), staff=Track(names[1], START, END))
    beside.spool.hand_over(captured_call(recording_id=id_, segments=(made,), call={"id": call_id}))
    system.wait_until_clean()
    for unmounted in (False, True):
        with _away(folder, unmounted=unmounted):
            asking = ControllerAssembly(beside).archiver()
            _until(asking, partial(_asks_again, asking))
            assert beside.spool.waiting() == [id_] and not beside.spool.quarantined()
            assert not (beside.spool.folder(id_) / FILE).exists(), "no time counts"
    other = write_wav(folder / "other.wav", tone(500, 1, 8000), 8000)
    try:
        _until(archiver, lambda: beside.spool.quarantined() == [id_])
    finally:
        other.unlink()
    (folder / "callrec").mkdir(exist_ok=True)
    for name in names:
        write_wav(folder / f"{name}.wav", tone(500, 10, 8000), 8000)
    (captured,) = Quarantine(beside.spool).captures().values()
    assert [each.external.name for each in captured.capture.segments] == names[:1]
    assert archiver.take_back(id_)
    archiver.work()
    with beside.database.read() as connection:
        kept, log = calls.find_recording(connection, id_), custody.of(connection, id_)
    assert kept and kept.duration_s == 10.0 and not beside.spool.quarantined()
    assert [each.action for each in log] == ["lost", "found-again", "captured", "spooled", "archived"]
    system.wait_until_clean()
