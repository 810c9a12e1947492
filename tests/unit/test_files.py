"""Files are there whole or not at all: writing is stopped at each step, and what is there is looked at."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from callrec import files
from callrec.files import (
    AS_BEFORE,
    Draft,
    draft,
    narrow,
    publish,
    write_early,
    write_new,
    write_unsynced,
    write_whole,
)
from tests.unit.stops import (
    run_until_full,
    run_until_killed,
    run_until_really_killed,
    run_until_refused,
    steps_of,
)

OLD, NEW = b"old" * 99, b"new" * 9999
NAME, OTHER = "file", "other"


def _stream(path: Path) -> None:
    with draft(path) as made:
        with made.path.open("wb") as file:
            file.write(NEW)
        made.publish()


def _two(path: Path) -> None:
    with draft(path) as one, draft(path.with_name(OTHER)) as two:
        _fill(one, two)
        publish(one, two)


def _fill(*drafts: Draft) -> None:
    for each in drafts:
        each.write(NEW)


WRITERS: dict[str, Callable[[Path], object]] = {
    "whole": lambda path: write_whole(path, NEW),
    "new": lambda path: write_new(path, NEW),
    "as before": lambda path: write_whole(path, NEW, mode=AS_BEFORE),
    "unsynced": lambda path: write_unsynced(path, NEW),
    "early": lambda path: write_early(path, NEW, lambda: None),
    "streamed": _stream,
    "two": _two,
}
STOPS = {"full": run_until_full, "refused": run_until_refused, "killed": run_until_killed}
CASES = [(writer, old) for writer in WRITERS for old in (None, OLD) if not (writer == "new" and old)]


def _folder(folder: Path, old: bytes | None) -> Path:
    folder.mkdir()
    if old:
        (folder / NAME).write_bytes(old)
    return folder / NAME


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
@pytest.mark.parametrize(("writer", "old"), CASES)
def test_the_old_or_the_new_is_there_and_nothing_else(
    tmp_path: Path, writer: str, old: bytes | None, unnamed: bool, stop: str
) -> None:
    """Whatever stops it at whichever step; and after that it can be written."""
    write = WRITERS[writer]
    count = steps_of(lambda: write(_folder(tmp_path / "all", old)), unnamed=unnamed)
    assert count >= 3
    for after in range(count):
        path = _folder(tmp_path / str(after), old)
        stopped = STOPS[stop](partial(write, path), after, unnamed=unnamed)
        assert stopped or path.read_bytes() == NEW
        for each in path.parent.iterdir():
            content = each.read_bytes()
            if each.name in (NAME, OTHER):
                assert content in (old, NEW)
            elif writer == "early" and each.name == NAME + files.PARTIAL:
                assert content == NEW, "what may be known already stays"
            else:
                assert stop == "killed" and (content == NEW or not unnamed), each
        assert path.exists() or not old
        if stop != "killed" and not old:
            assert len({name.exists() for name in (path, path.with_name(OTHER))}) == 1 or writer != "two"
        if not (writer == "new" and path.exists()):
            write(path)
        left = {each.name for each in path.parent.iterdir()} - {NAME, OTHER}
        assert path.read_bytes() == NEW and (not left or (stop == "killed" and not unnamed)), left


def test_only_a_kill_between_two_names_leaves_one_behind(tmp_path: Path) -> None:
    """Beside the file that was to be replaced, whole, for that one step; a new file never leaves anything."""
    left = []
    for after in range(steps_of(lambda: write_whole(_folder(tmp_path / "all", OLD), NEW))):
        path = _folder(tmp_path / str(after), OLD)
        assert run_until_really_killed(partial(write_whole, path, NEW), after)
        left += [each.name for each in path.parent.iterdir() if each != path]
    assert left == ["file.partial"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_a_file_is_for_its_owner_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "private", NEW)
        write_new(tmp_path / "public", NEW, mode=0o644)
        write_unsynced(tmp_path / "status", NEW)
        files.make_folder(tmp_path / "a" / "b")
        files.make_folder(tmp_path / "c" / "d", 0o755)
    finally:
        os.umask(before)
    modes = {
        str(each.relative_to(tmp_path)): stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*")
    }
    assert modes == {
        "private": 0o600, "public": 0o644, "status": 0o600,
        "a": 0o700, "a/b": 0o700, "c": 0o755, "c/d": 0o755,
    }  # fmt: skip


def test_what_is_replaced_keeps_its_owner_and_mode_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(OLD)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 123, 456)
    was = path.stat()
    write_whole(path, NEW, mode=AS_BEFORE)
    now = path.stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid)
    write_whole(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_somebody_else_s_is_not_narrowed_even_by_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool that callrec's user may use by its group would be taken from the controller that runs."""
    tmp_path.chmod(0o770)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
        assert not narrow(tmp_path) and stat.S_IMODE(tmp_path.stat().st_mode) == 0o770
    assert narrow(tmp_path) and stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path, link = _folder(tmp_path / "real", OLD), tmp_path / "there" / "link"
    link.symlink_to(path)
    write_whole(link, NEW)
    assert link.is_symlink() and path.read_bytes() == NEW
    with pytest.raises(FileExistsError):
        write_new(link, OLD)
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_new(link, OLD)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / NAME)
    before = (tmp_path / NAME).stat()
    with pytest.raises(OSError, match=r"directory|argument"):
        write_whole(tmp_path / NAME, NEW)
    assert (tmp_path / NAME).stat() == before and len(list(tmp_path.iterdir())) == 1


def test_two_may_replace_the_same_file_at_once(tmp_path: Path) -> None:
    """Each sees the other's file beside it, and takes it for what a kill has left."""
    texts = [bytes([65 + number]) * 999 for number in range(3)]

    def often(data: bytes) -> None:
        for _ in range(30):
            write_unsynced(tmp_path / NAME, data)
            seen.add((tmp_path / NAME).read_bytes())

    seen: set[bytes] = set()
    threads = [threading.Thread(target=often, args=(data,)) for data in texts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen <= set(texts) and [each.name for each in tmp_path.iterdir()] == [NAME]


def test_what_a_kill_has_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    path = _folder(tmp_path / "folder", OLD)
    path.with_name(NAME + files.PARTIAL).write_bytes(b"half")
    write_whole(path, NEW)
    assert [each.read_bytes() for each in path.parent.iterdir()] == [NEW]


def test_a_file_for_a_while_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a process that is killed, no voice stays in the temporary folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with files.scratch() as path:
        path.write_bytes(NEW)
        assert path.read_bytes() == NEW and not list(tmp_path.iterdir())
    assert not path.exists()
