"""The time of calls: it goes on steadily, whichever clock is set meanwhile (decision 22).

Asterisk stamps its events by its machine's clock, and that clock can be set by an hour during a call, start
in 1970, or be wrong all day. So the moments of calls are made here, of each event as it comes: they are the
PBX's as long as its clock agrees with the time that most clocks tell, and else reckoned from that time. While
a call lasts they go on by the monotonic clock of this machine, so that the order and the length of what
happened in it are true whatever is set. No I/O.

A clock is written as its *zero*: what it told when the monotonic clock was at 0. Clocks are compared by their
zeros, no matter when each was read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from callrec.moments import FARTHEST, LONGEST_CALL, is_apart
from callrec.pbx.events import Channel, ChannelDestroyed, DialplanSaid, Event, GateEntered

LATE = timedelta(seconds=2)
"""Events that come no later than this are not late."""
TOLD = timedelta(seconds=5)
"""A clock that was asked over the network, and tells whole seconds, is known to this."""
_NONE = timedelta(0)
_CHANNELS: dict[type, tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind) if str(each.type).startswith("Channel"))
    for kind in get_args(Event)
}
"""The fields of each kind of event that hold a channel, or may."""


class SteadyTime:
    """Makes the moments of calls out of the stamps of one PBX. One thread at a time."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wall` is callrec's clock, `seconds` a clock that nobody sets."""
        self._wall, self._seconds = wall, seconds
        self._error = _NONE
        self._compared_zero: datetime | None = None
        """That of the time that most clocks told when they were compared."""
        self._pbx_zero: datetime | None = None
        self._zero = self._agreed_zero
        self._lag = _NONE
        self._is_settled = True
        self._last: datetime | None = None
        """The PBX's clock does not tell less than this, unless it is set back."""
        self._asked: timedelta | None = None
        """When it was asked what it tells, by the monotonic clock."""
        self._created: dict[str, datetime] = {}
        self.times_set = 0
        """How often the PBX's clock was seen to have been set while a call was under way."""
        self.pbx_ahead = _NONE
        """How far the PBX's stamps are ahead of the moments that are made of them: 0 where its clock is
        right."""

    def now(self) -> datetime:
        """Returns this moment, as events tell the time: while they come late, it is that of the latest."""
        return self._zero + self._elapsed - self._lag

    def settle(self) -> None:
        """Takes note that no call is under way: the next event may tell the time anew."""
        self._is_settled, self._created = True, {}

    def compared(self, pbx_zero: datetime | None, error: timedelta) -> None:
        """Takes in what the clocks tell that were compared: the PBX's (None: it does not), and by how much
        ours is wrong. Tells a clock that was set from events that come late."""
        before, self._error, self._pbx_zero = self._pbx_zero, error, pbx_zero
        self._compared_zero = self._agreed_zero
        if not pbx_zero:
            return
        if before and self._last and self._asked is not None:
            # What comes now was not stamped before the time but one that the clocks were compared: so long
            # it cannot have been on its way.
            self._last = max(self._last, before + self._asked - TOLD)
        self._asked = self._elapsed
        ahead = pbx_zero - self._zero - self.pbx_ahead
        if not self._is_settled and (ahead > FARTHEST or ahead < -TOLD):
            self._go_on(ahead)
            self._last = pbx_zero + self._asked - TOLD

    def connected(self) -> None:
        """Begins with a link, before its first event, where the PBX's clock is known: it tells nothing of
        before."""
        if not self._pbx_zero:
            return
        self._last = self._pbx_zero + self._elapsed - TOLD
        if self._is_settled:
            self._begin(self._pbx_zero)

    def take(self, event: Event) -> Event:
        """Returns an event that has just come with its true moments in place of the PBX's."""
        at = self._moment(event.at)
        changed: dict[str, Any] = {} if at == event.at else {"at": at}
        for name in _CHANNELS[type(event)]:
            told: Channel | None = getattr(event, name)
            if told and (dated := self.channel(told)) is not told:
                changed[name] = dated
        if isinstance(event, DialplanSaid | GateEntered) and event.pbx_ahead != self.pbx_ahead:
            changed["pbx_ahead"] = self.pbx_ahead
        if isinstance(event, ChannelDestroyed):
            self._created.pop(event.channel.id, None)
        return replace(event, **changed) if changed else event

    def channel(self, channel: Channel) -> Channel:
        """Returns a channel with the moment at which it was made, the same one whenever it is told of."""
        if channel.id not in self._created:
            self._created[channel.id] = self.earlier(channel.created_at)
        created_at = self._created[channel.id]
        return channel if created_at == channel.created_at else replace(channel, created_at=created_at)

    def earlier(self, stamp: datetime) -> datetime:
        """Returns the moment of something that the PBX has stamped a while ago; now, where that cannot be."""
        at, now = stamp - self.pbx_ahead, self.now()
        return at if now - LONGEST_CALL <= at <= now else now

    # --- inside

    @property
    def _elapsed(self) -> timedelta:
        return timedelta(seconds=self._seconds())

    @property
    def _agreed_zero(self) -> datetime:
        return self._wall() - self._elapsed - self._error

    def _moment(self, stamp: datetime) -> datetime:
        """Returns the moment of an event that has just come, and goes on from there."""
        zero = stamp - self._elapsed
        if self._is_settled:
            self._begin(zero)
        ahead = zero - self._zero - self.pbx_ahead
        if self._was_set(stamp, ahead):
            self._go_on(ahead)
            ahead = _NONE
        if ahead >= -LATE:
            self._zero, self._lag = self._zero + ahead, _NONE
        else:  # it was on its way for long
            self._lag = -ahead
        self._last = stamp if not self._last or self._lag == _NONE else max(stamp, self._last)
        return stamp - self.pbx_ahead

    def _go_on(self, ahead: timedelta) -> None:
        """Goes on as before, though the PBX's clock is by so much ahead of what it was."""
        self.pbx_ahead, self._lag = self.pbx_ahead + ahead, _NONE
        self.times_set += 1

    def _was_set(self, stamp: datetime, ahead: timedelta) -> bool:
        """Tells whether the PBX's clock was set. Where it goes forward by little, this machine may have stood
        still meanwhile, and the calls have not."""
        forth = ahead > (LATE if self.pbx_ahead else FARTHEST)
        return forth or (self._last is not None and stamp < self._last - LATE)

    def _begin(self, zero: datetime) -> None:
        """Begins anew with a stamp that says of the PBX's clock that this is its zero."""
        agreed, pbx = self._agreed_zero, max(zero, self._pbx_zero or zero)
        if is_apart(pbx - agreed):  # or ours was set since its error was found, which is another now
            agreed = self._compared_zero or agreed
        apart = pbx - agreed
        self._zero, self.pbx_ahead = (agreed, apart) if is_apart(apart) else (pbx, _NONE)
        self._is_settled = False
