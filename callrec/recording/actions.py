"""What the pure part wants done. The controller carries commands out, in order within a call."""

from __future__ import annotations

from dataclasses import dataclass, field

from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint


@dataclass(frozen=True, slots=True)
class Action:
    """Base of all commands. `session` names the call; commands of one call never overtake another.

    The two tracks of a recording do not wait for one another: what is for one of them has its `side`,
    and does not overtake what is for the same.
    """

    linkedid: str
    side: str = field(default="", kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class LetThrough(Action):
    """Let a channel at the gate go on; the dialplan plays `sounds` first."""

    channel: str
    sounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartSnoop(Action):
    """Make a channel that listens to or speaks to another."""

    channel: str
    snoop: str
    spy: str = "none"
    whisper: str = "none"


@dataclass(frozen=True, slots=True)
class AwaitHangup(Action):
    """Wait until these channels of ours, which were hung up, are gone from the PBX."""

    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordSnoop(Action):
    snoop: str
    name: str


@dataclass(frozen=True, slots=True)
class Mute(Action):
    """Write silence into a recording under way; its clock goes on."""

    name: str


@dataclass(frozen=True, slots=True)
class Unmute(Action):
    name: str


@dataclass(frozen=True, slots=True)
class PlayMedia(Action):
    """Play to a snoop channel that whispers. `media` are URIs of ARI's: ``sound:…``, ``tone:…``."""

    snoop: str
    playback: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HangUp(Action):
    """End a channel of ours."""

    channel: str


@dataclass(frozen=True, slots=True)
class SaveCheckpoint(Action):
    """Write down what is being captured, so that a crash loses nothing."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class SaveOpenCall(Action):
    """Write down a call under way of which nothing is captured, so that a crash does not lose its row."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class HandOver(Action):
    """The capture is over: keep it."""

    captured: CapturedCall


@dataclass(frozen=True, slots=True)
class Discard(Action):
    """What was captured is not to be kept: destroy it everywhere. `whole`: nothing of the call is kept."""

    captured: CapturedCall
    whole: bool


@dataclass(frozen=True, slots=True)
class SaveCall(Action):
    """The call is over, recorded or not: it gets its row."""

    call: CallRecord


@dataclass(frozen=True, slots=True)
class SaveAlert(Action):
    """Somebody asked for help: tell those who can give it."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class ReadJournal(Action):
    """The dialplan stood in for us: look at what it wrote down and recorded of this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class DialSupportPhone(Action):
    """Call a support phone that may listen; `channel` is the id it gets, `caller` is what its phone shows."""

    channel: str
    endpoint: str
    caller: str


@dataclass(frozen=True, slots=True)
class MakeBridge(Action):
    """Make a bridge of ours, in which our own channels hear one another."""

    bridge: str


@dataclass(frozen=True, slots=True)
class AddToBridge(Action):
    """Put a channel of ours into a bridge of ours."""

    bridge: str
    channel: str


@dataclass(frozen=True, slots=True)
class DestroyBridge(Action):
    bridge: str
