"""Calls a support phone to help: it monitors a call, whispers to staff, or barges in.

callrec calls it, so its channel is ours. A snoop on the staff's channel stands for the call; both are put
into a bridge of ours, apart from the call's own. What a snoop whispers cannot be changed, so each of its
keys makes a new one in place of the old (decision 11). When it is called, and again, is `assistance`'s
matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from callrec.pbx.events import OWN_PREFIX, Channel
from callrec.recording.actions import (
    Action,
    AddToBridge,
    DestroyBridge,
    DialSupportPhone,
    HangUp,
    MakeBridge,
    PbxAction,
    StartSnoop,
)
from callrec.recording.owners import Owner

WHISPERS = {"4": "none", "5": "out", "6": "both"}
"""What its keys mean, as in ChanSpy: monitor, whisper to staff only, barge in. `out` is what Asterisk
sends out to the staff's phone; `both` is that and what it takes in from there, which the other party
hears."""

PATIENCE_TICKS = 20
"""For so many ticks after its end it removes what could not be removed at once: longer than a request to
the PBX may take. Later, a new link to the PBX removes strays."""


@dataclass(slots=True)
class SupportPhone(Owner):
    """A phone that is called about one call. `call_id` names its channels, `staff` is whom it helps."""

    linkedid: str
    call_id: str
    staff: str
    endpoint: str
    caller: str
    is_over: bool = False
    _dialled: bool = False
    _answered: bool = False
    _asked: int = 0
    _snoops: dict[str, str] = field(default_factory=dict)
    """The snoops there may be, each with what it whispers, the newest last."""
    _mode: str = "none"
    """What its newest snoop whispers, or the next one will."""
    _in_bridge: str | None = None
    """The snoop that is heard; None: none is."""
    _left: list[PbxAction] = field(default_factory=list)
    """What the PBX refused to remove: it is asked again at the next tick."""
    _patience: int = PATIENCE_TICKS

    @property
    def channel(self) -> str:
        """The id of the support phone's channel."""
        return f"{OWN_PREFIX}{self.call_id}-support"

    @property
    def bridge(self) -> str:
        """The id of its bridge, which is that of its channel."""
        return self.channel

    @property
    def channels(self) -> set[str]:
        """The ids of the channels of ours that the PBX may have for this support phone."""
        return set() if self.is_over or not self._dialled else {self.channel, *self._snoops}

    @property
    def is_heard_by_both(self) -> bool:
        """Whether it has barged in, so that it takes part in the conversation."""
        return self._in_bridge is not None and self._snoops[self._in_bridge] == WHISPERS["6"]

    @property
    def was_answered(self) -> bool:
        """Whether somebody has answered it."""
        return self._answered

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of this support phone."""
        return self.is_over and (not self._dialled or self._patience == 0)

    # --- what happens

    def call(self) -> list[Action]:
        """Calls the support phone, once."""
        if self._dialled or self.is_over:
            return []
        self._dialled = True
        return [DialSupportPhone(self.linkedid, self.channel, self.endpoint, self.caller, owner=self)]

    def channel_started(self, channel: str) -> list[Action]:
        """Begins when the support phone has answered; puts a new snoop in place of the one before."""
        if channel == self.channel:
            return self._remove([channel]) if self.is_over else self._begin()
        if channel in self._snoops:
            return self._change_to(channel)
        return [HangUp(self.linkedid, channel)]

    def digit(self, channel: str, digit: str) -> list[Action]:
        """Does what a key of the support phone asks for; a key that it does not have does nothing."""
        mode = WHISPERS.get(digit)
        if channel != self.channel or mode is None or not self._answered or self.is_over:
            return []
        if mode == self._mode and self._snoops:
            return []
        self._mode = mode
        return self._snoop()

    def staff_gone(self, new: str | None) -> list[Action]:
        """Goes on at another channel of the staff, `new`, for the one it helped has left; None: ends."""
        if new is None:
            return self.ended()
        if new == self.staff or self.is_over:
            return []
        self.staff = new
        return self._snoop() if self._answered else []

    def channel_gone(self, channel: str) -> list[Action]:
        """Takes note that a channel of ours is gone; without the support phone's own, it is over."""
        if channel == self.channel:
            return self.ended()
        self._forget(channel)
        return []

    def ended(self) -> list[Action]:
        """Removes all that is ours, for the call is over, or the support phone is."""
        if self.is_over:
            return []
        self.is_over = True
        channels = [self.channel, *self._snoops]
        self._snoops, self._in_bridge = {}, None
        return self._remove(channels) if self._dialled else []

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Ends where its channel or bridge was refused; what could not be removed is removed later."""
        match action:
            case DialSupportPhone() | MakeBridge():
                return self.ended()
            case AddToBridge(channel=channel):
                return self.ended() if channel == self.channel else self._lost(channel)
            case StartSnoop(snoop=snoop):
                return self._lost(snoop)
            case HangUp() | DestroyBridge():
                self._left.append(action)
        return []

    def tick(self) -> list[Action]:
        """Removes now what could not be removed before."""
        if self.is_over:
            self._patience = max(0, self._patience - 1)
        left, self._left = self._left, []
        return [*left]

    def compared(self, there: Iterable[Channel]) -> list[Action]:
        """Brings it up to the channels that the PBX has (`there`), after the link was away."""
        up = {each.id: each.state == "Up" for each in there}
        if self.is_over or not self._dialled:
            return []
        if self.channel not in up:
            return self.ended()
        for snoop in [each for each in self._snoops if each not in up]:
            self._forget(snoop)
        if not self._answered:
            return self._begin() if up[self.channel] else []
        return self._change_to(next(reversed(self._snoops))) if self._snoops else self._snoop()

    # --- inside

    def _begin(self) -> list[Action]:
        """Makes the bridge and the first snoop, when the support phone has answered; once."""
        if self._answered or not self._dialled:
            return []
        self._answered = True
        return [
            MakeBridge(self.linkedid, self.bridge, owner=self),
            AddToBridge(self.linkedid, self.bridge, self.channel),
            *self._snoop(),
        ]

    def _snoop(self) -> list[Action]:
        """Makes a new snoop; the one before goes when this one is there."""
        self._asked += 1
        snoop = f"{self.channel}-{self._asked}"
        self._snoops[snoop] = self._mode
        return [StartSnoop(self.linkedid, self.staff, snoop, spy="both", whisper=self._mode, owner=self)]

    def _change_to(self, snoop: str) -> list[Action]:
        """Lets only the newest be heard. The other goes first: each would whisper what the other hears."""
        if snoop == self._in_bridge:
            return []
        if snoop != next(reversed(self._snoops)):
            return self._lost(snoop)
        others = [each for each in self._snoops if each != snoop]
        self._snoops, self._in_bridge = {snoop: self._snoops[snoop]}, snoop
        # decision 11: before the new one comes
        hang_up: list[Action] = [HangUp(self.linkedid, each) for each in others]
        return [*hang_up, AddToBridge(self.linkedid, self.bridge, snoop)]

    def _lost(self, snoop: str) -> list[Action]:
        """Hangs up a snoop that is of no use, and goes on with the one before, if there is one."""
        self._forget(snoop)
        return [HangUp(self.linkedid, snoop)]

    def _forget(self, snoop: str) -> None:
        self._snoops.pop(snoop, None)
        self._mode = next(reversed(self._snoops.values()), self._mode)
        if self._in_bridge == snoop:
            self._in_bridge = None

    def _remove(self, channels: Iterable[str]) -> list[Action]:
        hang_up: list[Action] = [HangUp(self.linkedid, each) for each in channels]
        return [*hang_up, DestroyBridge(self.linkedid, self.bridge)]
