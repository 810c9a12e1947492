"""A capture under way: two snoops on one channel, each recorded into a track. Pure.

When a track breaks while its channel lives, a new segment is begun and the gap is written down: a
recording may lack a second, it may not lack the rest of the call. Where silence is wanted, the tracks
are muted and go on: the clock of the recording stays the clock of the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec.model.captures import Capture, Gap, KeptBecause, Pause, Segment, SilenceReason, Track
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.actions import Action, AwaitHangup, HangUp, Mute, RecordSnoop, StartSnoop, Unmute
from callrec.recording.segment import SIDES, LiveSegment, Side, state_of
from callrec.recording.states import Live

FOLDER = "callrec"
RETRY_AFTER = timedelta(seconds=0.5)
"""How long a broken track is looked at: a hang-up ends the recording a moment before the channel."""
RETRY_AT_MOST = timedelta(seconds=60)
"""The wait doubles with every segment that did not begin, up to this."""
LONGEST_RENEWAL = timedelta(milliseconds=60)
"""How long it may take to renew the snoops before that counts as a gap: three packets."""
SPY: dict[Side, str] = {"external": "in", "staff": "out"}
"""Which direction of the captured channel a snoop listens to, in ARI's words."""
QUEUED_FOR = timedelta(seconds=3)
FINISHED_WITHIN = timedelta(seconds=5)
UNKNOWN: tuple[None, Side] = (None, "external")


@dataclass(slots=True)
class LiveCapture:
    """The capture of one recording. Times are the PBX's. `kept_because` is None on standby."""

    linkedid: str
    recording_id: str
    started_at: datetime
    kept_because: KeptBecause | None
    segments: list[LiveSegment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    channel: str | None = None
    gone_at: datetime | None = None
    needs_new_snoops: bool = False
    """Whether what is recorded must come from new snoops, as soon as anything is to be recorded."""
    _broken_at: datetime | None = None
    _wait: timedelta = RETRY_AFTER
    _renewing_since: datetime | None = None
    _number: int = 0
    _by_snoop: dict[str, tuple[LiveSegment, Side]] = field(default_factory=dict)
    _by_track: dict[str, tuple[LiveSegment, Side]] = field(default_factory=dict)

    # --- asked for

    def start_segment(self, channel: str, at: datetime) -> list[Action]:
        """Begins to capture a channel."""
        number = self._number + 1
        names = {side: f"{FOLDER}/{self.recording_id}-{number}-{side}" for side in SIDES}
        standby = not self.kept_because
        self._add(
            LiveSegment(
                Segment(number, channel, Track(names["external"]), Track(names["staff"]), at, standby)
            )
        )
        self._broken_at, self.needs_new_snoops = None, False
        return [
            StartSnoop(self.linkedid, channel, snoop, spy=SPY[side], side=side)
            for side, snoop in self._snoops(number)
        ]

    def move(self, channel: str, at: datetime) -> list[Action]:
        """Goes on with another channel, when the captured one is gone and the call is not."""
        since, self.gone_at = self._renewing_since or self.gone_at or at, None
        self._renewing_since = None
        if self.segments:
            self._close(self.segments[-1], since)
        self.channel, self.needs_new_snoops = channel, True
        if self.is_silent:
            return []
        self.gaps.append(Gap(since, at, "the recorded party left the call"))
        return self.start_segment(channel, at)

    def renew_snoops(self, at: datetime) -> list[Action]:
        """New snoops on the same channel, where the old ones are of no use any more.

        What a channel is played is decoded for its snoops by one decoder, which drops packets whose
        sequence number is lower than the last: half of all transfers would be silent. The decoder
        goes with the last snoop, so both have to be gone before new ones come.
        """
        if not self.needs_new_snoops or self.is_silent or self.gone_at or not self.channel:
            return []
        last = self.segments[-1] if self.segments else None
        if not last or last.released:
            return self.start_segment(self.channel, at)
        self._renewing_since = self._renewing_since or at
        self._close(last, at)
        return [*self._hang_up(last), *self._settled(last), *self.start_segment(self.channel, at)]

    def abandon(self, at: datetime) -> list[Action]:
        """The captured channel goes on in another call, which has a recording of its own."""
        self.gone_at = at
        return self._hang_up(self.segments[-1]) if self.segments else []

    def snoop_ready(self, snoop: str) -> list[Action]:
        segment, side = self._by_snoop.get(snoop, UNKNOWN)
        if not segment or side in segment.asked or not segment.is_open(side):
            return []
        segment.asked.add(side)
        return [RecordSnoop(self.linkedid, snoop, segment.track(side).name, side=side)]

    def retry(self, at: datetime) -> list[Action]:
        """A new segment in place of a broken one, when the channel still lives."""
        self._give_up_waiting(at)
        if self.is_silent or self.gone_at or not self._broken_at or at - self._broken_at < self._wait:
            return []
        broken, since = self.segments[-1], self._renewing_since or self._broken_at
        self._renewing_since = None
        self._close(broken, at)
        self._add_gap(broken, since, at)
        # A snoop may be there although its recording has ended or was refused.
        return [*self._hang_up(broken), *self.start_segment(broken.segment.channel, at)]

    # --- kept or not, silent or not

    def keep(self, because: KeptBecause) -> None:
        """All of it is kept, from its first second."""
        self.kept_because = because
        for live in self.segments:
            live.segment = replace(live.segment, standby=False)

    def keep_from_now(self, because: KeptBecause) -> None:
        """What is captured from now on is kept; what was before stays on standby."""
        self.kept_because, self.needs_new_snoops = because, True

    @property
    def is_silent(self) -> bool:
        return any(pause.finished_at is None for pause in self.pauses)

    def is_silent_for(self, reason: SilenceReason) -> bool:
        return any(pause.finished_at is None and pause.reason == reason for pause in self.pauses)

    def silence(self, reason: SilenceReason, at: datetime) -> list[Action]:
        """Silence from now on. One reason more changes nothing, each has to end by itself."""
        if self.is_silent_for(reason):
            return []
        self.pauses.append(Pause(at, None, reason))
        if reason is not SilenceReason.STOP:
            return [] if self.gone_at else self._mute()
        last = self.segments[-1]
        self._close(last, at)
        return self._hang_up(last)

    def resume(self, reason: SilenceReason, at: datetime) -> list[Action]:
        """This reason for silence is over. `renew_snoops` does what is left to do."""
        if not self.is_silent_for(reason):
            return []
        self.pauses = [
            replace(pause, finished_at=at) if not pause.finished_at and pause.reason == reason else pause
            for pause in self.pauses
        ]
        self.needs_new_snoops |= not self.segments or not self.segments[-1].is_whole
        return [] if self.is_silent or self.needs_new_snoops else self._unmute()

    # --- told

    def track_started(self, name: str, at: datetime) -> bool:
        """Notes the start of a track; whether with it the segment is complete."""
        segment, side = self._by_track.get(name, UNKNOWN)
        if not segment or segment.states[side] is not Live.QUEUED:
            return False
        segment.step(side, "start")
        segment.put(side, replace(segment.track(side), started_at=at))
        self._wait = RETRY_AFTER
        whole = all(segment.is_recording(each) for each in SIDES)
        if whole:
            self._end_renewal(at)
        return whole

    def quieten(self) -> list[Action]:
        """Mutes what has begun after silence was asked for."""
        return self._mute() if self.is_silent else []

    def track_ended(self, name: str, at: datetime, failure: str | None) -> None:
        segment, side = self._by_track.get(name, UNKNOWN)
        if not segment or not segment.is_open(side):
            return
        if failure or segment.states[side] is Live.QUEUED:
            segment.fail(side, at, failure or "it ended before it had begun")
        else:
            segment.step(side, "finish")
            segment.put(side, replace(segment.track(side), finished_at=at))
        self._broken(at)

    def command_failed(self, command: Action, problem: str, at: datetime) -> list[Action]:
        """What cannot be muted is ended, and what cannot be unmuted is begun anew."""
        if isinstance(command, (StartSnoop, RecordSnoop)):
            segment, side = self._by_snoop.get(command.snoop, UNKNOWN)
            if segment:
                segment.fail(side, at, problem)
                self._broken(at)
        elif isinstance(command, (Mute, Unmute)):
            segment, side = self._by_track.get(command.name, UNKNOWN)
            if segment and segment.is_open(side):
                self._close(segment, at)
                self._broken(at)
                return self._hang_up(segment)
        return []

    def channel_gone(self, channel: str, at: datetime) -> None:
        """The captured channel has hung up: its snoops and their recordings end by themselves."""
        if channel == self.channel:
            self.gone_at = at

    @property
    def is_finished(self) -> bool:
        """Whether the channel is gone and every track has ended."""
        return bool(self.gone_at) and not any(
            segment.is_open(side) for segment in self.segments for side in SIDES
        )

    def kept(self) -> Capture | None:
        """What is to be kept of it, as it is written down; None: nothing."""
        return self._frozen([segment.segment for segment in self.segments if not segment.segment.standby])

    def unwanted(self) -> Capture | None:
        """What is to be destroyed: what stayed on standby."""
        return self._frozen([segment.segment for segment in self.segments if segment.segment.standby])

    def frozen(self) -> Capture:
        """The capture as it is written down, kept or not."""
        segments = [segment.segment for segment in self.segments]
        return self._frozen(segments) or Capture(self.recording_id, self.started_at, self.kept_because)

    @classmethod
    def restored(cls, linkedid: str, capture: Capture) -> LiveCapture:
        """The capture as it was written down before a restart."""
        live = cls(linkedid, capture.recording_id, capture.started_at, capture.kept_because)
        live.gaps, live.pauses = list(capture.gaps), list(capture.pauses)
        last_asked = capture.started_at
        for segment in capture.segments:
            tracks = zip(SIDES, (segment.external, segment.staff), strict=True)
            states = {side: state_of(track) for side, track in tracks}
            last_asked = segment.requested_at or capture.started_at
            restored = LiveSegment(segment, states, asked=set(SIDES))
            live._add(restored)
            # Nobody would tell that one began that had not when it was written down: it could not be muted.
            for side in SIDES:
                if states[side] is Live.QUEUED:
                    restored.close(side, last_asked)
        live._broken(last_asked)
        # What was heard on the channel while nobody watched is not known.
        live.needs_new_snoops = live.is_silent
        return live

    @property
    def snoops(self) -> set[str]:
        """The ids of all snoops there may be."""
        return set(self._by_snoop)

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """What the PBX has: a snoop that is not there has ended, unseen, so its time is not known.

        Whether those that are there are muted is not known either, so it is said again.
        """
        for segment in self.segments:
            for side in SIDES:
                if segment.is_recording(side) and self._snoop(segment.segment.number, side) not in there:
                    segment.step(side, "finish")
        self._broken(at)
        if self.channel and self.channel not in there:
            self.channel_gone(self.channel, at)
        muted = self._mute(again=True) if self.is_silent else self._unmute(again=True)
        return [*self._not_wanted(there), *muted]

    # --- inside

    def _not_wanted(self, there: set[str]) -> list[Action]:
        """Ends the snoops that live on although we are done with them: the PBX was not told."""
        here = [(id_, *each) for id_, each in self._by_snoop.items() if id_ in there]
        return [
            HangUp(self.linkedid, id_, side=side) for id_, segment, side in here if not segment.is_open(side)
        ]

    def _frozen(self, segments: list[Segment]) -> Capture | None:
        if not segments:
            return None
        ends = [track.finished_at for segment in segments for track in (segment.external, segment.staff)]
        first = segments[0] is self.segments[0].segment
        begin = self.started_at if first else segments[0].requested_at or self.started_at
        return Capture(
            recording_id=self.recording_id,
            started_at=begin,
            kept_because=self.kept_because,
            segments=tuple(segments),
            gaps=tuple(each for each in self.gaps if (each.finished_at or begin) >= begin),
            ended_at=max(filter(None, ends), default=None) if self.is_finished else None,
            pauses=tuple(each for each in self.pauses if (each.finished_at or begin) >= begin),
        )

    def _snoop(self, number: int, side: Side) -> str:
        return f"{OWN_PREFIX}{self.recording_id}-{number}-{side}"

    def _snoops(self, number: int) -> list[tuple[Side, str]]:
        return [(side, self._snoop(number, side)) for side in SIDES]

    def _add(self, segment: LiveSegment) -> None:
        self._number, self.channel = segment.segment.number, segment.segment.channel
        self.segments.append(segment)
        for side, snoop in self._snoops(self._number):
            self._by_snoop[snoop] = segment, side
            self._by_track[segment.track(side).name] = segment, side

    def _close(self, segment: LiveSegment, at: datetime) -> None:
        for side in SIDES:
            if segment.is_open(side):
                segment.close(side, at)

    def _hang_up(self, segment: LiveSegment) -> list[Action]:
        segment.released = True
        return [
            HangUp(self.linkedid, snoop, side=side) for side, snoop in self._snoops(segment.segment.number)
        ]

    def _settled(self, segment: LiveSegment) -> list[Action]:
        """For each track: both snoops are hung up and gone, however far the other track's commands are."""
        snoops = self._snoops(segment.segment.number)
        both = tuple(snoop for _, snoop in snoops)
        other = [
            HangUp(self.linkedid, snoop, side=lane)
            for lane in SIDES
            for side, snoop in snoops
            if side != lane
        ]
        return [*other, *(AwaitHangup(self.linkedid, both, side=side) for side in SIDES)]

    def _mute(self, *, again: bool = False) -> list[Action]:
        stepped = self._stepped("mute", Live.RECORDING, Live.MUTED if again else None)
        return [Mute(self.linkedid, name, side=side) for side, name in stepped]

    def _unmute(self, *, again: bool = False) -> list[Action]:
        stepped = self._stepped("unmute", Live.MUTED, Live.RECORDING if again else None)
        return [Unmute(self.linkedid, name, side=side) for side, name in stepped]

    def _stepped(self, step: str, before: Live, also: Live | None) -> list[tuple[Side, str]]:
        """The tracks of the last segment that take this step, and those in the state `also`."""
        names = []
        for live in self.segments[-1:]:
            for side in SIDES:
                if live.states[side] in (before, also):
                    names.append((side, live.track(side).name))
                if live.states[side] is before:
                    live.step(side, step)
        return names

    def _add_gap(self, broken: LiveSegment, since: datetime, at: datetime) -> None:
        """A segment that never began lengthens the gap before it."""
        if not broken.has_begun:
            self._wait = min(2 * self._wait, RETRY_AT_MOST)
            if self.gaps and self.gaps[-1].finished_at == broken.segment.requested_at:
                since = self.gaps.pop().started_at
        if not broken.asked:
            self.segments.remove(broken)  # the PBX can have no file of it
        self.gaps.append(Gap(since, at, broken.problem))

    def _end_renewal(self, at: datetime) -> None:
        """A joint that took longer than it should is a gap."""
        since, self._renewing_since = self._renewing_since, None
        if since and at - since > LONGEST_RENEWAL:
            self.gaps.append(Gap(since, at, "the other party changed"))

    def _broken(self, at: datetime) -> None:
        if self.segments and not self.segments[-1].is_whole:
            self._broken_at = self._broken_at or at

    def _give_up_waiting(self, at: datetime) -> None:
        for segment in self.segments:
            for side in SIDES:
                asked_at = segment.segment.requested_at or self.started_at
                if segment.states[side] is Live.QUEUED and at - asked_at > QUEUED_FOR:
                    segment.fail(side, at, "the PBX did not begin to record within 3 s")
                    self._broken(at)
                if self.gone_at and segment.is_open(side) and at - self.gone_at > FINISHED_WITHIN:
                    self.track_ended(segment.track(side).name, at, None)
