"""Makes events of the messages of Asterisk's ARI. Those callrec has no use for become None.

Source of the JSON: Asterisk's own /ari/api-docs/events.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, get_args

from callrec import numbers
from callrec.errors import WrongUsage
from callrec.pbx import codecs as of_codecs
from callrec.pbx.events import (
    OWN_PREFIX,
    Channel,
    ChannelCreated,
    ChannelDestroyed,
    Dialled,
    DialplanSaid,
    Digit,
    EnteredBridge,
    Event,
    GateEntered,
    Hold,
    LeftBridge,
    OwnChannelStarted,
    PlaybackFinished,
    PlaybackStarted,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    Replaced,
    SentOn,
    TookPlace,
)

JSON = dict[str, Any]


def moment(text: str) -> datetime:
    """Returns ``2026-11-22T14:41:56.477+0000`` as an aware time in UTC. ValueError: it is none."""
    told = datetime.fromisoformat(text)  # each event has several, and strptime takes 35 times as long
    if told.tzinfo is None:
        raise ValueError(f"a moment without a zone: {text!r:.40}")
    return told.astimezone(UTC)


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


def number_in(dialstring: str) -> str | None:
    """Returns ``0398765432`` of what Dial() dials behind the technology; None where that names a line only.

    Such as ``0398765432@outside``, ``outside/sip:0398765432@192.0.2.1``, ``g1/0398765432``; not ``2101``.
    """
    line, _, target = dialstring.partition("/")
    found = (target or line) if target or "@" in line else ""
    user = re.sub(r"^(sips?|tel):", "", found).partition("@")[0]
    return _number(re.split("[;/]", user)[0].lstrip("wW"))


def talkers(bridge: JSON) -> tuple[str, ...]:
    """Returns the channels of a bridge that hear one another; none where each waits (parking, a queue)."""
    return () if bridge["bridge_type"] == "holding" else tuple(bridge["channels"])


def parse(json: JSON) -> Event | None:
    """Returns the typed event of one ARI message; None for kinds and channels that mean nothing to us."""
    build = _BUILDERS.get(json["type"])
    event = build(moment(json["timestamp"]), json) if build else None
    _check(event)
    return event


def _check(event: Event | Channel | None) -> None:
    """Raises TypeError where something else stands for a text or a number: the event is refused as a whole,
    before a call is told half of it."""
    for name, kind in _CHECKED.get(type(event), ()):
        value = getattr(event, name)
        if isinstance(value, Channel):
            _check(value)
        elif not kind(value):
            raise TypeError(f"{name} is {value!r:.40}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_HOLDS: dict[str, Callable[[Any], bool]] = {
    "str": _is_text,
    "str | None": lambda value: value is None or _is_text(value),
    "tuple[str, ...]": lambda value: all(map(_is_text, value)),
    "dict[str, Any]": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "int": lambda value: isinstance(value, int),
    "Channel": lambda value: False,
    "Channel | None": lambda value: value is None,
}
"""What a field may hold, by how its type is written; a channel is looked into."""
_CHECKED: dict[type, list[tuple[str, Callable[[Any], bool]]]] = {
    kind: [(each.name, _HOLDS[str(each.type)]) for each in fields(kind) if str(each.type) in _HOLDS]
    for kind in (Channel, *get_args(Event))
}


def _started(at: datetime, json: JSON) -> Event:
    started = channel(json["channel"])
    if started.is_own:
        return OwnChannelStarted(at, started)
    # A dialplan that says less still has a caller who waits: what is missing is empty.
    said = json["args"][1:5] if json["args"][:1] == ["gate"] else ()
    direction, extension, number, codecs = (*said, "", "", "", "")[:4]
    return GateEntered(at, started, direction, extension, number, of_codecs.named(codecs))


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
    return number_in(dialstring) if slash else _number(target.partition("@")[0])


def _number(text: str) -> str | None:
    """Returns the number that the PBX dials; None for what is none, or looks like two."""
    try:
        return numbers.dialled(text)
    except WrongUsage:
        return None


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
