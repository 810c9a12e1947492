"""The three state machines of the core, each a small table that runs (decision 15), and how they run.

`advance` takes every step by its table; it raises on a step that the table lacks, and then nothing has
changed. The diagrams in docs/states.md are drawn from these tables, and a test compares them; what becomes of
a request (`model.requests`) is a table of the same kind.

**A recording of the PBX** (`Live`) is one track: one direction of one segment, in ARI's words.

**A capture** (`Phase`) is all that is recorded of one call, segment after segment; how it runs:

A capture begins with one segment: two snoops on the captured channel, each recorded into a track. It is
*recording* as long as both tracks run, whether the PBX has told of their beginning or not. What can
happen to it comes from four sides.

- The PBX ends or refuses a track though the channel lives: the capture is *broken*. Half a second is
  waited, because a hang-up ends the tracks a moment before the channel; then another segment begins and
  the gap is written down. Where segments do not even begin, the wait doubles, up to a minute.
- Another voice comes to the captured channel (a transfer). What a channel is played is decoded for its
  snoops by one decoder, which drops the new voice if its packets are numbered lower. So both snoops are
  hung up, and new ones are made when the PBX has told that the old ones are gone: the capture is
  *renewing* until both tracks of the new segment have begun. That takes 15 to 40 ms; more than 60 ms is
  written down as a gap (decision 9).
- Somebody wants silence: a privacy pause, the key that stops, a rule that says never. The capture is
  *silent* as long as one of these reasons lasts; each ends by itself. A pause mutes the tracks, which go
  on, so the clock of the recording stays the clock of the call. A stop ends the segment, because then
  not even silence may be captured (decision 12). When the last reason ends, the tracks are unmuted, or,
  where they are gone or hear the wrong voice, the capture is renewing.
- The captured channel goes: it hung up, or goes on in another call. The capture is *gone*; its tracks
  end by themselves, and when all have, it is *finished* and can be kept or destroyed. If the others go
  on talking without that channel, the capture moves to one of them, with another segment and a gap, or
  in silence where that is wanted.

Whatever ends a track while the capture is silent changes nothing at once: there is nothing to record.

**What is kept of a call** (`RecordingState`): rules and keys take these steps. Nothing kept is ever
discarded; what stayed on standby is, when the call ends. So is, whatever it was, what a rule does not want
recorded unannounced: such a call is *barred* from when its announcement could not be played.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class IllegalTransition(Exception):
    """A state machine was asked for a step that its table does not have: a bug. Nothing was changed."""


class Live(StrEnum):
    """The state of one track, which is a recording of the PBX, in ARI's words."""

    QUEUED = "queued"
    RECORDING = "recording"
    MUTED = "muted"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class Phase(StrEnum):
    """The phase of a capture: see above."""

    RECORDING = "recording"
    BROKEN = "broken"
    RENEWING = "renewing"
    SILENT = "silent"
    GONE = "gone"
    FINISHED = "finished"


class RecordingState(StrEnum):
    """What is kept of a call, and whether it is recorded at all."""

    UNRECORDED = "unrecorded"
    STANDBY = "standby"
    KEPT = "kept"
    STOPPED = "stopped"
    BARRED = "barred"
    HANDED_OVER = "handed_over"
    DISCARDED = "discarded"


class Step(StrEnum):
    """What rules and keys do with a recording."""

    STAND_BY = "stand by"
    START = "start"
    KEEP = "keep"
    MARK = "mark"
    STOP = "stop"
    BAR = "bar"
    END = "end"


S = TypeVar("S", bound=StrEnum)
Table = dict[S, dict[str, S]]

_LIVE_ENDS = {"finish": Live.DONE, "fail": Live.FAILED, "cancel": Live.CANCELED}

LIVE: Table[Live] = {
    Live.QUEUED: {"start": Live.RECORDING, "fail": Live.FAILED, "cancel": Live.CANCELED},
    Live.RECORDING: {"mute": Live.MUTED, **_LIVE_ENDS},
    Live.MUTED: {"unmute": Live.RECORDING, **_LIVE_ENDS},
    Live.DONE: {},
    Live.FAILED: {},
    Live.CANCELED: {},
}

_IN_TALK = {"break": Phase.BROKEN, "renew": Phase.RENEWING, "silence": Phase.SILENT, "leave": Phase.GONE}
_MOVES = {"move": Phase.RECORDING, "move in silence": Phase.SILENT}
_WITHOUT_CHANNEL = ("break", "silence", "resume", "leave")
"""What changes nothing any more once the captured channel is gone."""

CAPTURE: Table[Phase] = {
    Phase.RECORDING: {"begin": Phase.RECORDING, **_IN_TALK},
    Phase.BROKEN: {"retry": Phase.RECORDING, **_IN_TALK},
    Phase.RENEWING: {"begin": Phase.RECORDING, **_IN_TALK},
    Phase.SILENT: {
        "begin": Phase.SILENT,
        "break": Phase.SILENT,
        "silence": Phase.SILENT,
        "resume": Phase.RECORDING,
        "resume anew": Phase.RENEWING,
        "leave": Phase.GONE,
    },
    Phase.GONE: {
        **dict.fromkeys(("begin", *_WITHOUT_CHANNEL), Phase.GONE),
        "end": Phase.FINISHED,
        **_MOVES,
    },
    Phase.FINISHED: {**dict.fromkeys(_WITHOUT_CHANNEL, Phase.FINISHED), **_MOVES},
}

KEEPING: Table[RecordingState] = {
    RecordingState.UNRECORDED: {
        Step.STAND_BY: RecordingState.STANDBY,
        Step.START: RecordingState.KEPT,
        Step.BAR: RecordingState.BARRED,
    },
    RecordingState.STANDBY: {
        Step.KEEP: RecordingState.KEPT,
        Step.BAR: RecordingState.BARRED,
        Step.END: RecordingState.DISCARDED,
    },
    RecordingState.KEPT: {
        Step.MARK: RecordingState.KEPT,
        Step.STOP: RecordingState.STOPPED,
        Step.BAR: RecordingState.BARRED,
        Step.END: RecordingState.HANDED_OVER,
    },
    RecordingState.STOPPED: {
        Step.START: RecordingState.KEPT,
        Step.BAR: RecordingState.BARRED,
        Step.END: RecordingState.HANDED_OVER,
    },
    RecordingState.BARRED: {Step.END: RecordingState.DISCARDED},
    RecordingState.HANDED_OVER: {},
    RecordingState.DISCARDED: {},
}


def advance(table: Table[S], state: S, step: str) -> S:
    """Returns the state after `step`. Raises IllegalTransition where the table does not have it."""
    try:
        return table[state][step]
    except KeyError:
        raise IllegalTransition(f"what is {state} cannot {step}") from None


def diagram(table: Table[S]) -> str:
    """Returns the table as a Mermaid state diagram, for the documentation.

    A step that changes nothing is not drawn, but for `mark`.
    """
    first = next(iter(table))
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [
        f"    {_drawn(state)} --> {_drawn(after)}: {step}"
        for state, steps in table.items()
        for step, after in steps.items()
        if state is not after or step == Step.MARK
    ]
    lines += [f"    {_drawn(state)} --> [*]" for state, steps in table.items() if not steps]
    return "\n".join(lines)


def _drawn(state: StrEnum) -> str:
    """Returns the name of a state in a diagram: Mermaid takes a hyphen for the beginning of an arrow."""
    return state.replace("-", "_")
