"""Captures one call: two snoops on one channel, each recorded into a track, segment after segment.

The first can be what the dialplan records, which lasts as long as its channel is in a bridge (decision 27).
When a track breaks while its channel lives, a new segment is begun and the gap is written down: a recording
may lack a second, it may not lack the rest of the call. How a capture runs from phase to phase stands in
`states`, above the table. Why it is captured, and what becomes of it, is `recorder`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callrec.backoff import Backoff
from callrec.model.captures import Capture, KeptBecause, Segment, SilenceReason
from callrec.recording.actions import (
    Action,
    LookAgain,
    Mute,
    PbxAction,
    ProveMonitor,
    RecordSnoop,
    StartSnoop,
    StopMonitor,
    Unmute,
)
from callrec.recording.capture_tracks import CaptureTracks
from callrec.recording.gaps import Gaps
from callrec.recording.owners import Owner
from callrec.recording.segment import SIDES, LiveSegment, Side
from callrec.recording.silences import Silences
from callrec.recording.states import CAPTURE, Live, Phase, advance

RETRY = Backoff(timedelta(seconds=0.5), timedelta(seconds=60))
"""How long is waited before a broken segment is replaced; longer with every segment that did not begin."""
QUEUED_FOR = timedelta(seconds=3)
"""How long the PBX may take to begin a track that was asked for; then it counts as failed."""
NOT_BEGUN = "the PBX does not begin to record"
"""Why nothing is recorded, where the PBX has not said so itself."""
MOVED_WITHIN = timedelta(milliseconds=40)
"""How long a channel may be in no bridge, on its way into another: no two packets are missing."""
FINISHED_WITHIN = timedelta(seconds=5)
"""How long after its channel is gone a track may take to end; then it is taken to have ended."""


@dataclass(slots=True)
class LiveCapture(Owner):
    """The capture of one recording. Times are the PBX's. `kept_because` is None on standby."""

    linkedid: str
    recording_id: str
    started_at: datetime
    kept_because: KeptBecause | None
    tracks: CaptureTracks = field(init=False)
    gaps: Gaps = field(default_factory=Gaps)
    silences: Silences = field(default_factory=Silences)
    phase: Phase = Phase.RECORDING
    channel: str | None = None
    """The channel that is captured, at first that of the external party (decision 3)."""
    gone_at: datetime | None = None
    needs_new_snoops: bool = False
    """Whether another segment with new snoops must begin, as soon as anything is to be recorded."""
    _heard: str = ""
    """The channel that the captured party hears; empty where that is not known (after a restart)."""
    _bridge: str | None = None
    _out_since: datetime | None = None
    """Since when the captured channel is in no bridge, and what the dialplan records has stopped."""
    _ended_at_gate: bool = False
    """Whether the dialplan has ended what it recorded: nothing of it can be muted."""
    unwatched: bool = False
    """Whether the link was away while the dialplan recorded: where that stopped meanwhile is not known."""
    _broken_at: datetime | None = None
    _failures: int = 0
    _why_broken: str = NOT_BEGUN

    def __post_init__(self) -> None:
        self.tracks = CaptureTracks(self.linkedid, self.recording_id)

    # --- asked for

    def start_segment(self, channel: str, at: datetime) -> list[Action]:
        """Begins to capture a channel, with two new snoops."""
        self.channel, self._broken_at, self.needs_new_snoops = channel, None, False
        self._out_since, self._ended_at_gate = None, False
        return self.tracks.start(channel, at, self, standby=not self.kept_because)

    def take_up(self, file: str, channel: str, bridge: str | None, at: datetime) -> list[Action]:
        """Goes on with what the dialplan records of a channel since it came into a bridge, at `at`."""
        self.channel, self._bridge = channel, bridge
        return self.tracks.take_up(file, channel, at, self)

    def in_bridge(self, bridge: str | None, at: datetime) -> bool:
        """Takes note of the bridge in which the captured channel is; None: in none.

        What the dialplan records stops outside of bridges, and its clock with it: where that was for more
        than a moment, snoops take its place. Returns whether the channel has just gone out of a bridge, so
        that this must be asked again soon: where it hangs up nothing is to be done.
        """
        if not self.tracks.monitored or self.gone_at or bridge == self._bridge:
            return False
        before, self._bridge, since = self._bridge, bridge, self._out_since
        if bridge is None:
            self._out_since = since or at
            return since is None
        if before or (since and at - since > MOVED_WITHIN):  # with one before, nobody saw it move
            self.needs_new_snoops = True
        elif not self.needs_new_snoops:
            self._out_since = None
        return False

    def ended_at_gate(self, channel: str, at: datetime) -> bool:
        """Takes note that a channel is at the gate, again. Returns whether the dialplan is to end there what
        it records of it: that needs no AMI, and its decoder is gone before anybody answers."""
        if not self.tracks.monitored or channel != self.channel:
            return False
        self._out_since, self.needs_new_snoops = self._out_since or at, True
        self._ended_at_gate = True
        return True

    def out_of_bridge(self, at: datetime) -> list[Action]:
        """Has snoops take the place of what the dialplan records, where the channel is in no bridge still."""
        if not self._out_since:
            return []
        self.needs_new_snoops = True
        return self.renew_snoops(at)

    def go_on_from(self, recorded: Segment, channel: str, at: datetime) -> list[Action]:
        """Begins to capture a channel after a segment that somebody else has recorded, which is over."""
        self.tracks.add(LiveSegment.restored(recorded))
        self.gaps.renew(at, "callrec took the recording over from the dialplan")
        return self.start_segment(channel, at)

    def move(self, channel: str, at: datetime) -> list[Action]:
        """Goes on with another channel, when the captured one is gone and the call is not.

        That is another segment with a gap before it, or silence, where that is wanted.
        """
        since, self.gone_at = self.gaps.give_up_renewing(self.gone_at or at), None
        if self.tracks.last:
            self.tracks.last.close(since)
        self.channel, self.needs_new_snoops = channel, True
        if self.is_silent:
            self._step("move in silence")
            return []
        self._step("move")
        self.gaps.note(since, at, "the recorded party left the call")
        return self.start_segment(channel, at)

    def hears(self, channel: str, before: str) -> None:
        """Tells the capture whom the captured party hears now: another channel needs new snoops.

        `before` is whom it heard, for a capture that does not know (after a restart); empty: nobody knows.
        """
        heard, self._heard = self._heard or before, channel
        self.needs_new_snoops |= heard != channel

    def renew_snoops(self, at: datetime) -> list[Action]:
        """Renews the snoops when the channel that the captured party hears has changed (decision 9).

        Also where keeping begins and after a stop (decision 12). The decoder they share goes with the last
        of them, so both have to be gone before new ones come. Returns ``[]`` where the old ones will do, the
        capture is silent, or the channel is gone.

        What the dialplan records stops with its clock where snoops are silent and go on: these take its
        place, and are muted, though there is nothing to record.
        """
        muted = self.is_silent and not self.silences.is_on_for(SilenceReason.STOP) and self.tracks.monitored
        if not self.needs_new_snoops or (self.is_silent and not muted) or self.gone_at or not self.channel:
            return []
        if not muted:
            self._step("renew")
        last = self.tracks.last
        if not last or last.released:
            return self.start_segment(self.channel, at)
        since = self._out_since or at
        if not muted:
            self.gaps.renew(since)
        if self.unwatched and self.tracks.monitored:
            last.count_from_its_end()
        last.close(since)
        self.tracks.drop_unasked(last)  # somebody may have answered before its snoops were there
        ended = [*self.tracks.hang_up(last), *self.tracks.await_hangup(last)]
        return [*ended, *self.start_segment(self.channel, at)]

    def abandon(self, at: datetime) -> list[Action]:
        """Ends the capture of a channel that goes on in another call, which has a recording of its own.

        It ends now, however long the PBX takes to hang up: what is said then is of that call.
        """
        for live in self.tracks.segments:
            live.end_by(at)
        self._leave(at)
        return self.tracks.hang_up(self.tracks.last) if self.tracks.last else []

    def retry(self, at: datetime) -> list[Action]:
        """Replaces a broken segment when its time has come, and renews snoops that wait for it."""
        self._give_up_waiting(at)
        if self.phase is Phase.RENEWING and self.needs_new_snoops:
            return self.renew_snoops(at)
        broken, broken_at = self.tracks.last, self._broken_at
        if self.phase is not Phase.BROKEN or not broken or not broken_at:
            return []
        if at - broken_at < RETRY.after(self._failures):
            return []
        since = self.gaps.give_up_renewing(broken_at)
        broken.close(at)
        self._add_gap(broken, since, at)
        self._step("retry")
        # A snoop may be there although its recording has ended or was refused.
        return [*self.tracks.hang_up(broken), *self.start_segment(broken.segment.channel, at)]

    # --- kept or not, silent or not

    def keep(self, because: KeptBecause) -> None:
        """Keeps all of it, from its first second."""
        self.kept_because = because
        for live in self.tracks.segments:
            live.keep()

    def keep_from_now(self, because: KeptBecause) -> None:
        """Keeps what is captured from now on; what was before stays on standby."""
        self.kept_because, self.needs_new_snoops = because, True  # decision 12: no file is kept in half

    def give_up(self, at: datetime) -> list[Action]:
        """Ends it for good, and keeps nothing of it."""
        self.kept_because = None
        for live in self.tracks.segments:
            live.give_up()
        return self.silence(SilenceReason.STOP, at)

    @property
    def is_silent(self) -> bool:
        """Whether it is silent on purpose."""
        return self.silences.is_on

    def silence(self, reason: SilenceReason, at: datetime) -> list[Action]:
        """Makes it silent from `at` on: muted or, for a stop, without snoops (decision 12).

        What the dialplan has recorded since the channel came back into a bridge stands in the file where it
        had left one: there silence begins.
        """
        at = min(at, (self.tracks.monitored and self._out_since) or at)
        if not self.silences.begin(reason, at):
            return []
        self._step("silence")
        if reason is not SilenceReason.STOP:  # decision 12: a pause mutes, a stop ends the segment
            return [] if self.gone_at or self._ended_at_gate else self.tracks.mute()
        last = self.tracks.segments[-1]
        last.close(at)
        self._end()
        return self.tracks.hang_up(last)

    def resume(self, reason: SilenceReason, at: datetime) -> list[Action]:
        """Ends one reason for silence; with the last one, unmutes the tracks (decision 12).

        Where these are gone or hear the wrong voice, nothing is unmuted: `renew_snoops` begins others.
        """
        if not self.silences.end(reason, at):
            return []
        self.needs_new_snoops |= not (self.tracks.last and self.tracks.last.is_whole)
        if self.is_silent:
            return []
        self._step("resume anew" if self.needs_new_snoops and not self.gone_at else "resume")
        return [] if self.needs_new_snoops else self.tracks.unmute()

    # --- told

    def channel_started(self, channel: str) -> list[Action]:
        """Records a snoop that is there: once, and not where its segment is over."""
        live, side = self.tracks.find(channel)
        if side in live.asked or not live.is_open(side):
            return []
        live.asked.add(side)
        return [RecordSnoop(self.linkedid, channel, live.track(side).name, side=side, owner=self)]

    def recording_started(self, name: str, at: datetime) -> list[Action]:
        """Takes note that a track has begun, and mutes it where silence was asked for before.

        One that was given up is ended: nobody would mute it. What is in it stands at its time.
        """
        live, side = self.tracks.find(name)
        if not live.is_open(side):
            live.began_late(side, at)
            return [self.tracks.end(live, side)]
        if live.states[side] is not Live.QUEUED:
            return []
        live.start(side, at)
        self._failures = 0
        if self.tracks.is_recording:
            self._why_broken = NOT_BEGUN
            self._step("begin")
            self.gaps.renewed(at)
        return self.tracks.mute() if self.is_silent else []

    def recording_ended(self, name: str, at: datetime, failure: str | None) -> list[Action]:
        """Takes note that a track has ended. That it ended before it had begun is a failure too."""
        live, side = self.tracks.find(name)
        self.tracks.silenced(name)
        self._ended(live, side, at, failure)
        live.closed_late(side, at)
        self._end()
        return []

    def channel_gone(self, channel: str) -> list[Action]:
        """Takes note that a snoop is gone, and with it whatever the PBX may have recorded of it."""
        live, side = self.tracks.find(channel)
        live.awaited.discard(side)
        self._end()
        return []

    def is_unseen(self, name: str) -> bool:
        """Tells whether a track was given up and nothing has told of its beginning."""
        live, side = self.tracks.find(name)
        return not live.is_open(side) and not live.track(side).started_at

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Counts what cannot be begun as failed, and ends a segment that cannot be muted or unmuted."""
        match action:
            case StartSnoop(snoop=id_) | RecordSnoop(snoop=id_):
                live, side = self.tracks.find(id_)
                live.give_up_on(side, at, problem)
                self._break(at)
            case ProveMonitor():
                return self._begin_with_snoops(at)
            case StopMonitor(name=id_):
                self.tracks.find(id_)[0].stop_refused = True
            case Mute(name=id_) | Unmute(name=id_):
                live, side = self.tracks.find(id_)
                self.tracks.silenced(id_)
                if live.is_open(side) and not (live.is_monitored and self._ended_at_gate):
                    live.close(at)
                    self._break(at)
                    return self.tracks.hang_up(live)
        return []

    def performed(self, id_: str) -> list[Action]:
        """Takes note that the PBX has muted a track, or hung up its snoop.

        Snoops that began while the dialplan still recorded have the decoder of before: others are needed.
        """
        self.tracks.silenced(id_)
        live, _ = self.tracks.find(id_)
        if not live.stop_refused or live is self.tracks.last:
            return []
        live.stop_refused, self.needs_new_snoops = False, True
        return [LookAgain(self.linkedid)]

    def left(self, channel: str, at: datetime, *, seen: bool = True) -> None:
        """Takes note that a channel is gone. The captured one's snoops and tracks end by themselves. Not
        `seen`: it can have gone a while ago."""
        if channel != self.channel:
            return
        if not seen:
            self.tracks.end_monitored(None)
        self._leave(at)

    @property
    def lacks(self) -> str:
        """Why nothing is recorded of what should be, in the PBX's words or ours; empty while all is.

        Not of what is silent on purpose, nor of a channel that is gone. Each segment lacks for a moment.
        """
        if self.is_silent or self.gone_at or not self.channel or self.tracks.is_recording:
            return ""
        return self._why_broken

    @property
    def is_finished(self) -> bool:
        """Whether the channel is gone and every track has ended."""
        return self.phase is Phase.FINISHED

    # --- as it is written down

    def kept(self) -> Capture | None:
        """Returns what is to be kept of it, as it is written down; None: nothing."""
        return self._written([each.segment for each in self.tracks.segments if not each.segment.standby])

    def unwanted(self) -> Capture | None:
        """Returns what is to be destroyed, which is what stayed on standby; None: nothing."""
        return self._written([each.segment for each in self.tracks.segments if each.segment.standby])

    def frozen(self) -> Capture:
        """Returns all of it as a checkpoint has it, kept or not."""
        whole = self._written([each.segment for each in self.tracks.segments])
        return whole or Capture(self.recording_id, self.started_at, self.kept_because)

    def _written(self, segments: list[Segment]) -> Capture | None:
        if not segments:
            return None
        ends = [track.finished_at for each in segments for track in (each.external, each.staff)]
        first = segments[0] is self.tracks.segments[0].segment
        begin = self.started_at if first else segments[0].requested_at or self.started_at
        return Capture(
            recording_id=self.recording_id,
            started_at=begin,
            kept_because=self.kept_because,
            segments=tuple(segments),
            gaps=tuple(each for each in self.gaps.noted if (each.finished_at or begin) >= begin),
            ended_at=max(filter(None, ends), default=None) if self.is_finished else None,
            silences=self.silences.since(begin),
        )

    @classmethod
    def restored(cls, linkedid: str, capture: Capture) -> LiveCapture:
        """Makes a capture again as it was written down before a restart."""
        live = cls(linkedid, capture.recording_id, capture.started_at, capture.kept_because)
        live.gaps, live.silences = Gaps(list(capture.gaps)), Silences(list(capture.silences))
        asked_at = capture.started_at
        for segment in capture.segments:
            asked_at, live.channel = segment.requested_at or capture.started_at, segment.channel
            live.tracks.add(LiveSegment.restored(segment))
        if live.is_silent:
            live._step("silence")
        live._break(asked_at)
        # What was heard on the channel while nobody watched is not known.
        live.needs_new_snoops = live.is_silent
        return live

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """Brings it up to the channels that the PBX has (`there`), after the link was away.

        A snoop that is not there has ended, unseen, so its time is not known. Whether those that are there
        are muted is not known either, so it is said again; and those of segments that are over are ended
        again, for the PBX was not told.
        """
        for live in self.tracks.segments:
            live.was_unwatched()
        for live, side, snoop in self.tracks.each():
            if not self.tracks.is_there(live, snoop, there):
                live.ended_unseen(side)
            elif not live.is_open(side):
                live.hung_up(side, at)
        self._break(at)
        if self.channel and self.channel not in there:
            self._leave(at)
        muted = self.tracks.mute(again=True) if self.is_silent else self.tracks.unmute(again=True)
        return [*self.tracks.hang_up_left(there), *muted]

    # --- inside

    def _begin_with_snoops(self, at: datetime) -> list[Action]:
        """Begins as any capture does: of what the dialplan was to record the PBX has nothing."""
        if not (live := self.tracks.monitored):
            return []
        self.tracks.segments.remove(live)
        if self.gone_at or not self.channel or self.is_silent:
            self.needs_new_snoops = True
            self._end()
            return []
        return self.start_segment(self.channel, at)

    def _step(self, step: str) -> None:
        self.phase = advance(CAPTURE, self.phase, step)
        self._end()

    def _end(self) -> None:
        """Finishes it, once the channel is gone and no track is open any more."""
        if self.phase is Phase.GONE and not self.tracks.is_open:
            self.phase = advance(CAPTURE, self.phase, "end")

    def _ended(self, live: LiveSegment, side: Side, at: datetime, failure: str | None) -> None:
        """Takes an open track for ended."""
        if not live.is_open(side):
            return
        if failure or live.states[side] is Live.QUEUED:
            live.fail(side, at, failure or "it ended before it had begun")
        else:
            live.finish(side, at)
        self._break(at)

    def _leave(self, at: datetime) -> None:
        self.gone_at = at
        self.tracks.end_monitored(self._out_since if self._out_since and not self._bridge else at)
        self._out_since = None
        self._step("leave")

    def _break(self, at: datetime) -> None:
        if self.tracks.last and not self.tracks.last.is_whole:
            self._broken_at = self._broken_at or at
            self._why_broken = self.tracks.last.problem
            self._step("break")
        self._end()

    def _add_gap(self, broken: LiveSegment, since: datetime, at: datetime) -> None:
        """Writes down the gap of a broken segment. One that never began lengthens the gap before it."""
        if not broken.has_begun:
            self._failures += 1
            since = self.gaps.lengthen(broken.segment.requested_at, since)
        self.tracks.drop_unasked(broken)
        self.gaps.note(since, at, broken.problem)

    def _give_up_waiting(self, at: datetime) -> None:
        """Ends tracks of which the PBX does not tell what it should have told by now."""
        for live in self.tracks.segments:
            for side in SIDES:
                asked_at = live.segment.requested_at or self.started_at
                if live.states[side] is Live.QUEUED and at - asked_at > QUEUED_FOR:
                    live.give_up_on(side, at, "the PBX did not begin to record within 3 s")
                    self._break(at)
                if self.gone_at and live.is_open(side) and at - self.gone_at > FINISHED_WITHIN:
                    self.tracks.silenced(live.track(side).name)
                    self._ended(live, side, self.gone_at, None)
            if self.gone_at and at - self.gone_at > FINISHED_WITHIN:
                live.awaited.clear()
        self._end()
