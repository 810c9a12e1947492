"""What a key does, by how the call stands: one table. Pure.

A key that asks for what is so already changes nothing: a frightened person presses twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from callrec.model.calls import Effect, Key, Press
from callrec.model.rules import Mode
from callrec.recording.states import Keeping

EFFECTS: dict[Key, dict[Keeping, Effect]] = {
    Key.KEEP: {
        Keeping.UNRECORDED: Effect.STARTED,
        Keeping.STANDBY: Effect.KEPT,
        Keeping.KEPT: Effect.UNCHANGED,
        Keeping.STOPPED: Effect.STARTED,
    },
    Key.STOP: {
        Keeping.UNRECORDED: Effect.UNCHANGED,
        Keeping.STANDBY: Effect.REFUSED,
        Keeping.KEPT: Effect.STOPPED,
        Keeping.STOPPED: Effect.UNCHANGED,
    },
    Key.PAUSE: {
        Keeping.UNRECORDED: Effect.REFUSED,
        Keeping.STANDBY: Effect.PAUSED,
        Keeping.KEPT: Effect.PAUSED,
        Keeping.STOPPED: Effect.REFUSED,
    },
    Key.HELP: dict.fromkeys(
        (Keeping.UNRECORDED, Keeping.STANDBY, Keeping.KEPT, Keeping.STOPPED), Effect.HELP_SENT
    ),
}


def is_outdated(key: str, at: datetime, presses: Iterable[Press]) -> bool:
    """Whether a key that is told late was followed by one that said otherwise."""
    later = [each for each in presses if each.at > at]
    if key == Key.KEEP:
        return any(each.effect is Effect.STOPPED for each in later)
    return key == Key.STOP and bool(later)


def effect_stood_in(key: Key, *, recorded: bool, marked: bool) -> Effect:
    """What `key` does in a call that the dialplan took over: that records to the end, or not at all."""
    if key is Key.HELP:
        return Effect.HELP_SENT
    if key is Key.KEEP and recorded:
        return Effect.UNCHANGED if marked else Effect.MARKED
    return Effect.REFUSED


def marks(effect: Effect) -> bool:
    """Whether the call is an incident from then on."""
    return effect in (Effect.MARKED, Effect.HELP_SENT)


def effect(key: Key, mode: Mode, keeping: Keeping, *, paused: bool, marked: bool) -> Effect:
    """What `key` does in a call with this mode.

    `paused`: a privacy pause is on, which every key ends but the one that stops; `marked`: a call that
    is recorded anyway was marked already. Where the rule says never, all that is left is the call for help.
    """
    if key is Key.HELP:
        return Effect.HELP_SENT
    if mode is Mode.NEVER or (key is Key.STOP and mode is not Mode.MANUAL):
        return Effect.REFUSED
    does = EFFECTS[key].get(keeping, Effect.REFUSED)
    if key is Key.KEEP and keeping is Keeping.KEPT and mode is Mode.AUTOMATIC and not marked:
        return Effect.MARKED
    if paused and does in (Effect.PAUSED, Effect.UNCHANGED):
        return Effect.RESUMED if key is not Key.STOP else does
    return does
