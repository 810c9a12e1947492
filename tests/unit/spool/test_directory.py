"""The spool directory: what is written is whole, and one controller owns it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callrec import files
from callrec.errors import Refused, WrongConfiguration
from callrec.files import write_whole
from callrec.numbers import normalise
from callrec.spool import directory, status
from callrec.spool.directory import Spool
from tests.unit.samples import call, captured_call, checkpoint, over


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    spool, kept = Spool(tmp_path), checkpoint()
    spool.save_checkpoint(kept)
    assert spool.checkpoints() == [kept]


def test_handing_over_moves_the_checkpoint(tmp_path: Path) -> None:
    spool, kept = Spool(tmp_path), checkpoint()
    spool.save_checkpoint(kept)
    spool.hand_over(over(kept))
    assert spool.checkpoints() == []
    assert spool.waiting() == [kept.capture.recording_id]
    assert spool.captured_call(kept.capture.recording_id) == over(kept)
    spool.remove(kept.capture.recording_id)
    assert spool.waiting() == []


def test_handing_over_twice_is_the_same_as_once(tmp_path: Path) -> None:
    spool, kept = Spool(tmp_path), captured_call()
    spool.hand_over(kept)
    spool.hand_over(kept)
    assert spool.waiting() == [kept.capture.recording_id]


def test_calls_wait_until_they_are_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.save_call(call())
    assert spool.calls() == [call().id] and spool.call_of(call().id) == call()
    spool.remove_call(call().id)
    assert spool.calls() == []


def test_voices_are_for_their_owner_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.hand_over(captured_call())
    for path in [spool.folder(captured_call().capture.recording_id), *(tmp_path / "spool").iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_spool_that_was_open_is_closed(tmp_path: Path) -> None:
    """Of an older callrec: its folder and status.json, which says who is recorded, could be read by all."""
    spool, kept = Spool(tmp_path / "spool"), captured_call()
    spool.hand_over(kept)
    status.write(spool.directory, {})
    for each in (spool.directory, *spool.directory.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    theirs = spool.directory / "prompts" / "ja"
    theirs.mkdir(parents=True)
    theirs.chmod(0o755)
    again = Spool(spool.directory)
    own = [each for each in spool.directory.rglob("*") if "prompts" not in each.parts]
    for each in (spool.directory, *own):
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600), each
    assert len(own) > 10 and stat.S_IMODE(theirs.stat().st_mode) == 0o755
    assert again.captured_call(kept.capture.recording_id) == kept


def test_a_folder_that_all_may_write_in_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    Spool(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_status_is_for_its_owner_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        status.write(Spool(tmp_path / "a" / "spool").directory, {})
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "a").rglob("*")}
    assert modes == {0o600, 0o700}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "a", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_one_controller_owns_the_spool(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    assert not second.is_locked()
    first.lock()
    assert second.is_locked()
    with pytest.raises(Refused, match="another callrec serve"):
        second.lock()


def test_a_spool_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongConfiguration, match="cannot be used"):
        Spool(tmp_path / "file" / "spool")


def test_a_removal_that_was_interrupted_leaves_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was half removed is never taken for a recording, and goes with the next one."""
    spool, id_ = Spool(tmp_path), captured_call().capture.recording_id
    spool.hand_over(captured_call())
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power"):
        patch.setattr(shutil, "rmtree", _fails)
        spool.remove(id_)
    assert spool.waiting() == [] and list((tmp_path / "removed").iterdir())
    spool.hand_over(captured_call())
    spool.remove(id_)
    assert spool.waiting() == [] and not list((tmp_path / "removed").iterdir())


def test_what_is_set_aside_twice_is_there_twice(tmp_path: Path) -> None:
    spool, id_ = Spool(tmp_path), captured_call().capture.recording_id
    for _ in range(2):
        spool.hand_over(captured_call())
        spool.quarantine(id_)
    assert spool.quarantined() == [id_, f"{id_}.1"]


def test_names_that_go_are_gone_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power failure a checkpoint that was handed over must not come back."""
    spool, synced = Spool(tmp_path), []
    spool.save_checkpoint(checkpoint())
    real = files.sync

    def watched(folder: Path) -> None:
        real(folder)
        synced.append((folder.name, sorted(path.name for path in folder.iterdir())))

    for module in (directory, files):
        monkeypatch.setattr(module, "sync", watched)
    spool.hand_over(captured_call())
    assert synced[-1] == ("checkpoints", [])
    spool.remove(captured_call().capture.recording_id)
    assert ("recordings", []) in synced


def _fails(*_: object) -> None:
    raise OSError("power failure")


def test_a_damaged_checkpoint_is_set_aside_and_keeps_no_controller_from_starting(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.save_checkpoint(checkpoint())
    (tmp_path / "checkpoints" / "0.json").write_text("{")
    assert spool.checkpoints() == [checkpoint()]
    assert spool.quarantined() == ["0.json"]


def test_a_call_that_is_noted_is_known_until_it_is_forgotten(tmp_path: Path) -> None:
    """Of a capture the checkpoint has it: one that is written makes the note superfluous."""
    spool, call = Spool(tmp_path), captured_call().call
    spool.save_open_call(replace(call, number=normalise("1")))
    spool.save_open_call(call)
    (tmp_path / "open_calls" / "0.json").write_text("{")
    assert spool.open_calls() == [call] and spool.quarantined() == ["0.json"]
    spool.forget_open_call(call.id)
    spool.forget_open_call(call.id)
    assert spool.open_calls() == []


def test_a_note_of_which_nothing_was_written_is_nothing_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    for name in ("empty.json", "killed.json.partial"):
        (tmp_path / "open_calls" / name).write_bytes(b"")
    assert (
        spool.open_calls() == []
        and spool.quarantined() == []
        and not list((tmp_path / "open_calls").iterdir())
    )
    monkeypatch.setattr(os, "link", lambda *_, **__: _fails())
    with pytest.raises(OSError, match="power failure"):
        spool.save_open_call(call())
    assert not list((tmp_path / "open_calls").iterdir())


def test_calls_of_which_more_is_known_than_a_note(tmp_path: Path) -> None:
    spool, under_way = Spool(tmp_path), checkpoint()
    assert not spool.known_calls()
    steps: list[Callable[[], None]] = [
        lambda: spool.save_checkpoint(under_way),
        lambda: spool.hand_over(over(under_way)),
        lambda: spool.discard(over(under_way), whole=False),
        lambda: spool.save_call(under_way.call),
    ]
    for step in steps:
        step()
        assert spool.known_calls() == {under_way.call.id}
    spool.remove(under_way.capture.recording_id)
    spool.remove_call(under_way.call.id)
    assert spool.known_calls() == {under_way.call.id}
    spool.remove_discard(under_way.capture.recording_id)
    assert not spool.known_calls()


@pytest.mark.parametrize("left", ["drafts/1.json", "open/1.json", "recordings/1/draft.json", "calls/1.json"])
def test_what_another_version_has_left_is_refused_and_stays(tmp_path: Path, left: str) -> None:
    (tmp_path / left).parent.mkdir(parents=True)
    (tmp_path / left).write_text("{}")
    with pytest.raises(WrongConfiguration, match="another version"):
        Spool(tmp_path)
    assert (tmp_path / left).read_text() == "{}"


def test_a_spool_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Spool(tmp_path)
    (mark,) = tmp_path.glob("version-*")
    mark.rename(tmp_path / "version-99")
    with pytest.raises(WrongConfiguration, match="another version"):
        Spool(tmp_path)


def test_an_empty_spool_of_another_version_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    Spool(tmp_path).save_call(call())
    assert Spool(tmp_path).calls() == [call().id]
