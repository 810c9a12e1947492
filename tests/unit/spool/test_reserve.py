"""Room on the spool's disk: what is small is written whatever happens, and sound only where room is left."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.errors import CallrecError
from callrec.files import Draft
from callrec.spool.directory import Spool
from callrec.spool.reserve import FILE, MB, NoRoom, Reserve
from tests.told import told_by
from tests.unit.bench import Bench
from tests.unit.samples import RECORDING_ID, alert, call, captured_call, checkpoint, over

RESERVE_MB, LOW_WATER_MB = 2, 10


class Disk:
    """A disk with so much free; the reserve's room is its own as long as that is there."""

    def __init__(self, directory: Path) -> None:
        self.reserve, self.left = directory / FILE, 100 * MB

    def free(self) -> int:
        return self.left + (0 if self.reserve.exists() else RESERVE_MB * MB)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk(tmp_path)
    monkeypatch.setattr(Reserve, "free_bytes", lambda self: made.free())
    return made


@pytest.fixture
def reserve(tmp_path: Path, disk: Disk) -> Reserve:
    made = Reserve(tmp_path, RESERVE_MB, LOW_WATER_MB)
    made.keep()
    return made


def test_it_takes_its_room_and_lets_it_go(tmp_path: Path, reserve: Reserve) -> None:
    assert (tmp_path / FILE).stat().st_blocks * 512 >= RESERVE_MB * MB, "no hole: the room is taken"
    assert reserve.let_go() and not reserve.let_go() and not (tmp_path / FILE).exists()


def test_it_goes_before_the_last_byte_and_comes_back_with_room(reserve: Reserve, disk: Disk) -> None:
    disk.left = MB // 10
    with pytest.raises(NoRoom, match="the reserve of \\[disk\\] was let go"):
        reserve.keep()
    assert not reserve.is_whole()
    disk.left = MB
    with pytest.raises(NoRoom, match="was let go"):
        reserve.keep()
    assert not reserve.is_whole(), "made again at once, it would leave nothing"
    disk.left = 100 * MB
    reserve.keep()
    assert reserve.is_whole()


@pytest.mark.parametrize("mb", [0, 1, 5])
def test_it_takes_the_room_that_the_settings_say_now(reserve: Reserve, tmp_path: Path, mb: int) -> None:
    """Not only once the disk was full, when it is too late."""
    Reserve(tmp_path, mb, LOW_WATER_MB).keep()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == mb * MB


@pytest.mark.parametrize("size", [0, 5 * MB])
def test_sound_is_taken_above_the_low_water_mark_only(reserve: Reserve, disk: Disk, size: int) -> None:
    disk.left = LOW_WATER_MB * MB + size
    reserve.check_room_for(size)
    disk.left -= 1
    with pytest.raises(NoRoom, match="is nearly full: sound stays on the PBX"):
        reserve.check_room_for(size)


def test_sound_never_takes_the_room_that_the_reserve_is_to_have_again(reserve: Reserve, disk: Disk) -> None:
    for there in (True, False):
        disk.left = LOW_WATER_MB * MB - 1
        with pytest.raises(NoRoom):
            reserve.check_room_for(0)
        disk.left = MB
        reserve.check_room_to_join(MB)
        with pytest.raises(NoRoom, match="no room to join"):
            reserve.check_room_to_join(MB + 1)
        assert reserve.let_go() is there


def _writes() -> dict[str, Callable[[Spool], object]]:
    return {
        "a checkpoint": lambda spool: spool.save_checkpoint(checkpoint()),
        "a capture": lambda spool: spool.hand_over(captured_call()),
        "a discard": lambda spool: spool.discard(over(checkpoint()), whole=True),
        "an open call": lambda spool: spool.save_open_call(call()),
        "a row": lambda spool: spool.save_call(call()),
        "an alert": lambda spool: spool.save_alert(alert()),
        "deliveries": lambda spool: spool.save_deliveries(alert().id, ()),
    }


@pytest.mark.parametrize("what", _writes())
def test_what_is_small_is_written_with_the_room_of_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    spool = Spool(tmp_path, reserve_mb=RESERVE_MB)
    spool.keep_room()
    full = _full_until_let_go(monkeypatch, tmp_path)
    _writes()[what](spool)
    assert full == [True] and not spool.reserve.is_whole()
    with monkeypatch.context() as patched:
        patched.setattr("callrec.spool.reserve.Reserve.let_go", lambda self: False)
        patched.setattr("callrec.files.Draft.write", _refuse)
        with pytest.raises(OSError, match="No space left"):
            _writes()[what](spool)


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _full_until_let_go(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[bool]:
    """The disk takes no byte while the reserve is there; one entry for each refusal."""
    refused, write_for_real = [], Draft.write

    def write(self: Draft, data: bytes) -> None:
        if (folder / FILE).exists():
            refused.append(True)
            _refuse()
        write_for_real(self, data)

    monkeypatch.setattr(Draft, "write", write)
    return refused


def test_tracks_are_not_joined_where_there_is_no_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait, whole, and are joined when there is; the recording is in no quarantine meanwhile."""
    bench.captured()
    free = {"bytes": 100}
    monkeypatch.setattr(Reserve, "free_bytes", lambda self: free["bytes"])
    bench.later()
    (problem,) = told_by(bench.archiver)
    assert "no room to join" in problem and not list(bench.spool.folder(RECORDING_ID).glob("*.flac"))
    free["bytes"] = 10 * MB
    bench.later()
    assert told_by(bench.archiver) == [] and bench.spool.waiting() == [] and not bench.spool.quarantined()


def test_an_error_of_another_kind_leaves_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, reserve_mb=RESERVE_MB)
    spool.keep_room()

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("callrec.files.Draft.write", fails)
    with pytest.raises(OSError, match="Input/output"):
        spool.save_call(call())
    assert spool.reserve.is_whole()


def test_without_settings_there_is_no_reserve(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep_room()
    assert spool.reserve.is_whole() and not (tmp_path / FILE).exists()
    assert issubclass(NoRoom, CallrecError)
