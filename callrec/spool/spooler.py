"""One capture becomes one file: fetched from the PBX, joined, tagged, hashed, described.

Every step can be repeated after a crash; the tracks stay on the PBX until the archive is proved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import soundfile

from callrec import __version__
from callrec.dates import spoken
from callrec.errors import CallrecError, EvidenceBroken, NotFound
from callrec.manifest import SCHEMA, AudioFacts, Manifest, Placement, Software, read, write
from callrec.model import Capture, Draft, Part, Track, remark
from callrec.policy.retention import retain_until
from callrec.spool.box import Spool, write_whole
from callrec.spool.sound import Stretch, Wav, examine, join, sync, tag

TRACKS = ("external", "staff")
ALIGN_SECONDS = 0.02
"""Tracks that begin closer together than one packet are one moment."""
SHORT_SECONDS = 1.0
CLOSED_WITHIN_SECONDS = 10.0
"""A file whose header is not finished this long after the end was left so by a crash of the PBX."""

Fetch = Callable[[str, Path], bool]
"""Fetches a stored recording of the PBX into a file; False when the PBX has none of that name."""


class NotYetClosed(CallrecError):
    """The PBX is still writing a track; it will be asked again."""


class Spooler:
    """Makes recordings of captures."""

    def __init__(
        self,
        spool: Spool,
        fetch: Fetch,
        facility_name: Callable[[str], str],
        pbx_version: Callable[[], str],
        zone: ZoneInfo,
    ) -> None:
        self._spool, self._fetch, self._zone = spool, fetch, zone
        self._facility_name, self._pbx_version = facility_name, pbx_version

    def audio_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.flac"

    def manifest_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.manifest.json"

    def spool(self, recording_id: str) -> Manifest:
        """The finished recording in the spool. Raises NotFound when the PBX has no sound of it."""
        if self.manifest_file(recording_id).exists():
            return read(self.manifest_file(recording_id).read_bytes())
        draft = self._spool.draft_of(recording_id)
        stretches = self._stretches(draft)
        if not stretches:
            raise NotFound("the PBX has no sound of recording {id}", id=recording_id)
        manifest = self._make(draft, stretches)
        write_whole(self.manifest_file(recording_id), write(manifest))
        return manifest

    def _stretches(self, draft: Draft) -> list[Stretch]:
        parts = draft.capture.parts
        zero = _begin(parts[0], draft.capture) if parts else draft.capture.started_at
        made = [self._stretch(part, draft, zero) for part in parts]
        return [each for each in made if each.external or each.staff]

    def _stretch(self, part: Part, draft: Draft, zero: datetime) -> Stretch:
        begin = _begin(part, draft.capture)
        return Stretch(
            part=part.number,
            offset_s=max(0.0, (begin - zero).total_seconds()),
            external=self._track(part, part.external, "external", draft),
            staff=self._track(part, part.staff, "staff", draft),
            external_lead_s=_lead(part.external, begin),
            staff_lead_s=_lead(part.staff, begin),
        )

    def _track(self, part: Part, track: Track, side: str, draft: Draft) -> Wav | None:
        path = self._spool.folder(draft.capture.recording_id) / f"{part.number}-{side}.wav"
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            if not self._fetch(track.name, partial):
                return None
            if not Wav(partial).is_closed and _seconds_since(draft.capture.ended_at) < CLOSED_WITHIN_SECONDS:
                raise NotYetClosed("the PBX still writes {name}", name=track.name)
            partial.replace(path)
        wav = Wav(path)
        return wav if wav.frames else None

    def _make(self, draft: Draft, stretches: list[Stretch]) -> Manifest:
        recording_id = draft.capture.recording_id
        target = self.audio_file(recording_id)
        partial = target.with_name(target.name + ".partial")
        placements, written = join(stretches, partial)
        tag(partial, self._tags(draft))
        sync(partial)
        audio = examine(partial)
        if audio.pcm_sha256 != written:
            raise EvidenceBroken("recording {id} does not read back as it was written", id=recording_id)
        partial.replace(target)
        return self._manifest(_with_end(draft, audio), placements, audio)

    def _manifest(self, draft: Draft, placements: list[Placement], audio: AudioFacts) -> Manifest:
        call, decision = draft.call, draft.call.decision
        assert decision is not None and call.ended_at is not None  # a capture has both
        return Manifest(
            schema=SCHEMA,
            recording_id=draft.capture.recording_id,
            facility_name=self._facility_name(call.facility or ""),
            call=call,
            capture=draft.capture,
            placements=tuple(placements),
            audio=audio,
            tracks=("external party", "staff"),
            incident=False,
            retain_until=retain_until(decision, call.ended_at),
            software=Software(__version__, self._pbx_version(), soundfile.__libsndfile_version__),
            created_at=datetime.now(UTC),
        )

    def _tags(self, draft: Draft) -> dict[str, str]:
        call = draft.call
        when = spoken(draft.capture.started_at, self._zone)
        return {
            "TITLE": f"{call.extension or '?'} / {call.number or '?'} / {when}",
            "DATE": when[:10],
            "ORGANIZATION": self._facility_name(call.facility or ""),
            "EXTENSION": call.extension or "",
            "DIRECTION": str(call.direction or ""),
            "RECORDING_ID": draft.capture.recording_id,
            "CALL_ID": call.id,
            "ENCODED_BY": f"callrec {__version__}",
        }


def _begin(part: Part, capture: Capture) -> datetime:
    starts = [track.started_at for track in (part.external, part.staff) if track.started_at]
    return min(starts, default=capture.started_at)


def _seconds_since(moment: datetime | None) -> float:
    return (datetime.now(UTC) - moment).total_seconds() if moment else CLOSED_WITHIN_SECONDS


def _lead(track: Track, begin: datetime) -> float:
    late = (track.started_at - begin).total_seconds() if track.started_at else 0.0
    return late if late >= ALIGN_SECONDS else 0.0


def _with_end(draft: Draft, audio: AudioFacts) -> Draft:
    """The draft with its end known from the sound where nobody saw it, and a note when they differ."""
    capture, call = draft.capture, draft.call
    begin = _begin(capture.parts[0], capture)
    heard = begin + timedelta(seconds=audio.duration_s)
    if capture.ended_at is None:
        capture = replace(capture, ended_at=heard)
    elif (capture.ended_at - heard).total_seconds() > SHORT_SECONDS:
        short = (capture.ended_at - heard).total_seconds()
        shorter = remark("the sound is {seconds} s shorter than the time it ran", seconds=round(short, 1))
        call = replace(call, notes=(*call.notes, shorter))
    if call.ended_at is None:
        call = replace(call, ended_at=heard)
    return Draft(call, capture)
