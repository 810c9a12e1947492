"""Gives each key press of staff to the call that it is about, once, whenever and however often it is told.

The tracker asks; what a key does is the matter of the call (`call_keys`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from callrec.model.calls import FeatureCode
from callrec.pbx.events import RawKeyPress
from callrec.policy.office import Office
from callrec.recording.actions import Action
from callrec.recording.call import Call
from callrec.recording.keys import is_outdated
from callrec.recording.membership import CallMembership
from callrec.recording.topology import BridgeTopology

REMEMBERED = 1000
"""How many key presses are remembered, against those that are told again after their calls became one."""


class KeyPresses:
    """The key presses of a PBX, by the rules of an office that the caller names."""

    def __init__(self, topology: BridgeTopology, membership: CallMembership) -> None:
        self._topology, self._membership = topology, membership
        self._pressed: deque[str] = deque(maxlen=REMEMBERED)

    def has_heard(self, press: str) -> bool:
        """Tells whether a key press was given to its call here, among the last thousand."""
        return press in self._pressed

    def press(self, key: RawKeyPress, office: Office, now: datetime) -> list[Action]:
        """Acts on a key of staff, heard of at `now`. From anybody else the same digits mean nothing."""
        leg, call = self._topology.named(key.by), self._call_of(key)
        extension = leg.extension if leg else office.extension_of(key.by)
        if not call or key.key not in set(FeatureCode) or not extension:
            return []
        if key.id in self._pressed:
            return []
        self._pressed.append(key.id)
        code, channel = FeatureCode(key.key), leg.id if leg else ""
        return call.pressed(code, key.id, channel, extension, key.at, now)

    def recall(
        self, keys: Iterable[RawKeyPress], office: Office, now: datetime, among: set[str] | None = None
    ) -> list[Action]:
        """Acts on keys that are told late, of all calls or of those `among` them."""
        found = [(key, self._call_of(key)) for key in keys if key.key in set(FeatureCode)]
        return [
            action
            for key, call in found
            if call
            and (among is None or call.linkedid in among)
            and not is_outdated(FeatureCode(key.key), key.at, call.record.key_presses)
            for action in self.press(key, office, now)
        ]

    def _call_of(self, key: RawKeyPress) -> Call | None:
        leg = self._topology.named(key.by)
        found = self._membership.calls.get(leg.linkedid if leg else key.linkedid)
        return found or next((each for each in self._membership.calls.values() if each.had(key)), None)
