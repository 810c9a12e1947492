"""What a key does: one table for each key, by the mode of the call and by how its recording stands.

=======  ==================================================================================================
`*1`     KEEP. Begins the recording of a `manual` call, keeps one on `standby`, marks an `automatic` one as
         an incident. After a stop it goes on, in the same recording.
`*4`     STOP. Ends what is being recorded of a `manual` call; what was recorded stays kept. It never ends
         what a rule has begun: under `standby` and `automatic` it is refused, also after `*1`.
`*5`     PAUSE. Silences a recording, in any mode that has one, until it is pressed again, or `*1` or `*9`.
`*9`     HELP. Calls for help, always, also under `never`; and begins, keeps or marks as `*1` does.
=======  ==================================================================================================

An entry names what staff hear of the key (`KeyResult`) and the step of `states.KEEPING` that the recording
takes, in `recorder.CallRecorder`. A key that asks for what is so already changes nothing, and sounds as if
it had done it: a frightened person presses twice (decision 12). Of `*4` that is so in a `manual` call that is
not recorded, or no longer. The tables run: `pressed` looks up in them what is done (decision 15).

The mode is that of who talks now, or that by which the recording began, whichever records more; it is
`never` before the answer, without a rule, and where who talks now is `never` (`decisions.mode_for_keys`).
While the dialplan's fallback records, a key does what `result_in_fallback` says; in a call of the fallback
that it does not record, the tables hold once callrec is back. The codes are the usual ones: see `[keys]` in
callrec.toml.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, assert_never

from callrec.model.calls import FeatureCode, KeyPress, KeyResult
from callrec.model.captures import KeptBecause
from callrec.model.rules import Mode
from callrec.recording.states import RecordingState, Step


class Traits(NamedTuple):
    """What is so of a key in every call."""

    because: KeptBecause
    """Why what it keeps is kept."""
    is_about_before: bool
    """Whether it is about what was captured already too: then it goes by the rule that held until the party
    outside left."""
    ends_pause: bool
    """Whether it ends a privacy pause where it would change nothing, or begin one."""
    unchanged: KeyResult
    """What is heard of it when it changes nothing: what it asks for is so."""
    calls_for_help: bool
    """Whether it sends alerts, and calls the support phone."""


def traits(key: FeatureCode) -> Traits:
    """Returns what is so of a key in every call."""
    match key:
        case FeatureCode.KEEP:
            return Traits(KeptBecause.KEY, True, True, KeyResult.STARTED, False)
        case FeatureCode.STOP:
            return Traits(KeptBecause.KEY, False, False, KeyResult.STOPPED, False)
        case FeatureCode.PAUSE:
            return Traits(KeptBecause.KEY, False, True, KeyResult.PAUSED, False)
        case FeatureCode.HELP:
            return Traits(KeptBecause.HELP, True, True, KeyResult.HELP_SENT, True)
        case _:
            assert_never(key)


class Pressed(NamedTuple):
    """What a key press does: what is heard of it, and the step that the recording takes; None: none."""

    result: KeyResult
    step: Step | None = None


Row = dict[RecordingState, Pressed]
_REFUSED: Row = dict.fromkeys(RecordingState, Pressed(KeyResult.REFUSED))
_CALLS_FOR_HELP: Row = dict.fromkeys(RecordingState, Pressed(KeyResult.HELP_SENT))

_KEEP: Row = {
    **_REFUSED,
    RecordingState.UNRECORDED: Pressed(KeyResult.STARTED, Step.START),
    RecordingState.STANDBY: Pressed(KeyResult.KEPT, Step.KEEP),
    RecordingState.KEPT: Pressed(KeyResult.UNCHANGED, Step.MARK),
    RecordingState.STOPPED: Pressed(KeyResult.STARTED, Step.START),
}
_STOP: Row = {
    **_REFUSED,
    RecordingState.UNRECORDED: Pressed(KeyResult.UNCHANGED),
    RecordingState.KEPT: Pressed(KeyResult.STOPPED, Step.STOP),
    RecordingState.STOPPED: Pressed(KeyResult.UNCHANGED),
}
_PAUSE: Row = {
    **_REFUSED,
    RecordingState.STANDBY: Pressed(KeyResult.PAUSED),
    RecordingState.KEPT: Pressed(KeyResult.PAUSED),
}
_HELP: Row = {
    **_CALLS_FOR_HELP,
    RecordingState.UNRECORDED: Pressed(KeyResult.HELP_SENT, Step.START),
    RecordingState.STANDBY: Pressed(KeyResult.HELP_SENT, Step.KEEP),
    RecordingState.KEPT: Pressed(KeyResult.HELP_SENT, Step.MARK),
    RecordingState.STOPPED: Pressed(KeyResult.HELP_SENT, Step.START),
}
_MARKED: Row = {**_KEEP, RecordingState.KEPT: Pressed(KeyResult.MARKED, Step.MARK)}

KEEP = {Mode.NEVER: _REFUSED, Mode.MANUAL: _KEEP, Mode.STANDBY: _KEEP, Mode.AUTOMATIC: _MARKED}
STOP = {Mode.NEVER: _REFUSED, Mode.MANUAL: _STOP, Mode.STANDBY: _REFUSED, Mode.AUTOMATIC: _REFUSED}
PAUSE = {Mode.NEVER: _REFUSED, Mode.MANUAL: _PAUSE, Mode.STANDBY: _PAUSE, Mode.AUTOMATIC: _PAUSE}
HELP = {Mode.NEVER: _CALLS_FOR_HELP, Mode.MANUAL: _HELP, Mode.STANDBY: _HELP, Mode.AUTOMATIC: _HELP}


def table(key: FeatureCode) -> dict[Mode, Row]:
    """Returns what a key does, by mode and state. Under `never` nothing is left but the call for help."""
    match key:
        case FeatureCode.KEEP:
            return KEEP
        case FeatureCode.STOP:
            return STOP
        case FeatureCode.PAUSE:
            return PAUSE
        case FeatureCode.HELP:
            return HELP
        case _:
            assert_never(key)


def pressed(key: FeatureCode, mode: Mode, state: RecordingState, *, paused: bool, marked: bool) -> Pressed:
    """Returns what `key` does in a call with this mode.

    `paused`: a privacy pause is on; a key that would begin one or change nothing ends it instead. `marked`:
    a key keeps the recording already, so that there is nothing more to mark.
    """
    found = table(key)[mode][state]
    result = KeyResult.UNCHANGED if found.result is KeyResult.MARKED and marked else found.result
    if paused and traits(key).ends_pause and result in (KeyResult.PAUSED, KeyResult.UNCHANGED):
        result = KeyResult.RESUMED
    return found._replace(result=result)


def is_outdated(key: FeatureCode, at: datetime, presses: Iterable[KeyPress]) -> bool:
    """Tells whether a key that is told late must not be obeyed any more (decision 12).

    A keep is outdated by a later stop, and a stop by any later key. A pause always is: it is a switch, and
    who pressed it has heard no tone. Help is never too late.
    """
    later = [each for each in presses if each.at > at]
    match key:
        case FeatureCode.KEEP:
            return any(each.result is KeyResult.STOPPED for each in later)
        case FeatureCode.STOP:
            return bool(later)
        case FeatureCode.PAUSE:
            return True
        case FeatureCode.HELP:
            return False
        case _:
            assert_never(key)


def result_in_fallback(key: FeatureCode, *, recorded: bool, marked: bool) -> KeyResult:
    """Returns what `key` does in a call that the dialplan's fallback handles and may record (decision 4).

    The fallback records to the end or not at all, so a key can only mark the call or call for help.
    """
    match key:
        case FeatureCode.HELP:
            return KeyResult.HELP_SENT
        case FeatureCode.KEEP if recorded:
            return KeyResult.UNCHANGED if marked else KeyResult.MARKED
        case FeatureCode.KEEP | FeatureCode.STOP | FeatureCode.PAUSE:
            return KeyResult.REFUSED
        case _:
            assert_never(key)


def marks(result: KeyResult) -> bool:
    """Tells whether a key with this result makes the call an incident."""
    match result:
        case KeyResult.MARKED | KeyResult.HELP_SENT:
            return True
        case KeyResult.STARTED | KeyResult.KEPT | KeyResult.STOPPED | KeyResult.PAUSED | KeyResult.RESUMED:
            return False
        case KeyResult.UNCHANGED | KeyResult.REFUSED:
            return False
        case _:
            assert_never(result)


def promises_silence(result: KeyResult) -> bool:
    """Tells whether the tone of this result says that nothing is recorded from now on."""
    match result:
        case KeyResult.PAUSED | KeyResult.STOPPED:
            return True
        case KeyResult.STARTED | KeyResult.KEPT | KeyResult.MARKED | KeyResult.RESUMED:
            return False
        case KeyResult.HELP_SENT | KeyResult.UNCHANGED | KeyResult.REFUSED:
            return False
        case _:
            assert_never(result)
