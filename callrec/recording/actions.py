"""What the core wants done to the PBX and to the spool, as types. The controller's performers carry it out.

`PbxAction` and `SpoolAction` are unions of all there are, and each performer ends with `assert_never`: an
action that nobody performs is an error of the type checker (decision 15). Nothing is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint
from callrec.model.flaws import Flaw

if TYPE_CHECKING:
    from callrec.recording.owners import Owner


@dataclass(frozen=True, slots=True)
class _OfCall:
    """Base of all actions. `linkedid` names the call that wants it; of a stray, its own id.

    Actions of one call run in the order in which they were returned, but in four queues that do not wait for
    one another: those to the spool, and, to the PBX, those with `side` external, staff (the two tracks of a
    recording), or none.
    """

    linkedid: str
    side: str = field(default="", kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class _Making(_OfCall):
    """Base of the actions that make something on the PBX. `owner` is told what becomes of it."""

    owner: Owner = field(kw_only=True, compare=False, repr=False)


# --- to the PBX


@dataclass(frozen=True, slots=True)
class LetThrough(_OfCall):
    """Lets a channel at the gate go on in the dialplan, which plays `sounds` first (decision 2).

    With `record_since` it is asked to record the channel, as soon as that talks: its journal has a line of
    that moment, by the PBX's clock (decision 27). With `ends_recording` it ends what it records of it.
    """

    channel: str
    sounds: tuple[str, ...] = ()
    record_since: datetime | None = None
    ends_recording: bool = False


@dataclass(frozen=True, slots=True)
class StartSnoop(_Making):
    """Makes a channel `snoop` that listens to another (`spy`) or speaks to it (`whisper`).

    Both are in, out, both or none, in ARI's words.
    """

    channel: str
    snoop: str
    spy: str = "none"
    whisper: str = "none"


@dataclass(frozen=True, slots=True)
class AwaitHangup(_OfCall):
    """Waits until these channels of ours, which were hung up, are gone from the PBX (decision 9).

    Where the PBX does not tell it, the wait ends after a tenth of a second.
    """

    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordSnoop(_Making):
    """Records what a snoop hears into the stored recording `name` of the PBX."""

    snoop: str
    name: str


@dataclass(frozen=True, slots=True)
class ProveMonitor(_Making):
    """Looks whether the dialplan records a channel, into the stored recordings `names`. It is refused where
    there is nothing of them."""

    channel: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopMonitor(_OfCall):
    """Ends what the dialplan records of a channel, of which `name` is one side. One that has ended is no
    error."""

    channel: str
    name: str


@dataclass(frozen=True, slots=True)
class AwaitStop(_OfCall):
    """Waits until the PBX has let go of what it decoded for a MixMonitor that was ended (decision 9)."""


@dataclass(frozen=True, slots=True)
class DropMonitor(_OfCall):
    """Ends what the dialplan records of a channel into `file`, and destroys it: nobody wants it."""

    channel: str
    file: str


@dataclass(frozen=True, slots=True)
class LookAgain(_OfCall):
    """Has the call asked again, in a moment, whether its captured channel is in no bridge still, and what was
    refused tried again."""


@dataclass(frozen=True, slots=True)
class Mute(_OfCall):
    """Writes silence into a recording under way; its clock goes on (decision 12). `monitored` is the channel
    of one that the dialplan makes; empty of a snoop's."""

    name: str
    monitored: str = ""


@dataclass(frozen=True, slots=True)
class Unmute(_OfCall):
    """Ends the silence that `Mute` began."""

    name: str
    monitored: str = ""


@dataclass(frozen=True, slots=True)
class PlayMedia(_Making):
    """Plays `media`, URIs of ARI's such as ``sound:…``, to a snoop that whispers, as `playback`."""

    snoop: str
    playback: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HangUp(_OfCall):
    """Hangs up a channel of ours. One that is gone already is no error."""

    channel: str


@dataclass(frozen=True, slots=True)
class StopFallback(_OfCall):
    """Ends what the dialplan records of a channel into `file`: callrec goes on from there (decision 4).

    How long it has recorded is told to the call.
    """

    channel: str
    file: str


@dataclass(frozen=True, slots=True)
class DialSupportPhone(_Making):
    """Calls a support phone: `channel` is the id its channel gets, `caller` the extension that it shows."""

    channel: str
    endpoint: str
    caller: str


@dataclass(frozen=True, slots=True)
class MakeBridge(_Making):
    """Makes a bridge of ours, in which channels of ours hear one another."""

    bridge: str


@dataclass(frozen=True, slots=True)
class AddToBridge(_OfCall):
    """Puts a channel of ours into a bridge of ours."""

    bridge: str
    channel: str


@dataclass(frozen=True, slots=True)
class DestroyBridge(_OfCall):
    """Removes a bridge of ours. One that is gone already is no error."""

    bridge: str


# --- to the spool


@dataclass(frozen=True, slots=True)
class SaveCheckpoint(_OfCall):
    """Writes down a call and its capture while the call is open, so that a crash loses nothing."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class SaveOpenCall(_OfCall):
    """Writes down a call under way of which nothing is captured, so that a crash does not lose its row."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class HandOver(_OfCall):
    """Gives a capture that is over to the archiver, to be kept."""

    captured: CapturedCall


@dataclass(frozen=True, slots=True)
class Discard(_OfCall):
    """Gives a capture that is not to be kept to the archiver, which destroys it (decision 12).

    `whole`: nothing of the call is kept.
    """

    captured: CapturedCall
    whole: bool


@dataclass(frozen=True, slots=True)
class SaveCall(_OfCall):
    """Writes down the row of a call that is over, for the catalogue."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class SaveAlert(_OfCall):
    """Writes down an alert, so that those who can help are told that somebody asked for it."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class ReadJournal(_OfCall):
    """Has the dialplan's journal read, which tells of a call of the fallback (decision 4).

    The open call `call_id` is forgotten: its row comes from the journal. Empty: there is none.
    """

    call_id: str


@dataclass(frozen=True, slots=True)
class TellFlaw(_OfCall):
    """Has `callrec status` tell of something that was not as it should be in a call, while that goes on."""

    call_id: str
    flaw: Flaw


# decision 15: unions, so that the type checker finds an action nobody performs
Making = StartSnoop | RecordSnoop | ProveMonitor | PlayMedia | DialSupportPhone | MakeBridge
Waiting = AwaitHangup | AwaitStop | LookAgain
PbxAction = (
    Making
    | Waiting
    | LetThrough
    | Mute
    | Unmute
    | HangUp
    | StopMonitor
    | DropMonitor
    | StopFallback
    | AddToBridge
    | DestroyBridge
)
Silencing = Mute | HangUp | StopMonitor | DropMonitor
"""What makes a track silent: its owner is told when the PBX has carried it out."""
SpoolAction = (
    SaveCheckpoint | SaveOpenCall | HandOver | Discard | SaveCall | SaveAlert | ReadJournal | TellFlaw
)
Action = PbxAction | SpoolAction


def made_by(action: Making) -> tuple[str, ...]:
    """Returns the ids of what an action makes, or takes up."""
    return action.names if isinstance(action, ProveMonitor) else (about(action),)


def about(action: PbxAction) -> str:
    """Returns the id of our channel, recording, playback or bridge that an action makes or is about.

    By it the action's owner is found. Empty for what nobody owns.
    """
    match action:
        case StartSnoop(snoop=id_) | PlayMedia(playback=id_):
            return id_
        case RecordSnoop(name=id_) | Mute(name=id_) | Unmute(name=id_) | StopMonitor(name=id_):
            return id_
        case ProveMonitor(names=(id_, *_)) | DropMonitor(file=id_):
            return id_
        case HangUp(channel=id_) | DialSupportPhone(channel=id_):
            return id_
        case MakeBridge(bridge=id_) | AddToBridge(bridge=id_) | DestroyBridge(bridge=id_):
            return id_
        case LetThrough() | AwaitHangup() | AwaitStop() | LookAgain() | StopFallback() | ProveMonitor():
            return ""
        case _:
            assert_never(action)
