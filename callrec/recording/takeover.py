"""Takes over a call under way that the dialplan's fallback records, because callrec was away (decision 4).

What the fallback recorded until then becomes the first segment of a capture; from there on the call is one
as any other: rules, keys and silence hold. The fallback is asked to end first. As long as it does not, the
call is the fallback's, and the journal will tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callrec.model.calls import CallRecord, Participant
from callrec.model.captures import Segment, Track
from callrec.model.rules import Direction
from callrec.pbx.events import Channel, FallbackCall
from callrec.policy.office import Office
from callrec.recording import legs as of_legs
from callrec.recording.actions import Action, StopFallback
from callrec.recording.legs import Leg

AGAIN_AFTER = timedelta(seconds=10)
"""How long after a refusal the fallback is asked to end again."""


@dataclass(slots=True)
class Takeover:
    """The taking over of one call: `channel` is what the fallback records, `told` what the dialplan says.

    `is_local`: that is half of a Local pair, whose recording is left to the fallback.
    """

    channel: str
    told: FallbackCall
    is_local: bool = False
    seen_at: datetime | None = None
    """When two parties were first seen to talk; None before that."""
    _seen: tuple[Leg, ...] = ()
    _due: datetime | None = None
    _asked: bool = False

    def see(self, talking: Sequence[Leg], at: datetime) -> None:
        """Takes note of who is first seen to talk."""
        if self.seen_at is None and len(talking) > 1:
            self.seen_at, self._seen = at, tuple(talking)

    def is_due(self, at: datetime) -> bool:
        """Tells whether the fallback can be asked to end: it was not asked before, or refused a while ago."""
        return not self._asked and (self._due is None or at >= self._due)

    def ask(self, linkedid: str, legs: dict[str, Leg]) -> list[Action]:
        """Asks the PBX to end what the fallback records, where its channel is there."""
        if self.channel not in legs:
            return []
        self._asked = True
        return [StopFallback(linkedid, self.channel, self.told.file)]

    def put_off(self, at: datetime) -> None:
        """Takes note that the PBX has refused: it is asked again, a while later."""
        self._asked, self._due = False, at + AGAIN_AFTER

    def segment(self, heard: timedelta, at: datetime) -> Segment:
        """Returns what the fallback has recorded, which ended at `at`. Its length tells when it began."""
        external, staff = (Track(f"{self.told.file}-{side}", None, at) for side in ("external", "staff"))
        return Segment(1, self.channel, external, staff, at - heard)

    # --- who talked

    def caller(self, legs: dict[str, Leg]) -> Leg | None:
        """Returns who placed the call: of one that was transferred to staff, staff who are gone."""
        leg, (direction, extension, _) = legs.get(self.channel), self._parties
        if leg and direction == Direction.OUTBOUND and not leg.extension:
            return self._gone(leg.channel.name, extension)
        return leg

    def answering(self, legs: dict[str, Leg], office: Office) -> list[Leg]:
        """Returns who talked first: the channel of the fallback with who answered it, who may be gone."""
        first, leg = self._first(office), legs.get(self.channel)
        return [leg, first] if leg and first else list(self._seen)

    def between(self, office: Office) -> list[Leg]:
        """Returns who answered after the first one, and talks no more."""
        legs = [self._left(name, office) for name in self.told.peers[1:]]
        return [leg for leg in legs if leg]

    def asked(self, call: CallRecord) -> CallRecord:
        """Returns the call with the number that was dialled to the outside, also where it was transferred."""
        direction, _, number = self._parties
        return replace(call, dialled=number) if direction == Direction.OUTBOUND else call

    def participants(
        self, call: CallRecord, legs: Iterable[Leg], office: Office, answered_at: datetime
    ) -> tuple[Participant, ...]:
        """Returns who took part, from the answer on: who was first seen to talk, and who had left by then.

        Who came in their place came when their channel was made, or later.
        """
        first = self._first(office)
        came = of_legs.first_made(legs, but=(first.extension or "",)) if first else None
        moved_at = max(answered_at, came or answered_at) if first else answered_at
        found = [self._since(each, answered_at, moved_at) for each in call.participants]
        if not first:
            return tuple(found)
        gone = Participant(self.channel, first.number or "", first.extension, answered_at, moved_at)
        return (*found[:1], gone, *found[1:]) if found else (gone,)

    def _since(self, each: Participant, answered_at: datetime, moved_at: datetime) -> Participant:
        if each.joined_at != self.seen_at:
            return each
        there = each.channel == self.channel or not each.extension
        return replace(each, joined_at=answered_at if there else moved_at)

    def _first(self, office: Office) -> Leg | None:
        """Returns who answered first and talks no more; None where they do, or that is not known."""
        return self._left(self.told.peers[0], office) if self.told.peers else None

    def _left(self, name: str, office: Office) -> Leg | None:
        """Returns who answered on the channel of this name; None where that is one of those who talk."""
        extension = office.extension_of(name)
        if not extension or extension in of_legs.staff(self._seen):
            return None
        return self._gone(name, extension)

    def _gone(self, name: str, extension: str) -> Leg:
        """Returns a leg of somebody who is gone."""
        return Leg(Channel("", name, "", extension, "", "", self.told.began_at), extension)

    @property
    def _parties(self) -> tuple[str, str, str]:
        direction, extension, number, *_ = [*self.told.parties.split("|"), "", "", ""]
        return direction, extension, number
