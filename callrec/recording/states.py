"""The states of a live recording, of a call that may be kept and of a kept one, as tables. Nothing else.

`advance` raises on a step that the table lacks, and then nothing has changed. The diagram in the
documentation is drawn from these tables.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from callrec.errors import IllegalTransition
from callrec.model.captures import Custody


class Live(StrEnum):
    """A recording under way, in ARI's words."""

    QUEUED = "queued"
    RECORDING = "recording"
    MUTED = "muted"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class RecordingState(StrEnum):
    """Whether what is said in a call is kept."""

    UNRECORDED = "unrecorded"
    STANDBY = "standby"
    KEPT = "kept"
    STOPPED = "stopped"
    HANDED_OVER = "handed_over"
    DISCARDED = "discarded"


S = TypeVar("S", Live, RecordingState, Custody)
Table = dict[S, dict[str, S]]

LIVE: Table[Live] = {
    Live.QUEUED: {"start": Live.RECORDING, "fail": Live.FAILED, "cancel": Live.CANCELED},
    Live.RECORDING: {
        "mute": Live.MUTED,
        "finish": Live.DONE,
        "fail": Live.FAILED,
        "cancel": Live.CANCELED,
    },
    Live.MUTED: {
        "unmute": Live.RECORDING,
        "finish": Live.DONE,
        "fail": Live.FAILED,
        "cancel": Live.CANCELED,
    },
    Live.DONE: {},
    Live.FAILED: {},
    Live.CANCELED: {},
}

KEEPING: Table[RecordingState] = {
    RecordingState.UNRECORDED: {"stand by": RecordingState.STANDBY, "start": RecordingState.KEPT},
    RecordingState.STANDBY: {"keep": RecordingState.KEPT, "end": RecordingState.DISCARDED},
    RecordingState.KEPT: {
        "mark": RecordingState.KEPT,
        "stop": RecordingState.STOPPED,
        "end": RecordingState.HANDED_OVER,
    },
    RecordingState.STOPPED: {"start": RecordingState.KEPT, "end": RecordingState.HANDED_OVER},
    RecordingState.HANDED_OVER: {},
    RecordingState.DISCARDED: {},
}

CUSTODY: Table[Custody] = {
    Custody.CAPTURED: {"spool": Custody.SPOOLED},
    Custody.SPOOLED: {"archive": Custody.ARCHIVED},
    Custody.ARCHIVED: {"destroy": Custody.DESTROYED},
    Custody.DESTROYED: {},
}


def advance(table: Table[S], state: S, step: str) -> S:
    """The state after `step`. Raises IllegalTransition when the table does not have it."""
    try:
        return table[state][step]
    except KeyError:
        raise IllegalTransition("a recording that is {state} cannot {step}", state=state, step=step) from None


def diagram(table: Table[S]) -> str:
    """The table as a Mermaid state diagram."""
    first = next(iter(table))
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [
        f"    {state} --> {after}: {step}" for state, steps in table.items() for step, after in steps.items()
    ]
    lines += [f"    {state} --> [*]" for state, steps in table.items() if not steps]
    return "\n".join(lines)
