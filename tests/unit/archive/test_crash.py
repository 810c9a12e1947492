"""A crash between any two steps: afterwards there is exactly one recording, whole, and nothing else left."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from callrec.catalogue import custody, finding
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE
from tests.told import told_by
from tests.unit.bench import Bench, make_bench
from tests.unit.samples import RECORDING_ID, captured_call, checkpoint, over
from tests.unit.wave import tone


class Crash(BaseException):
    """The power fails."""


class Power:
    """Counts what is done to the world, and fails at one of those steps: before it or after it."""

    def __init__(
        self, patch: pytest.MonkeyPatch, fails_at: int, *, after: bool, error: BaseException | None = None
    ) -> None:
        self._patch, self._left, self._after = patch, fails_at, after
        self._error = error or Crash()

    @property
    def lasted(self) -> bool:
        return self._left > 0

    def feeds(self, owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def step(*args: Any, **options: Any) -> Any:
            self._left -= 1
            fails = self._left == 0
            if fails and not self._after:
                raise self._error
            done = real(*args, **options)
            if fails:
                raise self._error
            return done

        self._patch.setattr(owner, name, step)


def _survives(bench: Bench, power: Power) -> bool:
    """Hands a capture over and archives it; whether the power lasted."""
    bench.spool.save_checkpoint(checkpoint())
    for owner, name in (
        (os, "fsync"),
        (Path, "rename"),
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "mkdir"),
        (shutil, "rmtree"),
        (bench.store, "put"),
        (bench.store, "head"),
        (bench.database, "begin"),
        (bench.endings, "_delete_track"),
    ):
        power.feeds(owner, name)
    try:
        bench.spool.hand_over(captured_call())
        bench.archiver.archive(RECORDING_ID)
    except Crash:
        return False
    return True


def _start_again(bench: Bench, database: Database, folder: Path, *, draft_came_back: bool) -> Bench:
    """As the controller does: what was under way is over now, and handed over."""
    again = make_bench(folder, database, bench.store)
    if draft_came_back:
        again.spool.save_checkpoint(checkpoint())
    for each in again.spool.checkpoints():
        again.spool.hand_over(over(each))
    for _ in range(10):
        again.later(200)
    return again


def _check(bench: Bench) -> None:
    assert bench.spool.waiting() == [] and bench.spool.quarantined() == [] and told_by(bench.archiver) == []
    assert not [path for path in bench.pbx.rglob("*") if path.is_file()]
    assert all(len(versions) == 1 for versions in bench.store.versions.values())
    with bench.database.read() as connection:
        kept = finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)
        log = [entry.action for entry in custody.of(connection, RECORDING_ID)]
    assert log == ["captured", "spooled", "archived"] and len(bench.store.objects) == 2
    sound, _ = soundfile.read(io.BytesIO(bench.store.objects[kept.key]), dtype="int16")
    assert np.array_equal(sound[:, 0], tone(500, 10)) and np.array_equal(sound[:, 1], tone(1000, 10))


@pytest.mark.parametrize("draft_came_back", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_exactly_one_recording_after_a_crash_at_any_step(
    tmp_path: Path, database: Database, *, after: bool, draft_came_back: bool
) -> None:
    database.close()
    for step in range(1, 200):
        folder = tmp_path / str(step)
        folder.mkdir()
        shutil.copy(tmp_path / "catalogue.db", folder)
        fresh = Database(f"sqlite:///{folder}/catalogue.db")
        bench = make_bench(folder, fresh)
        bench.track("callrec/r-1-external", 500)
        bench.track("callrec/r-1-staff", 1000)
        with pytest.MonkeyPatch.context() as patch:
            survived = _survives(bench, Power(patch, step, after=after))
        _check(_start_again(bench, fresh, folder, draft_came_back=draft_came_back))
        fresh.close()
        if survived:
            break
    assert survived, "every step was tried"


DISK = ((os, "fsync"), (os, "link"), (Path, "rename"), (Path, "replace"), (Path, "mkdir"))
"""What a disk that is full can refuse."""


def test_a_disk_that_is_full_at_any_step_costs_nothing(tmp_path: Path, database: Database) -> None:
    """What was refused is told, nothing half is taken for whole, and it goes on by itself."""
    database.close()
    for step in range(1, 200):
        folder = tmp_path / str(step)
        folder.mkdir()
        shutil.copy(tmp_path / "catalogue.db", folder)
        fresh = Database(f"sqlite:///{folder}/catalogue.db")
        bench = make_bench(folder, fresh)
        bench.captured()
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with pytest.MonkeyPatch.context() as patch:
            power = Power(patch, step, after=False, error=full)
            for owner, name in DISK:
                power.feeds(owner, name)
            bench.archiver.work()
            lasted = power.lasted
        assert lasted or told_by(bench.archiver) == ["the disk is full"], step
        for _ in range(3):
            bench.later()
        _check(bench)
        fresh.close()
        if lasted:
            break
    assert lasted and step > 10, "every step was tried"
