"""What the pure core wants done: to the PBX, and to the spool. The controller's performers carry it out.

`PbxAction` and `SpoolAction` are unions of all there are, and each performer ends with `assert_never`:
an action that nobody performs is an error of the type checker, and so is one that is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint

if TYPE_CHECKING:
    from callrec.recording.owners import Owner


@dataclass(frozen=True, slots=True)
class _OfCall:
    """Base of all actions. `linkedid` names the call; the actions of one call never overtake another.

    The two tracks of a recording do not wait for one another: what is for one of them has its `side`,
    and overtakes nothing that is for the same.
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
    """Lets a channel at the gate go on; the dialplan plays `sounds` first."""

    channel: str
    sounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartSnoop(_Making):
    """Makes a channel that listens to another (`spy`) or speaks to it (`whisper`): in, out, both or none,
    in ARI's words."""

    channel: str
    snoop: str
    spy: str = "none"
    whisper: str = "none"


@dataclass(frozen=True, slots=True)
class AwaitHangup(_OfCall):
    """Waits until these channels of ours, which were hung up, are gone from the PBX (decision 9)."""

    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordSnoop(_Making):
    """Records what a snoop hears into a stored recording of the PBX."""

    snoop: str
    name: str


@dataclass(frozen=True, slots=True)
class Mute(_OfCall):
    """Writes silence into a recording under way; its clock goes on (decision 12)."""

    name: str


@dataclass(frozen=True, slots=True)
class Unmute(_OfCall):
    """Ends the silence that `Mute` began."""

    name: str


@dataclass(frozen=True, slots=True)
class PlayMedia(_Making):
    """Plays to a snoop channel that whispers. `media` are URIs of ARI's, such as ``sound:…``."""

    snoop: str
    playback: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HangUp(_OfCall):
    """Ends a channel of ours."""

    channel: str


@dataclass(frozen=True, slots=True)
class DialSupportPhone(_Making):
    """Calls a support phone; `channel` is the id its channel gets, `caller` is what it shows."""

    channel: str
    endpoint: str
    caller: str


@dataclass(frozen=True, slots=True)
class MakeBridge(_Making):
    """Makes a bridge of ours, in which our own channels hear one another."""

    bridge: str


@dataclass(frozen=True, slots=True)
class AddToBridge(_OfCall):
    """Puts a channel of ours into a bridge of ours."""

    bridge: str
    channel: str


@dataclass(frozen=True, slots=True)
class DestroyBridge(_OfCall):
    """Removes a bridge of ours."""

    bridge: str


# --- to the spool


@dataclass(frozen=True, slots=True)
class SaveCheckpoint(_OfCall):
    """Writes down what is being captured, so that a crash loses nothing."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class SaveOpenCall(_OfCall):
    """Writes down a call under way of which nothing is captured, so that a crash does not lose its row."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class HandOver(_OfCall):
    """Gives a capture that is over to the archive, to be kept."""

    captured: CapturedCall


@dataclass(frozen=True, slots=True)
class Discard(_OfCall):
    """Gives a capture that is not to be kept to whoever destroys it everywhere. `whole`: nothing of the
    call is kept."""

    captured: CapturedCall
    whole: bool


@dataclass(frozen=True, slots=True)
class SaveCall(_OfCall):
    """Writes the row of a call that is over, recorded or not."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class SaveAlert(_OfCall):
    """Tells those who can help that somebody asked for it."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class ReadJournal(_OfCall):
    """Looks at what the dialplan wrote down and recorded of this call while callrec was away."""

    call_id: str


Making = StartSnoop | RecordSnoop | PlayMedia | DialSupportPhone | MakeBridge
PbxAction = Making | LetThrough | AwaitHangup | Mute | Unmute | HangUp | AddToBridge | DestroyBridge
SpoolAction = SaveCheckpoint | SaveOpenCall | HandOver | Discard | SaveCall | SaveAlert | ReadJournal
Action = PbxAction | SpoolAction


def about(action: PbxAction) -> str:
    """The id of what is ours that an action makes or is about; empty for what is nobody's."""
    match action:
        case StartSnoop(snoop=id_) | PlayMedia(playback=id_):
            return id_
        case RecordSnoop(name=id_) | Mute(name=id_) | Unmute(name=id_):
            return id_
        case HangUp(channel=id_) | DialSupportPhone(channel=id_):
            return id_
        case MakeBridge(bridge=id_) | AddToBridge(bridge=id_) | DestroyBridge(bridge=id_):
            return id_
        case LetThrough() | AwaitHangup():
            return ""
        case _:
            assert_never(action)
