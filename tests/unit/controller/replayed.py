"""A controller on a fake PBX, given the events of a transcript."""

from __future__ import annotations

from pathlib import Path

from callrec.controller.controller import Controller
from callrec.controller.steady_time import SteadyTime
from callrec.spool.directory import Spool
from tests.scenarios.replay import ids_of, office, tracker, transcript
from tests.unit.fakes import FakeDialplan, FakePbx

RULE = ("automatic", "everywhere", None, None)


NAME = "inbound_announced"


def controller_on(tmp_path: Path, pbx: FakePbx, *, answer_first: bool = True) -> Controller:
    ids = [*ids_of(NAME), *(f"more-{number}" for number in range(9))]
    return Controller(
        pbx,
        tracker(office(RULE), ids),
        Spool(tmp_path),
        answer_first=answer_first,
        sound_waits=lambda: None,
        row_waits=lambda: None,
        read_journal=lambda: None,
        stored_keys=dict,
        take_alert=lambda alert: None,
        dialplan=FakeDialplan(pbx),
        time=SteadyTime(lambda: transcript(NAME)[0].at),
    )


def play(controller: Controller) -> None:
    for event in transcript(NAME):
        controller.handle(event)
    end(controller)


def end(controller: Controller) -> None:
    """An orderly end: what was begun is finished."""
    controller.stop()
    controller.run()
