"""What the PBX is asked of a recording that the dialplan makes, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from callrec.controller import performer
from callrec.controller.checkpoints import Checkpoints
from callrec.controller.hangups import Hangups
from callrec.controller.performer import PbxPerformer
from callrec.errors import CallrecError
from callrec.recording import actions as do
from callrec.recording.owners import NOBODY
from callrec.spool.directory import Spool
from tests.unit.fakes import FakeDialplan, FakePbx

SINCE = datetime(2026, 11, 30, 1, 2, 3, 45_000, UTC)
EXTENSION = "1796000523045"


class Performing(PbxPerformer):
    """A performer, and what it asked."""

    def __init__(self, folder: Path, *, deaf: bool = False) -> None:
        self.pbx, self.looked = FakePbx(), list[do.LookAgain]()
        self.dialplan = FakeDialplan(self.pbx, deaf=deaf)
        super().__init__(
            self.pbx,
            Hangups(),
            Checkpoints(Spool(folder)),
            answer_first=True,
            dialplan=self.dialplan,
            took_over=lambda action, heard: None,
            look_again=self.looked.append,
        )


@pytest.mark.parametrize("sounds", [(), ("notice",)])
def test_the_dialplan_is_told_since_when_it_records(tmp_path: Path, sounds: tuple[str, ...]) -> None:
    asked = Performing(tmp_path)
    asked.perform(do.LetThrough("1.0", "1.0", sounds, SINCE))
    assert asked.pbx.asked[-1] == ("resume", "1.0", EXTENSION)


def test_the_dialplan_ends_what_it_records_at_the_gate(tmp_path: Path) -> None:
    asked = Performing(tmp_path, deaf=True)
    asked.perform(do.LetThrough("1.0", "1.0", ends_recording=True))
    assert asked.pbx.asked == [("resume", "1.0", "end")]


@pytest.mark.parametrize("sounds", [(), ("notice",)])
def test_what_nobody_could_end_is_not_begun(tmp_path: Path, sounds: tuple[str, ...]) -> None:
    asked = Performing(tmp_path, deaf=True)
    asked.perform(do.LetThrough("1.0", "1.0", sounds, SINCE))
    assert asked.pbx.asked[-1] == ("resume", "1.0")


def test_a_recording_without_a_file_is_refused(tmp_path: Path) -> None:
    asked = Performing(tmp_path)
    prove = do.ProveMonitor("1.0", "1.0", ("f-external", "f-staff"), owner=NOBODY)
    with pytest.raises(CallrecError, match=r"the dialplan does not record 1\.0"):
        asked.perform(prove)
    asked.pbx.sizes["f-external"] = 44
    asked.perform(prove)


def test_of_a_pbx_that_does_not_answer_nothing_is_believed(tmp_path: Path) -> None:
    asked = Performing(tmp_path)
    asked.pbx.refuse = {"stored_size"}
    asked.perform(do.ProveMonitor("1.0", "1.0", ("f-external", "f-staff"), owner=NOBODY))


def test_each_side_is_muted_by_itself(tmp_path: Path) -> None:
    asked = Performing(tmp_path)
    asked.perform(do.Mute("1.0", "f-staff", "1.0", side="staff"))
    asked.perform(do.Unmute("1.0", "f-staff", "1.0", side="staff"))
    asked.perform(do.Mute("1.0", "callrec/r-1-staff", side="staff"))
    assert asked.pbx.asked == [
        ("mute", "1.0", "staff"),
        ("unmute", "1.0", "staff"),
        ("mute", "callrec/r-1-staff"),
    ]


def test_what_is_destroyed_has_ended_before(tmp_path: Path) -> None:
    asked = Performing(tmp_path)
    asked.perform(do.DropMonitor("1.0", "1.0", "f"))
    ended = [
        ("stop", "1.0"),
        ("delete_stored", "f-external"),
        ("delete_stored", "f-staff"),
        ("forget", "1.0"),
    ]
    assert asked.pbx.asked == ended


def test_a_moment_goes_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paused = list[tuple[str, float]]()
    monkeypatch.setattr(Hangups, "pause", lambda self, what, seconds: paused.append((what, seconds)))
    asked = Performing(tmp_path)
    asked.perform(do.AwaitStop("1.0", side="staff"))
    asked.perform(look := do.LookAgain("1.0"))
    assert paused == [("staff1.0", performer.LET_GO_SECONDS), ("1.0", performer.OUT_SECONDS)]
    assert asked.looked == [look]
