"""A spool that is not there is not an empty spool: neither at the start nor while the controller runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.app import App
from callrec.errors import WrongConfiguration
from callrec.spool import version
from callrec.spool.directory import Spool
from callrec.spool.lock import SpoolGone
from tests.unit.samples import RECORDING_ID, alert, call, captured_call, checkpoint


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_mark_is_no_spool_and_stays_as_it_is(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "spool"
    if there:
        folder.mkdir()
    with pytest.raises(WrongConfiguration, match="mount its disk; callrec init makes a new one"):
        Spool(folder, make=False)
    assert folder.exists() is there and (not there or not list(folder.iterdir()))
    Spool(folder)
    Spool(folder, make=False)


def test_a_spool_of_the_callrec_before_is_taken_as_it_is(tmp_path: Path) -> None:
    """Its mark is empty; it is given an id by the first controller."""
    Spool(tmp_path).save_call(call())
    (tmp_path / version.MARK).write_bytes(b"")
    spool = Spool(tmp_path, make=False)
    assert spool.calls() == [call().id]
    spool.lock()
    given = (tmp_path / version.MARK).read_bytes()
    assert given
    os.close(spool._lock or 0)
    Spool(tmp_path, make=False).lock()
    assert (tmp_path / version.MARK).read_bytes() == given


def test_the_app_makes_a_spool_only_when_it_is_told_to(app: App) -> None:
    shutil.rmtree(app.settings.spool.directory)
    with pytest.raises(WrongConfiguration, match="there is no spool"):
        app.spool  # noqa: B018
    app.make_spool()
    assert app.spool.calls() == []


@pytest.fixture
def away(tmp_path: Path) -> tuple[Spool, Path]:
    """A spool that a controller works on, with a capture; and where its disk is now: it is not mounted."""
    spool = Spool(tmp_path / "spool")
    spool.lock()
    spool.save_checkpoint(checkpoint())
    disk = tmp_path / "disk"
    spool.directory.rename(disk)
    spool.directory.mkdir()
    return spool, disk


STEPS: dict[str, Callable[[Spool], object]] = {
    "save_checkpoint": lambda spool: spool.save_checkpoint(checkpoint()),
    "hand_over": lambda spool: spool.hand_over(captured_call()),
    "discard": lambda spool: spool.discard(captured_call(), whole=True),
    "save_open_call": lambda spool: spool.save_open_call(call()),
    "save_call": lambda spool: spool.save_call(call()),
    "save_alert": lambda spool: spool.save_alert(alert()),
    "quarantine": lambda spool: spool.quarantine(RECORDING_ID),
    "keep_room": lambda spool: spool.keep_room(),
    "checkpoints": lambda spool: spool.checkpoints(),
    "known_calls": lambda spool: spool.known_calls(),
    "has_capture": lambda spool: spool.has_capture(RECORDING_ID),
    "tracks": lambda spool: spool.tracks(),
    "waiting": lambda spool: spool.waiting(),
    "is_waiting": lambda spool: spool.is_waiting(RECORDING_ID),
    "alerts": lambda spool: spool.alerts(),
}


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_written_beside_a_spool_that_went_away_nor_believed(
    away: tuple[Spool, Path], step: str
) -> None:
    spool, _ = away
    with pytest.raises(SpoolGone, match="mount its disk"):
        STEPS[step](spool)
    assert list(spool.directory.iterdir()) == []


def test_it_goes_on_when_its_disk_is_back(away: tuple[Spool, Path]) -> None:
    spool, disk = away
    spool.directory.rmdir()
    with pytest.raises(SpoolGone):
        spool.save_call(call())
    disk.rename(spool.directory)
    spool.save_call(call())
    assert spool.checkpoints() == [checkpoint()] and spool.calls() == [call().id]


def test_another_spool_in_its_place_is_not_taken_for_it(away: tuple[Spool, Path]) -> None:
    spool, _ = away
    Spool(spool.directory)
    before = sorted(spool.directory.rglob("*"))
    with pytest.raises(SpoolGone):
        spool.save_call(call())
    assert sorted(spool.directory.rglob("*")) == before


def test_one_that_comes_back_as_another_device_is_locked_anew(away: tuple[Spool, Path]) -> None:
    """As the disk of a server that was away: a copy has the same names, and none of its files is the same."""
    spool, disk = away
    spool.directory.rmdir()
    shutil.copytree(disk, spool.directory)
    assert spool.checkpoints() == [checkpoint()]
    assert Spool(spool.directory).is_locked()
    spool.save_call(call())


def test_one_that_another_controller_took_meanwhile_stays_its_own(away: tuple[Spool, Path]) -> None:
    spool, disk = away
    spool.directory.rmdir()
    shutil.copytree(disk, spool.directory)
    other = Spool(spool.directory)
    other.lock()
    for _ in range(2):
        with pytest.raises(SpoolGone):
            spool.save_call(call())
    other.save_call(call())
