"""The words of a call and its recording that lists are searched by and show. Whoever needs no more of calls
imports them from here; calls, captures and rules have them too."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What of a call is recorded, and what of that is kept."""

    NEVER = "never"
    """Nothing is recorded. Said by a rule, it beats every other rule."""
    MANUAL = "manual"
    """Recorded and kept from a key press of staff to another, or to the end of the call."""
    STANDBY = "standby"
    """Recorded from the answer; kept, from its first second, only if staff press a key during the call, else
    destroyed at its end."""
    AUTOMATIC = "automatic"
    """Recorded from the answer and kept."""


class Direction(StrEnum):
    """Where a call came from and went to."""

    INBOUND = "inbound"
    """From outside to staff."""
    OUTBOUND = "outbound"
    """From staff to the outside."""
    INTERNAL = "internal"
    """From staff to staff."""


class Outcome(StrEnum):
    """How a call ended for the person who placed it: told by the channels that were connected, else by what
    the PBX's Dial() reported."""

    ANSWERED = "answered"
    """Two parties were connected with one another, or the caller went on in another call."""
    UNANSWERED = "unanswered"
    """Nobody answered, the caller hung up before, or the PBX reported nothing."""
    BUSY = "busy"
    """The called party was busy."""
    FAILED = "failed"
    """The call could not be connected: no route, or nothing reachable at the other end."""


class Custody(StrEnum):
    """Where a kept recording is, as the catalogue has it."""

    ARCHIVED = "archived"
    """In the bucket, read back and compared."""
    DESTROYED = "destroyed"
    """Gone from the bucket, on purpose, when its time was over: the row stays and says so."""


class KeptBecause(StrEnum):
    """Why a recording is kept. A key that staff pressed stands here also where the rule kept it anyway."""

    AUTOMATIC = "automatic"
    """The rule records automatically."""
    KEY = "key"
    """Staff pressed the key for recording or keeping."""
    HELP = "help"
    """Staff pressed the key for help."""
