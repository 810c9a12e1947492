"""The controller: in order within a call, and nothing that fails is forgotten."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from callrec.pbx.events import Replaced
from callrec.recording.controller import Controller
from callrec.recording.lanes import Lanes
from callrec.spool.box import Spool
from tests.scenarios.replay import board, ids_of, office, transcript
from tests.unit.fakes import FakePbx
from tests.unit.samples import START

RULE = ("automatic", "everywhere", None, None)
NAME = "inbound_announced"


def _controller(tmp_path: Path, pbx: FakePbx, *, answer_first: bool = True) -> Controller:
    ids = [*ids_of(NAME), *(f"more-{number}" for number in range(9))]
    return Controller(
        pbx,
        board(office(RULE), ids),
        Spool(tmp_path),
        answer_first=answer_first,
        work_waits=lambda: None,
        read_journal=lambda: None,
    )


def _play(controller: Controller) -> None:
    for event in transcript(NAME):
        controller.handle(event)
    controller.stop()


def test_commands_of_a_call_come_in_order(tmp_path: Path) -> None:
    pbx = FakePbx()
    _play(_controller(tmp_path, pbx))
    assert [words[0] for words in pbx.asked] == [
        "set_variable",
        "set_variable",
        "resume",
        "snoop",
        "snoop",
        "record",
        "record",
    ]
    assert pbx.asked[1][2:] == ("CALLREC_ANSWER", "1")
    spool = Spool(tmp_path)
    assert len(spool.waiting()) == 1 and len(list(spool.calls())) == 1 and spool.drafts() == []


def test_early_media_is_not_answered(tmp_path: Path) -> None:
    pbx = FakePbx()
    _play(_controller(tmp_path, pbx, answer_first=False))
    assert pbx.asked[1][2:] == ("CALLREC_ANSWER", "")


@pytest.mark.parametrize("refused", ["set_variable", "resume", "snoop", "record"])
def test_a_pbx_that_refuses_still_leaves_a_call_and_a_draft(tmp_path: Path, refused: str) -> None:
    pbx = FakePbx(refuse={refused})
    _play(_controller(tmp_path, pbx))
    spool = Spool(tmp_path)
    assert len(list(spool.calls())) == 1
    assert len(spool.waiting()) == 1


def test_a_full_disk_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = _controller(tmp_path, FakePbx())
    full = threading.Event()
    full.set()
    real = Spool.save_call

    def save(self: Spool, call: object) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        real(self, call)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "save_call", save)
    for event in transcript(NAME):
        controller.handle(event)
    deadline = threading.Event()
    while not controller._again:
        assert not deadline.wait(0.01)
    full.clear()
    controller.tick()
    controller.stop()
    assert len(list(Spool(tmp_path).calls())) == 1


def test_another_program_under_our_name_ends_this_one(tmp_path: Path) -> None:
    controller = _controller(tmp_path, FakePbx())
    controller.handle(Replaced(START))
    assert controller.replaced.is_set()
    controller.stop()


def test_lanes_keep_order_within_a_key_and_run_keys_side_by_side() -> None:
    lanes, gate = Lanes(2), threading.Event()
    order: list[str] = []

    def waits() -> None:
        gate.wait(5)

    def opens() -> None:
        order.append("b1")
        gate.set()

    lanes.submit("a", waits)
    lanes.submit("a", lambda: order.append("a2"))
    lanes.submit("b", opens)
    lanes.close()
    assert order == ["b1", "a2"]
