"""What the dialplan records of a caller for callrec, by MixMonitor, in place of two snoops (decision 27).

It is asked for at the gate, begins to write when the caller is connected, and is then taken up as the first
segment of the capture. Before that it is the dialplan's, whose journal has a line of it: whatever becomes of
callrec, that line tells of the call, and gives it and its recording the same ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callrec import ids
from callrec.model.rules import Announce, Decision, Direction, Mode, Unannounced
from callrec.pbx import codecs, mixmonitor
from callrec.pbx.events import TEST, GateEntered
from callrec.recording.actions import Action, AwaitStop, DropMonitor, StopMonitor
from callrec.recording.legs import Leg
from callrec.recording.segment import SIDES
from callrec.recording.topology import LOCAL

CONNECTED_WITHIN = timedelta(seconds=1)
"""How long before the answer the caller may have come into its bridge: what it wrote before is nobody's."""


class State(StrEnum):
    """What became of what the dialplan was asked to record."""

    ASKED = "asked"
    TAKEN = "taken"
    DROPPING = "dropping"
    DROPPED = "dropped"


@dataclass(slots=True)
class Monitor:
    """What the dialplan records of one channel. `since` is when it was asked, by the PBX's clock."""

    pbx: str
    channel: str
    since: datetime
    state: State = State.ASKED

    @classmethod
    def asked(cls, pbx: str, event: GateEntered) -> Monitor:
        """Makes what is asked for of a channel at the gate; the journal tells times to the millisecond."""
        at = event.at + event.pbx_ahead
        return cls(pbx, event.channel.id, at.replace(microsecond=at.microsecond // 1000 * 1000))

    @property
    def call_id(self) -> str:
        """The id of its call, which is that of the journal's line (decision 4)."""
        return ids.of_fallback_call(self.pbx, self.channel, self.since)

    @property
    def recording_id(self) -> str:
        """The id of its recording, which is that of the journal's line."""
        return ids.of_fallback_recording(self.pbx, self.channel, self.since)

    @property
    def file(self) -> str:
        """The name of its stored recordings, without the side."""
        return mixmonitor.file_of(self.channel)

    @property
    def is_settled(self) -> bool:
        """Whether somebody has it, or it is destroyed."""
        return self.state in (State.TAKEN, State.DROPPED)

    def fits(self, leg: Leg, at: datetime) -> bool:
        """Returns whether it can be taken up at the answer, as what is recorded of this leg: nothing was
        written before."""
        connected = leg.bridged_at is not None and at - leg.bridged_at <= CONNECTED_WITHIN
        return self.state is State.ASKED and leg.id == self.channel and connected

    def stop(self, linkedid: str) -> list[Action]:
        """Ends it, before snoops of its channel begin (decision 9)."""
        stop = [StopMonitor(linkedid, self.channel, f"{self.file}-{side}", side=side) for side in SIDES]
        return [*stop, *(AwaitStop(linkedid, side=side) for side in SIDES)]

    def drop(self, linkedid: str) -> list[Action]:
        """Has it destroyed, where it was not taken up."""
        if self.state is not State.ASKED:
            return []
        self.state = State.DROPPING
        return [DropMonitor(linkedid, self.channel, self.file)]

    def give_up(self, linkedid: str) -> list[Action]:
        """Has it destroyed though it was taken up: the PBX has nothing of it, or does not say so."""
        self.state = State.ASKED
        return self.drop(linkedid)


def may_be_asked(event: GateEntered, decision: Decision | None, leg: Leg | None) -> bool:
    """Returns whether the dialplan can record, as callrec would, a call that is at the gate first.

    So it is of a caller from outside by one line of a telephone's band, which is to be recorded
    automatically, whether it can be announced or not.
    """
    if not decision or decision.mode is not Mode.AUTOMATIC or decision.unannounced is not Unannounced.RECORD:
        return False
    if decision.announce is Announce.ON_START:  # after a transfer in the middle of it the decoder stayed
        return False
    is_line = leg is not None and not leg.extension and not leg.bridge
    by_one = event.channel.id == event.channel.linkedid and event.channel.technology not in (LOCAL, TEST)
    inbound = event.direction == Direction.INBOUND
    return is_line and by_one and inbound and codecs.are_narrow(event.codecs)
