"""Sample calls, captures and alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord, Outcome, Participant
from callrec.model.captures import Capture, CapturedCall, Checkpoint, KeptBecause, Segment, Track
from callrec.model.rules import Announce, Decision, Direction, Mode
from callrec.numbers import normalise
from callrec.spool.directory import Spool

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
END = START + timedelta(seconds=12)
RECORDING_ID = "01a20000-0000-7000-8000-000000000001"
CALL_ID = "01a20000-0000-7000-8000-00000000000a"

DECISION = Decision(
    mode=Mode.AUTOMATIC,
    announce=Announce.NONE,
    languages=("ja",),
    prompt="notice",
    retain_days=90,
    retain_incident_days=1827,
    rule=1,
    version=1,
    reason="facility",
)


def call(**changes: Any) -> CallRecord:
    made = CallRecord(
        id=CALL_ID,
        pbx="pbx",
        linkedid="1.0",
        direction=Direction.INBOUND,
        facility="shiba",
        extension="2101",
        number=normalise("+81312345678"),
        dialled="2101",
        started_at=START,
        answered_at=START + timedelta(seconds=2),
        ended_at=END,
        outcome=Outcome.ANSWERED,
        decision=DECISION,
        participants=(
            Participant("1.0", "+81312345678", None, START, END),
            Participant("1.1", "2101", "2101", START, END),
        ),
    )
    return replace(made, **changes)


def segment(number: int = 1, **changes: Any) -> Segment:
    begin = START + timedelta(seconds=2)
    made = Segment(
        number,
        "1.0",
        Track(f"callrec/r-{number}-external", begin, END),
        Track(f"callrec/r-{number}-staff", begin, END),
    )
    return replace(made, **changes)


def captured_call(**changes: Any) -> CapturedCall:
    capture = Capture(
        recording_id=RECORDING_ID,
        started_at=START + timedelta(seconds=2),
        kept_because=KeptBecause.AUTOMATIC,
        segments=(segment(),),
        ended_at=END,
    )
    return CapturedCall(call(**changes.pop("call", {})), replace(capture, **changes))


def checkpoint(**changes: Any) -> Checkpoint:
    """The same, while the call is open."""
    over = captured_call(**changes)
    return Checkpoint(over.call, over.capture)


def over(made: Checkpoint) -> CapturedCall:
    """The same, once the call is over."""
    return CapturedCall(made.call, made.capture)


def alert(**changes: Any) -> Alert:
    made = Alert(
        id="01a20000-0000-7000-8000-0000000000f1",
        call_id=CALL_ID,
        pbx="pbx",
        facility="shiba",
        facility_name="芝地区総合支所",
        extension="2101",
        number=normalise("+81312345678"),
        direction=Direction.INBOUND,
        at=START,
        recorded=True,
        support_phone="2900",
    )
    return replace(made, **changes)


def only_call(spool: Spool) -> CallRecord:
    """The one call that waits in the spool."""
    (id_,) = spool.calls()
    return spool.call_of(id_)
