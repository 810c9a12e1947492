"""What a key does, by how the call stands: one table. Pure.

A key that asks for what is so already changes nothing: a frightened person presses twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from callrec.model.calls import FeatureCode, KeyPress, KeyResult
from callrec.model.rules import Mode
from callrec.recording.states import RecordingState

EFFECTS: dict[FeatureCode, dict[RecordingState, KeyResult]] = {
    FeatureCode.KEEP: {
        RecordingState.UNRECORDED: KeyResult.STARTED,
        RecordingState.STANDBY: KeyResult.KEPT,
        RecordingState.KEPT: KeyResult.UNCHANGED,
        RecordingState.STOPPED: KeyResult.STARTED,
    },
    FeatureCode.STOP: {
        RecordingState.UNRECORDED: KeyResult.UNCHANGED,
        RecordingState.STANDBY: KeyResult.REFUSED,
        RecordingState.KEPT: KeyResult.STOPPED,
        RecordingState.STOPPED: KeyResult.UNCHANGED,
    },
    FeatureCode.PAUSE: {
        RecordingState.UNRECORDED: KeyResult.REFUSED,
        RecordingState.STANDBY: KeyResult.PAUSED,
        RecordingState.KEPT: KeyResult.PAUSED,
        RecordingState.STOPPED: KeyResult.REFUSED,
    },
    FeatureCode.HELP: dict.fromkeys(
        (RecordingState.UNRECORDED, RecordingState.STANDBY, RecordingState.KEPT, RecordingState.STOPPED),
        KeyResult.HELP_SENT,
    ),
}


def is_outdated(key: str, at: datetime, presses: Iterable[KeyPress]) -> bool:
    """Whether a key that is told late was followed by one that said otherwise."""
    later = [each for each in presses if each.at > at]
    if key == FeatureCode.KEEP:
        return any(each.result is KeyResult.STOPPED for each in later)
    return key == FeatureCode.STOP and bool(later)


def result_in_fallback(key: FeatureCode, *, recorded: bool, marked: bool) -> KeyResult:
    """What `key` does in a call that the dialplan took over: that records to the end, or not at all."""
    if key is FeatureCode.HELP:
        return KeyResult.HELP_SENT
    if key is FeatureCode.KEEP and recorded:
        return KeyResult.UNCHANGED if marked else KeyResult.MARKED
    return KeyResult.REFUSED


def marks(effect: KeyResult) -> bool:
    """Whether the call is an incident from then on."""
    return effect in (KeyResult.MARKED, KeyResult.HELP_SENT)


def effect(key: FeatureCode, mode: Mode, keeping: RecordingState, *, paused: bool, marked: bool) -> KeyResult:
    """What `key` does in a call with this mode.

    `paused`: a privacy pause is on, which every key ends but the one that stops; `marked`: a call that
    is recorded anyway was marked already. Where the rule says never, all that is left is the call for help.
    """
    if key is FeatureCode.HELP:
        return KeyResult.HELP_SENT
    if mode is Mode.NEVER or (key is FeatureCode.STOP and mode is not Mode.MANUAL):
        return KeyResult.REFUSED
    does = EFFECTS[key].get(keeping, KeyResult.REFUSED)
    if key is FeatureCode.KEEP and keeping is RecordingState.KEPT and mode is Mode.AUTOMATIC and not marked:
        return KeyResult.MARKED
    if paused and does in (KeyResult.PAUSED, KeyResult.UNCHANGED):
        return KeyResult.RESUMED if key is not FeatureCode.STOP else does
    return does
