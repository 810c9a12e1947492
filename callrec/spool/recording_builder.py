"""Makes one recording of one capture: fetches its tracks, joins, tags, hashes and describes them.

Called by the archiver. Every step can be repeated after a crash; the tracks stay on the PBX until the archive
is proved. Nothing is put into the archive here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from zoneinfo import ZoneInfo

import soundfile

from callrec import __version__
from callrec.dates import spoken
from callrec.errors import EvidenceBroken, NotFound
from callrec.manifest import SCHEMA, AudioFacts, Manifest, Placement, Software, read, write
from callrec.model.calls import CallRecord, remark
from callrec.model.captures import Capture, CapturedCall, Gap, Segment, Track
from callrec.model.flaws import Flaw
from callrec.policy.retention import retain_until
from callrec.recording.capture import LONGEST_RENEWAL
from callrec.spool.announcement_check import PromptFile, checked
from callrec.spool.directory import Spool
from callrec.spool.files import partial_of, sync, write_whole
from callrec.spool.silent_tracks import silent_tracks
from callrec.spool.sound import SegmentSound, SilentSpan, examine, join, tag
from callrec.spool.tracks import SIDES, Fetched, Tracks

ALIGN_SECONDS = 0.02
"""Tracks that begin closer together than one packet are one moment."""
SHORT_SECONDS = 1.0
LATE = timedelta(seconds=5)
"""How much too early the end of what the dialplan recorded may be, where callrec stood still meanwhile."""
LONGEST_S = 7 * 86_400.0
EARLY_S = 0.1
"""How much earlier than it was wanted silence begins, in seconds: 20 ms of a voice were found before it."""
"""Longer than any call."""


class NoSound(NotFound):
    """The PBX has nothing of a recording, and has said so often enough."""


class RecordingBuilder:
    """Makes a FLAC and its manifest of each capture that waits in the spool.

    `facility_name` gives the name of a facility by its code, `prompt_file` the sound of an announcement;
    `zone` is that of the times in tags.
    """

    def __init__(
        self,
        spool: Spool,
        tracks: Tracks,
        facility_name: Callable[[str], str],
        pbx_version: Callable[[], str],
        zone: ZoneInfo,
        prompt_file: PromptFile,
    ) -> None:
        self._spool, self._tracks, self._zone = spool, tracks, zone
        self._facility_name, self._pbx_version = facility_name, pbx_version
        self._prompt_file = prompt_file

    def audio_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.flac"

    def manifest_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.manifest.json"

    def build(self, recording_id: str) -> Manifest:
        """Returns the manifest of a recording, which is made in the spool unless it is there already.

        Raises NoSound when the PBX has nothing of it, NotYetClosed and NotYetThere when the PBX has to be
        asked again, and EvidenceBroken when the file does not read back as it was written.
        """
        if self.manifest_file(recording_id).exists():
            return read(self.manifest_file(recording_id).read_bytes())
        captured = self._spool.captured_call(recording_id)
        found = self._tracks.fetch(captured)
        captured = _dated(captured, found)
        sounds = _segment_sounds(captured, found)
        if not sounds:
            raise NoSound("the PBX has no sound of recording {id}", id=recording_id)
        notes = tuple(each.note for each in found.values() if each.note)
        noted = replace(captured, call=replace(captured.call, notes=(*captured.call.notes, *notes)))
        manifest = self._make(noted, sounds)
        write_whole(self.manifest_file(recording_id), write(manifest))
        return manifest

    def _make(self, captured: CapturedCall, sounds: list[SegmentSound]) -> Manifest:
        recording_id = captured.capture.recording_id
        target = self.audio_file(recording_id)
        partial = partial_of(target)
        # decision 3: one stereo file; decision 12: what must not be heard is silenced twice
        placements, written = join(sounds, partial, _silences(captured.capture))
        tag(partial, self._tags(captured))
        sync(partial)
        audio = examine(partial)
        if audio.pcm_sha256 != written:
            raise EvidenceBroken("recording {id} does not read back as it was written", id=recording_id)
        partial.replace(target)
        ended = _with_end(captured, audio)
        heard = replace(ended, call=self._heard(ended, placements))
        return self._manifest(heard, placements, audio)

    def _heard(self, captured: CapturedCall, placements: list[Placement]) -> CallRecord:
        """Returns the call with what can be heard in its recording, and what cannot though it should."""
        capture, sound = captured.capture, self.audio_file(captured.capture.recording_id)
        call = checked(captured.call, sound, capture.began_at, self._prompt_file)
        if any(each.in_recording is False for each in call.announcements):
            self._spool.flaws.add(call.id, Flaw.ANNOUNCEMENT_NOT_FOUND)
        silent = silent_tracks(sound, placements, _silences(capture))
        if any(each.whole for each in silent):
            self._spool.flaws.add(call.id, Flaw.NO_SOUND)
        return replace(call, notes=(*call.notes, *(each.note for each in silent)))

    def _manifest(self, captured: CapturedCall, placements: list[Placement], audio: AudioFacts) -> Manifest:
        call, decision = captured.call, captured.call.decision
        assert decision is not None and call.ended_at is not None  # a capture has both
        return Manifest(
            schema=SCHEMA,  # decision 14
            recording_id=captured.capture.recording_id,
            facility_name=self._facility_name(call.facility or ""),
            call=call,
            capture=captured.capture,
            placements=tuple(placements),
            audio=audio,
            tracks=("external party", "staff"),
            incident=call.incident,
            retain_until=retain_until(decision, call.ended_at, incident=call.incident),
            software=Software(__version__, self._pbx_version(), soundfile.__libsndfile_version__),
            created_at=datetime.now(UTC),
        )

    def _tags(self, captured: CapturedCall) -> dict[str, str]:
        call = captured.call
        when = spoken(captured.capture.started_at, self._zone)
        return {
            "TITLE": f"{call.extension or '?'} / {call.number or '?'} / {when}",
            "DATE": when[:10],
            "ORGANIZATION": self._facility_name(call.facility or ""),
            "EXTENSION": call.extension or "",
            "DIRECTION": str(call.direction or ""),
            "RECORDING_ID": captured.capture.recording_id,
            "CALL_ID": call.id,
            "ENCODED_BY": f"callrec {__version__}",
        }


def _dated(captured: CapturedCall, found: dict[tuple[int, str], Fetched]) -> CapturedCall:
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


def _after(end: datetime, gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Returns the gaps, begun at `end` where they were noted earlier; without one that is none then."""
    later = [replace(each, started_at=max(each.started_at, end)) for each in gaps]
    return tuple(
        each
        for each in later
        if each.finished_at is None or each.finished_at - each.started_at > LONGEST_RENEWAL
    )


def _silences(capture: Capture) -> list[SilentSpan]:
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


def _segment_sounds(captured: CapturedCall, found: dict[tuple[int, str], Fetched]) -> list[SegmentSound]:
    segments = captured.capture.segments
    zero = captured.capture.began_at
    # More than one, where another voice was heard (decision 9), or after a stop or a gap.
    made = [
        _segment_sound(segment, after, captured.capture, zero, found)
        for segment, after in zip_longest(segments, segments[1:])
    ]
    return [each for each in made if each.external or each.staff]


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
        external_lead_s=_lead(segment.external, begin),
        staff_lead_s=_lead(segment.staff, begin),
        ends_s=_ends(segment, after, begin),
    )


def _ends(segment: Segment, after: Segment | None, begin: datetime) -> float | None:
    """Returns how many seconds after `begin` callrec ended a segment; None where the PBX did.

    callrec ends both tracks at once, or one where the other is broken, and then another segment follows. The
    PBX may have taken seconds for it, and what was said then is of that one, of another call, or of nobody.
    """
    tracks = (segment.external, segment.staff)
    ends = {track.finished_at for track in tracks}
    ended = len(ends) == 1 and not all(track.failed for track in tracks)
    end = ends.pop() if ended else after.began_at if after else None
    return (end - begin).total_seconds() if end else None


def _lead(track: Track, begin: datetime) -> float:
    """Returns by how many seconds a track begins after its segment; 0 where it is less than a packet."""
    late = (track.started_at - begin).total_seconds() if track.started_at else 0.0
    return late if late >= ALIGN_SECONDS else 0.0


def _with_end(captured: CapturedCall, audio: AudioFacts) -> CapturedCall:
    """Returns the call and its capture with an end: that of the sound, where nobody saw it.

    A note says so where the sound is over a second shorter than the time from beginning to end.
    """
    capture, call = captured.capture, captured.call
    begin = capture.began_at
    heard = begin + timedelta(seconds=audio.duration_s)
    if capture.ended_at is None:
        capture = replace(capture, ended_at=heard)
    elif (capture.ended_at - heard).total_seconds() > SHORT_SECONDS:
        short = (capture.ended_at - heard).total_seconds()
        shorter = remark("the sound is {seconds} s shorter than the time it ran", seconds=round(short, 1))
        call = replace(call, notes=(*call.notes, shorter))
    if call.ended_at is None:
        call = replace(call, ended_at=heard)
    return CapturedCall(call, capture)
