"""The events of the PBX that callrec has use for, and the channels they are about.

`event_messages` makes them of what Asterisk sends. Times are aware, by the PBX's clock. What follows from an
event is the matter of callrec.recording.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

CLOCKS_AGREE = timedelta(minutes=1)
OWN_PREFIX = "callrec."
"""How the ids of channels begin that callrec itself makes."""
_TEST = re.compile(r"Local/(?:([0-9a-z][^@]*)@callrec-testcall-[0-9a-f]+;2|s@callrec-testphone-[0-9a-f]+;1)")
"""The halves of a test call that talk with one another, by their names."""
TEST = "Test"
"""The technology of these: other Local channels carry no voice of their own."""
_SNOOP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it was when the event was sent."""

    id: str
    name: str
    state: str
    caller: str
    exten: str
    linkedid: str
    created_at: datetime

    @property
    def endpoint(self) -> str:
        return endpoint_of(self.name)

    @property
    def technology(self) -> str:
        """The kind of channel, such as ``PJSIP`` or ``Local``."""
        kind = self.name.partition("/")[0]
        return TEST if kind == "Local" and _TEST.fullmatch(self.name) else kind

    @property
    def tested(self) -> str | None:
        """The facility whose way of a recording is tested, of a channel that callrec calls itself by; None of
        every other channel."""
        found = _TEST.fullmatch(self.name)
        return found[1] if found else None

    @property
    def is_own(self) -> bool:
        """Whether callrec made it."""
        return self.id.startswith(OWN_PREFIX)


@dataclass(frozen=True, slots=True)
class _Event:
    """The base of all events. `at` is when Asterisk says it happened, by the PBX's clock."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelEvent(_Event):
    """The base of the events about one channel."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelCreated(ChannelEvent):
    """A channel begins to exist."""


@dataclass(frozen=True, slots=True)
class ChannelDestroyed(ChannelEvent):
    """A channel is no more. `cause` is Asterisk's number of the reason (Q.850)."""

    cause: int = 0


@dataclass(frozen=True, slots=True)
class EnteredBridge(ChannelEvent):
    """A channel is now in a bridge. `members` are the channels that hear one another there after it."""

    bridge: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftBridge(ChannelEvent):
    """A channel is no longer in a bridge. `members` are the channels that hear one another there after it."""

    bridge: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TookPlace(ChannelEvent):
    """A channel has got the place of another, `place`, by an attended transfer into an application (a
    conference).

    That it leaves its bridge is told before or after; of its entering the other's Asterisk tells nothing.
    """

    place: str


@dataclass(frozen=True, slots=True)
class Dialled(_Event):
    """Dial() tells how it goes: status empty (begun), RINGING, ANSWER, BUSY, NOANSWER, CANCEL …

    `caller` is None where a machine dials (originate). `number` is the one that was dialled, where that was
    told; `forwarded_to` the one to which the peer sends its caller instead.
    """

    caller: Channel | None
    peer: Channel
    status: str
    number: str | None = None
    forwarded_to: str | None = None


@dataclass(frozen=True, slots=True)
class GateEntered(ChannelEvent):
    """The dialplan asks at the gate, for two seconds (decision 2). `number` is the other party's.

    Every channel that the dialplan sends us is one: whatever it says, somebody waits.
    """

    direction: str
    extension: str
    number: str
    codecs: tuple[str, ...] = ()
    """Those that the channel may use; empty where the dialplan does not say."""
    pbx_ahead: timedelta = timedelta(0)
    """How far the PBX's clock is ahead of `at`."""

    @property
    def dialled(self) -> str:
        """The number that the call is on its way to."""
        return self.number if self.direction == "outbound" else self.extension


@dataclass(frozen=True, slots=True)
class SentOn(ChannelEvent):
    """A blind transfer sends this channel to a number of the dialplan, which may be no phone's."""

    number: str


@dataclass(frozen=True, slots=True)
class OwnChannelStarted(ChannelEvent):
    """A channel of callrec's is ready to be used: a snoop, or a support phone that has answered."""


@dataclass(frozen=True, slots=True)
class PlaybackStarted(_Event):
    id: str


@dataclass(frozen=True, slots=True)
class PlaybackFinished(_Event):
    id: str
    failed: bool


@dataclass(frozen=True, slots=True)
class RecordingStarted(_Event):
    name: str


@dataclass(frozen=True, slots=True)
class RecordingFinished(_Event):
    """The recording has ended. That is no proof that it is whole."""

    name: str


@dataclass(frozen=True, slots=True)
class RecordingFailed(_Event):
    name: str
    cause: str


@dataclass(frozen=True, slots=True)
class DialplanSaid(ChannelEvent):
    """The dialplan tells something by UserEvent(CallRec,…): an announcement, the fallback, a key."""

    fields: dict[str, Any]
    pbx_ahead: timedelta = timedelta(0)
    """How far the times that the dialplan writes are ahead of `at`."""

    def key_press(self) -> RawKeyPress:
        """Returns the key press that the dialplan tells of. Raises KeyError where it tells of none.

        The dialplan's own time, which is in the PBX's database too, counts where it agrees with the event's:
        an alert is named by it.
        """
        by = self.fields.get("By") or self.channel.name
        own = self.channel.id if by == self.channel.name else ""
        id_ = self.fields.get("Id") or f"{self.channel.id}-{self.at:%s.%f}"
        told = epoch(id_.rpartition("-")[2])
        at = told - self.pbx_ahead if told else None
        known = at if at and abs(at - self.at) < CLOCKS_AGREE else self.at
        return RawKeyPress(id_, self.fields["Key"], self.channel.linkedid, by, known, own)


@dataclass(frozen=True, slots=True)
class FallbackCall:
    """A call that the dialplan's fallback handles, as the caller's channel tells it.

    `since` is when it began, by the PBX's clock, which is `pbx_ahead` of the time of calls; `file` names
    what is recorded, without the side, empty where nothing is; `parties` are direction, extension and
    number, with ``|`` between them; `peers` are the names of the channels that answered, in order, as far
    as the dialplan knows them; `announced` is what was played, as the dialplan writes it; `linkedid` is
    that with which it began, empty where it is not known.
    """

    since: datetime
    file: str = ""
    parties: str = ""
    peers: tuple[str, ...] = ()
    announced: str = ""
    linkedid: str = ""
    pbx_ahead: timedelta = timedelta(0)

    @property
    def began_at(self) -> datetime:
        """When it began, in the time of calls. `since` is what ids are made of."""
        return self.since - self.pbx_ahead

    def gate(self, channel: Channel) -> GateEntered | None:
        """Returns what was asked at the gate when it began; None where that is not known.

        The channel itself tells what was asked last: it can have been transferred since.
        """
        match self.parties.split("|"):
            case [direction, extension, number]:
                return GateEntered(self.began_at, channel, direction, extension, number)
        return None


@dataclass(frozen=True, slots=True)
class RawKeyPress:
    """A key press as the dialplan tells it: its id, the key, the call's linked id, the name of the channel
    that pressed, when, by the PBX's clock, and that channel's id, empty where half of a Local pair tells."""

    id: str
    key: str
    linkedid: str
    by: str
    at: datetime
    channel: str = ""

    @classmethod
    def parse(cls, id_: str, line: str) -> RawKeyPress:
        """Reads the dialplan's ``key|linked id|name|seconds since 1970|id``. Raises ValueError."""
        key, linkedid, by, seconds, *own = line.split("|")
        at = epoch(seconds)
        if at is None:
            raise ValueError(f"{seconds!r} cannot be converted to a time")
        return cls(id_, key, linkedid, by, at, "".join(own[:1]))


@dataclass(frozen=True, slots=True)
class Hold(ChannelEvent):
    """A phone puts its call on hold, or takes it up again (not `on`)."""

    on: bool


@dataclass(frozen=True, slots=True)
class Digit(ChannelEvent):
    """Somebody pressed a digit on a channel of ours: on the support phone that listens."""

    digit: str


@dataclass(frozen=True, slots=True)
class Replaced(_Event):
    """Another program has connected under our name; Asterisk sends us nothing any more."""


Event = (
    ChannelCreated
    | ChannelDestroyed
    | EnteredBridge
    | LeftBridge
    | TookPlace
    | Dialled
    | GateEntered
    | SentOn
    | OwnChannelStarted
    | PlaybackStarted
    | PlaybackFinished
    | RecordingStarted
    | RecordingFinished
    | RecordingFailed
    | DialplanSaid
    | Hold
    | Digit
    | Replaced
)
"""Every event callrec has use for. One that the tracker does not handle is an error of the type checker."""


def epoch(text: str) -> datetime | None:
    """Returns the time of seconds since 1970, as the dialplan writes them; None where there are none."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(float(text), UTC)
    return None


def endpoint_of(name: str) -> str:
    """Returns ``2101`` of the channel ``PJSIP/2101-0000002a``."""
    return name.partition("/")[2].rpartition("-")[0]


def is_snoop(channel_id: str) -> bool:
    """Returns whether callrec made this channel for a call: ``callrec.<id>-<what it is for>``, with the id of
    a recording (its snoops) or of a call (the support phone that listens, and its snoops)."""
    name = channel_id.removeprefix(OWN_PREFIX)
    return name != channel_id and bool(_SNOOP.match(name))
