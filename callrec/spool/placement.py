"""Places the tracks of a capture in its recording: when each begins and ends there, and where it is silent.

Times are the PBX's; what callrec wanted counts where the PBX obeyed late. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import TypeVar

from callrec.model.calls import remark
from callrec.model.captures import Capture, CapturedCall, Gap, Segment, Silence, Track
from callrec.pbx import mixmonitor
from callrec.recording.gaps import LONGEST_RENEWAL
from callrec.spool.sound import RATES, SegmentSound, SilentSpan
from callrec.spool.tracks import SIDES, Fetched

Dated = TypeVar("Dated", Track, Gap, Silence, Segment, Capture)

PACKET_SECONDS = 0.02
"""What a packet holds. Tracks that begin closer together than that are one moment."""
LATE = timedelta(seconds=5)
"""How much too early the end of what the dialplan recorded may be, where callrec stood still meanwhile."""
LONGEST_S = 7 * 86_400.0
"""Longer than any call."""
MOST_SILENCE_S = 12 * 3_600.0
"""No call is silent for longer between two segments: a clock was set then."""
MOST_LEAD_S = 60.0
"""How much later than the other track one of the same segment can begin: both are asked for at once."""
EARLY_S = 0.1
"""How much earlier than it was wanted silence begins, in seconds: 20 ms of a voice were found before it."""


def with_begins(capture: Capture, seconds: Mapping[str, float]) -> Capture:
    """Returns a capture whose tracks begin where only their end was seen: there, less their `seconds`.

    Lengths are by the names of tracks; what is not among them stays as it is.
    """

    def begun(track: Track) -> Track:
        if track.started_at or not track.closed_at or track.name not in seconds:
            return track
        return replace(track, started_at=track.closed_at - timedelta(seconds=seconds[track.name]))

    segments = (
        replace(each, external=begun(each.external), staff=begun(each.staff)) for each in capture.segments
    )
    return replace(capture, segments=tuple(segments))


def dated(captured: CapturedCall, found: dict[tuple[int, str], Fetched]) -> CapturedCall:
    """Returns the call with its answer where the sound begins, if a first segment's end alone is known.

    That is what the dialplan recorded until callrec took the call over: its length tells when it began.
    """
    call, capture = captured.call, captured.capture
    first = capture.segments[0] if capture.segments else None
    end = first.external.finished_at if first and not first.external.failed else None
    if not first or not end or first.external.started_at or first.staff.started_at:
        return captured
    after = capture.segments[1].began_at if len(capture.segments) > 1 else None
    if after and timedelta(0) < after - end < LATE:
        end = after  # callrec was late itself; the PBX began the next segment as soon as this one had ended
    wavs = [found[first.number, side].wav for side in SIDES]
    begin = end - timedelta(seconds=max((wav.frames / wav.rate for wav in wavs if wav), default=0.0))
    external, staff = (
        replace(each, started_at=begin, finished_at=end) for each in (first.external, first.staff)
    )
    segment = replace(first, external=external, staff=staff, requested_at=None)
    took_part = tuple(
        replace(each, joined_at=begin) if each.joined_at == call.answered_at else each
        for each in call.participants
    )
    return CapturedCall(
        replace(call, answered_at=begin, participants=took_part),
        replace(
            capture,
            started_at=begin,
            segments=(segment, *capture.segments[1:]),
            gaps=_after(end, capture.gaps),
        ),
    )


def without_jumps(captured: CapturedCall, found: Mapping[tuple[int, str], Fetched]) -> CapturedCall:
    """Returns the call whose segments follow one another within the time that a call can be silent.

    Where one is dated longer after the sound before it, a clock was set between them that nobody watched: it
    comes at once, with all that is dated after it, and a note says so (decision 22).
    """
    capture, notes = captured.capture, captured.call.notes
    for before, number in pairwise(each.number for each in capture.segments):
        heard, after = (_segment(capture, each) for each in (before, number))
        jump = _silence_between(heard, after, found, capture)
        if jump.total_seconds() > MOST_SILENCE_S:
            hours = round(jump.total_seconds() / 3600, 1)
            notes += (
                remark(
                    "segment {number} is dated {hours} h after the one before, which cannot be, as a clock "
                    "was set: it comes at once",
                    number=number,
                    hours=hours,
                ),
            )
            capture = _earlier(capture, number, (after.began_at or capture.started_at), jump)
    return CapturedCall(replace(captured.call, notes=notes), capture)


def _segment(capture: Capture, number: int) -> Segment:
    return next(each for each in capture.segments if each.number == number)


def _silence_between(
    before: Segment, after: Segment, found: Mapping[tuple[int, str], Fetched], capture: Capture
) -> timedelta:
    """Returns for how long nothing was recorded between two segments, by the length of the first's sound."""
    wavs = [found[before.number, side].wav for side in SIDES]
    heard = timedelta(seconds=max((wav.seconds for wav in wavs if wav), default=0.0))
    begin, end = (each.began_at or capture.started_at for each in (after, before))
    return begin - (end + heard)


def _earlier(capture: Capture, number: int, begin: datetime, by: timedelta) -> Capture:
    """Returns a capture in which a segment, and all that is dated after its `begin`, is so much earlier."""

    def moved(each: Dated, *names: str) -> Dated:
        dates = {name: getattr(each, name) for name in names}
        return replace(each, **{name: at - by for name, at in dates.items() if at and at >= begin - LATE})

    def moved_segment(each: Segment) -> Segment:
        names = ("started_at", "finished_at", "closed_at")
        external, staff = moved(each.external, *names), moved(each.staff, *names)
        return replace(moved(each, "requested_at"), external=external, staff=staff)

    later = tuple(moved_segment(each) if each.number >= number else each for each in capture.segments)
    return replace(
        moved(capture, "ended_at"),
        segments=later,
        gaps=tuple(moved(each, "started_at", "finished_at") for each in capture.gaps),
        silences=tuple(moved(each, "started_at", "finished_at") for each in capture.silences),
    )


def _after(end: datetime, gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Returns the gaps, begun at `end` where they were noted earlier; without one that is none then."""
    later = [replace(each, started_at=max(each.started_at, end)) for each in gaps]
    return tuple(
        each
        for each in later
        if each.finished_at is None or each.finished_at - each.started_at > LONGEST_RENEWAL
    )


def without_unplaced(
    captured: CapturedCall, found: dict[tuple[int, str], Fetched]
) -> dict[tuple[int, str], Fetched]:
    """Returns the tracks, without the sound of those whose place is not known where something is silent."""
    return {
        (segment.number, side): _placed(found[segment.number, side], segment, captured.capture)
        for segment in captured.capture.segments
        for side in SIDES
    }


def _placed(fetched: Fetched, segment: Segment, capture: Capture) -> Fetched:
    track = segment.external if fetched.track.name == segment.external.name else segment.staff
    if fetched.wav is None or not is_unplaced(track, segment, capture):
        return fetched
    left_out = remark(
        "track {name} is left out: when it was recorded is not known, and it may be of another conversation",
        name=track.name,
    )
    return replace(fetched, wav=None, note=left_out)


def is_unplaced(track: Track, segment: Segment, capture: Capture) -> bool:
    """Tells whether a track was given up before it began, and what is in it may be of another conversation.

    So it may where callrec watched and had ended it, or where something had to be silent: the PBX can have
    begun it after that, for nobody saw when, nor when it ended.
    """
    begin = segment.began_at or capture.started_at
    silent = any(each.finished_at is None or each.finished_at > begin for each in capture.silences)
    ended_before = track.finished_at is not None and not track.unwatched
    return track.failed is not None and track.started_at is None and (silent or ended_before)


def silences(capture: Capture) -> list[SilentSpan]:
    """Returns when it is silent on purpose, whatever for, in seconds from the beginning of the recording.

    The PBX was told to be silent then, but perhaps it obeyed late, or was told only after an outage. It
    begins some packets early: a track's samples can be ahead of the time at which the PBX told of them.
    """

    def since_begin(moment: datetime) -> float:
        return (moment - capture.began_at).total_seconds()

    return [
        (
            max(0.0, since_begin(each.started_at) - EARLY_S),
            since_begin(each.finished_at) if each.finished_at else LONGEST_S,
        )
        for each in capture.silences
    ]


def segment_sounds(captured: CapturedCall, found: dict[tuple[int, str], Fetched]) -> list[SegmentSound]:
    segments = captured.capture.segments
    zero = captured.capture.began_at
    # More than one, where another voice was heard (decision 9), or after a stop or a gap.
    made = [
        _segment_sound(segment, after, captured.capture, zero, found)
        for segment, after in zip_longest(segments, segments[1:])
    ]
    return [each for each in made if (each.external or each.staff) and each.frames(RATES.start)]


def _segment_sound(
    segment: Segment,
    after: Segment | None,
    capture: Capture,
    zero: datetime,
    found: dict[tuple[int, str], Fetched],
) -> SegmentSound:
    begin = segment.began_at or capture.started_at
    return SegmentSound(
        segment=segment.number,
        offset_s=max(0.0, (begin - zero).total_seconds()),
        external=found[segment.number, "external"].wav,
        staff=found[segment.number, "staff"].wav,
        external_lead_s=lead(segment.external, begin),
        staff_lead_s=lead(segment.staff, begin),
        ends_s=_with_its_last_packet(segment, ends(segment, after, begin)),
    )


def _with_its_last_packet(segment: Segment, ends_s: float | None) -> float | None:
    """Returns until when a segment is heard. MixMonitor writes packets as they come, and what came last
    before the end holds sound of up to 20 ms after it."""
    if ends_s is None or ends_s <= 0 or not mixmonitor.is_of_dialplan(segment.external.name):
        return ends_s
    return ends_s + PACKET_SECONDS


def ends(segment: Segment, after: Segment | None, begin: datetime) -> float | None:
    """Returns how many seconds after `begin` callrec ended a segment; None where the PBX did.

    callrec ends both tracks at once, or the one that is left where the other was broken before. The PBX may
    have taken seconds for it, and what was said then is of another segment or call, or of nobody. Less than
    0: it began only after callrec had ended it.
    """
    both = (segment.external, segment.staff)
    whole = [track for track in both if not track.failed]
    ends = {track.finished_at for track in whole}
    known = len(ends) == 1 and (len(whole) == 2 or None not in ends)
    end = ends.pop() if known else _taken_over_at(after) if after else None
    if not whole and not end and all(track.finished_at for track in both):
        end = max(track.finished_at for track in both if track.finished_at)
    return (end - begin).total_seconds() if end else None


def _taken_over_at(after: Segment) -> datetime | None:
    """Returns when a segment took the place of the one before: when it began, or was ended before that."""
    known = (after.began_at, after.external.finished_at, after.staff.finished_at)
    return min(filter(None, known), default=None)


def lead(track: Track, begin: datetime) -> float:
    """Returns by how many seconds a track begins after its segment; 0 where it is less than a packet, or more
    than it can be."""
    late = (track.started_at - begin).total_seconds() if track.started_at else 0.0
    return late if PACKET_SECONDS <= late <= MOST_LEAD_S else 0.0
