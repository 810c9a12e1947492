"""Makes types of Asterisk's ARI events. Events callrec has no use for become None.

Source of the JSON: Asterisk's own /ari/api-docs/events.json. Times are aware, by the PBX's clock. What
follows from an event is the matter of callrec.recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from callrec import numbers

JSON = dict[str, Any]
CLOCKS_AGREE = timedelta(minutes=1)
OWN_PREFIX = "callrec."
"""How the ids of channels begin that callrec itself makes."""
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
        return self.name.partition("/")[0]

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

    fields: JSON

    def key_press(self) -> RawKeyPress:
        """Returns the key press that the dialplan tells of. Raises KeyError where it tells of none.

        The dialplan's own time, which is in the PBX's database too, counts where it agrees with the event's:
        an alert is named by it.
        """
        by = self.fields.get("By") or self.channel.name
        own = self.channel.id if by == self.channel.name else ""
        id_ = self.fields.get("Id") or f"{self.channel.id}-{self.at:%s.%f}"
        at = epoch(id_.rpartition("-")[2])
        known = at if at and abs(at - self.at) < CLOCKS_AGREE else self.at
        return RawKeyPress(id_, self.fields["Key"], self.channel.linkedid, by, known, own)


@dataclass(frozen=True, slots=True)
class FallbackCall:
    """A call that the dialplan's fallback handles, as the caller's channel tells it.

    `since` is when it began, by the PBX's clock; `file` names what is recorded, without the side, empty where
    nothing is; `parties` are direction, extension and number, with ``|`` between them; `peers` are the names
    of the channels that answered, in order, as far as the dialplan knows them; `announced` is what was
    played, as the dialplan writes it; `linkedid` is that with which it began, empty where it is not known.
    """

    since: datetime
    file: str = ""
    parties: str = ""
    peers: tuple[str, ...] = ()
    announced: str = ""
    linkedid: str = ""

    def gate(self, channel: Channel) -> GateEntered | None:
        """Returns what was asked at the gate when it began; None where that is not known.

        The channel itself tells what was asked last: it can have been transferred since.
        """
        match self.parties.split("|"):
            case [direction, extension, number]:
                return GateEntered(self.since, channel, direction, extension, number)
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
        return cls(id_, key, linkedid, by, datetime.fromtimestamp(float(seconds), UTC), "".join(own[:1]))


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


def number_in(dialstring: str) -> str | None:
    """Returns ``0398765432`` of what Dial() dials behind the technology; None where that names a line only.

    Such as ``0398765432@outside``, ``outside/sip:0398765432@192.0.2.1``, ``g1/0398765432``; not ``2101``.
    """
    line, _, target = dialstring.partition("/")
    found = (target or line) if target or "@" in line else ""
    user = re.sub(r"^(sips?|tel):", "", found).partition("@")[0]
    return numbers.dialled(re.split("[;/]", user)[0].lstrip("wW"))


def talkers(bridge: JSON) -> tuple[str, ...]:
    """Returns the channels of a bridge that hear one another; none where each waits (parking, a queue)."""
    return () if bridge["bridge_type"] == "holding" else tuple(bridge["channels"])


def is_snoop(channel_id: str) -> bool:
    """Returns whether callrec made this channel for a call: ``callrec.<id>-<what it is for>``, with the id of
    a recording (its snoops) or of a call (the support phone that listens, and its snoops)."""
    name = channel_id.removeprefix(OWN_PREFIX)
    return name != channel_id and bool(_SNOOP.match(name))


def moment(text: str) -> datetime:
    """Returns ``2026-11-22T14:41:56.477+0000`` as an aware time in UTC."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def channel(json: JSON) -> Channel:
    """Returns the channel of ARI's JSON. Without a linkedid (see ari.conf) it is a call of its own."""
    variables = json.get("channelvars") or {}
    return Channel(
        id=json["id"],
        name=json["name"],
        state=json["state"],
        caller=json["caller"]["number"],
        exten=json["dialplan"]["exten"],
        linkedid=variables.get("CHANNEL(linkedid)") or json["id"],
        created_at=moment(json["creationtime"]),
    )


def parse(json: JSON) -> Event | None:
    """Returns the typed event of one ARI message; None for kinds and channels that mean nothing to us."""
    build = _BUILDERS.get(json["type"])
    return build(moment(json["timestamp"]), json) if build else None


def _started(at: datetime, json: JSON) -> Event:
    started = channel(json["channel"])
    if started.is_own:
        return OwnChannelStarted(at, started)
    # A dialplan that says less still has a caller who waits: what is missing is empty.
    said = json["args"][1:4] if json["args"][:1] == ["gate"] else ()
    return GateEntered(at, started, *(*said, "", "", "")[:3])


def _dialled(at: datetime, json: JSON) -> Event:
    caller = json.get("caller")
    return Dialled(
        at,
        channel(caller) if caller else None,
        channel(json["peer"]),
        json["dialstatus"],
        number_in(json["dialstring"]),
        _forwarded_to(json["forward"]),
    )


def _forwarded_to(target: str) -> str | None:
    """Returns the number of ``Local/09012345678@from-phones``, or of ``09012345678`` (SIP's 302)."""
    _, slash, dialstring = target.partition("/")
    return number_in(dialstring) if slash else numbers.dialled(target.partition("@")[0])


def _user_event(at: datetime, json: JSON) -> Event | None:
    if json["eventname"] != "CallRec" or "channel" not in json:
        return None
    return DialplanSaid(at, channel(json["channel"]), json["userevent"])


def _digit(at: datetime, json: JSON) -> Event | None:
    """Returns a digit of a channel of ours. Others' are none of our business; every voice menu makes many."""
    if not json["channel"]["id"].startswith(OWN_PREFIX):
        return None
    return Digit(at, channel(json["channel"]), json["digit"])


def _bridge(kind: type[EnteredBridge | LeftBridge]) -> Callable[[datetime, JSON], Event]:
    def build(at: datetime, json: JSON) -> Event:
        bridge = json["bridge"]
        return kind(at, channel(json["channel"]), bridge["id"], talkers(bridge))

    return build


def _transferred(at: datetime, json: JSON) -> Event | None:
    """Returns a transfer into an application, which tells of no bridge that is entered or left.

    Between bridges, channels enter and leave; that is told anyway.
    """
    party, place = json.get("transferee"), json["transferer_second_leg"]
    if json["destination_type"] != "application" or not party:
        return None
    return TookPlace(at, channel(party), place["id"])


def _sent_on(at: datetime, json: JSON) -> Event | None:
    """Returns a blind transfer; of one party only, for of several Asterisk does not tell who is sent."""
    party = json.get("transferee")
    return SentOn(at, channel(party), json["exten"]) if party else None


_BUILDERS: dict[str, Callable[[datetime, JSON], Event | None]] = {
    "ChannelCreated": lambda at, json: ChannelCreated(at, channel(json["channel"])),
    "ChannelDestroyed": lambda at, json: ChannelDestroyed(at, channel(json["channel"]), json["cause"]),
    "ChannelEnteredBridge": _bridge(EnteredBridge),
    "ChannelLeftBridge": _bridge(LeftBridge),
    "BridgeAttendedTransfer": _transferred,
    "BridgeBlindTransfer": _sent_on,
    "Dial": _dialled,
    "StasisStart": _started,
    "PlaybackStarted": lambda at, json: PlaybackStarted(at, json["playback"]["id"]),
    "PlaybackFinished": lambda at, json: PlaybackFinished(
        at, json["playback"]["id"], json["playback"]["state"] == "failed"
    ),
    "RecordingStarted": lambda at, json: RecordingStarted(at, json["recording"]["name"]),
    "RecordingFinished": lambda at, json: RecordingFinished(at, json["recording"]["name"]),
    "RecordingFailed": lambda at, json: RecordingFailed(
        at, json["recording"]["name"], json["recording"].get("cause", "unknown")
    ),
    "ChannelUserevent": _user_event,
    "ChannelHold": lambda at, json: Hold(at, channel(json["channel"]), on=True),
    "ChannelUnhold": lambda at, json: Hold(at, channel(json["channel"]), on=False),
    "ChannelDtmfReceived": _digit,
    "ApplicationReplaced": lambda at, json: Replaced(at),
}

KINDS = tuple(_BUILDERS)
"""The event types to ask Asterisk for; everything else is filtered out at its end."""
