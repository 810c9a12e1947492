"""Makes one recording of one capture: fetches its tracks, joins, tags, hashes and describes them.

Called by the archiver. Every step can be repeated after a crash; the tracks stay on the PBX until the archive
is proved. Nothing is put into the archive here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import soundfile
import structlog
from mutagen import MutagenError

from callrec import __version__
from callrec.dates import spoken
from callrec.errors import EvidenceBroken, NotFound
from callrec.files import draft, file_sha256, write_whole
from callrec.manifest import (
    SCHEMA,
    AnnouncedWords,
    AudioFacts,
    ClockState,
    Manifest,
    Placement,
    RuleText,
    Software,
    read,
    sign,
    write,
)
from callrec.model.calls import Announcement, CallRecord, remark
from callrec.model.captures import CapturedCall
from callrec.model.flaws import Flaw
from callrec.model.rules import Decision
from callrec.policy.retention import counted_from, retain_until
from callrec.signing import Signer
from callrec.spool.announcement_check import checked
from callrec.spool.directory import Spool
from callrec.spool.placement import (
    dated,
    segment_sounds,
    silences,
    with_begins,
    without_jumps,
    without_unplaced,
)
from callrec.spool.silent_tracks import Loudness, Peaks, silent_tracks
from callrec.spool.sound import SegmentSound, examine, join, tag
from callrec.spool.tracks import Fetched, Tracks

log = structlog.get_logger()

SHORT_SECONDS = 1.0
MARGIN = 1 << 16
"""Bytes for which a disk that is not full has room."""


Finish = Callable[[Manifest], Manifest]
"""Makes of the manifest of what was just joined the one that is written."""


class NoSound(NotFound):
    """The PBX has nothing of a recording, and has said so often enough."""


class ManifestSources(Protocol):
    """What else a manifest has to say. Asked when a file is joined or its manifest is signed; what is raised
    has it tried again."""

    def facility_name(self, code: str) -> str:
        """Returns the name of a facility; its code where it has none. Also while the catalogue is away."""

    def facilities(self, call: CallRecord) -> tuple[str, ...]:
        """Returns the codes of the facilities of all extensions that took part, in order."""

    def rule(self, decision: Decision) -> RuleText | None:
        """Returns the version of the rule that decided; None where none did, or there is no such version."""

    def words(self, announcement: Announcement) -> str | None:
        """Returns what was announced; None where that is not known any more."""

    def prompt_file(self, announcement: Announcement) -> Path:
        """Returns the sound of an announcement, at 8 kHz. Raises NotFound or CheckFailed."""

    def clocks(self) -> ClockState:
        """Returns how far the clocks are apart, as it was found not long ago."""

    def now(self) -> datetime:
        """Returns this moment, as most clocks tell it."""

    def pbx_version(self) -> str: ...

    def signer(self) -> Signer:
        """Returns the key to sign with. Raises WrongConfiguration where it is gone."""


class RecordingBuilder:
    """Makes a FLAC and its manifest of each capture that waits in the spool.

    `zone` is that of the times in tags.
    """

    def __init__(self, spool: Spool, tracks: Tracks, sources: ManifestSources, zone: ZoneInfo) -> None:
        self._spool, self._tracks, self._sources, self._zone = spool, tracks, sources, zone

    def audio_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.flac"

    def manifest_file(self, recording_id: str) -> Path:
        return self._spool.folder(recording_id) / f"{recording_id}.manifest.json"

    def build(self, recording_id: str) -> Manifest:
        """Returns the signed manifest of a recording, which is made in the spool unless it is there already.

        Raises what `join` raises, and CatalogueUnreachable where only the catalogue knows what the manifest
        is to say: then it is joined, and signed at the next try.
        """
        made = self._found_or_made(recording_id, self._signed)
        return made if made.is_signed else self._signed_now(made)

    def is_joined(self, recording_id: str) -> bool:
        """Returns whether a recording was joined; whether it is whole is looked at by `build`."""
        return self.manifest_file(recording_id).exists()

    def join(self, recording_id: str) -> Manifest:
        """Returns the manifest of a recording, signed or not, whose sound is in the spool: once, as one file.

        It is fetched and joined unless it is there already, and reads as it was written. Raises NoSound when
        the PBX has nothing of it, NotYetClosed and NotYetThere when the PBX has to be asked again,
        WrongConfiguration when there is no key to sign with, and EvidenceBroken when the file does not read
        back as it was written.
        """
        return self._found_or_made(recording_id, lambda unsigned: unsigned)

    def _found_or_made(self, recording_id: str, finish: Finish) -> Manifest:
        captured = self._spool.captured_call(recording_id)
        found = self._made(recording_id)
        if found is None:
            return self._joined(captured, finish)
        self._tracks.drop_copies(captured)
        return found

    def _made(self, recording_id: str) -> Manifest | None:
        """Returns the manifest of a recording that was joined before; None where it has to be joined anew.

        So it has where the sound is not the one that was joined: the PBX still has the original.
        """
        manifest, audio = self.manifest_file(recording_id), self.audio_file(recording_id)
        if not manifest.exists():
            return None
        with suppress(EvidenceBroken, FileNotFoundError):
            made = read(manifest.read_bytes())
            if file_sha256(audio) == made.audio.sha256:
                return made
        log.error("a joined file in the spool is damaged or gone: it is made anew", recording=recording_id)
        manifest.unlink()
        return None

    def _joined(self, captured: CapturedCall, finish: Finish) -> Manifest:
        recording_id = captured.capture.recording_id
        found = self._tracks.fetch(captured)
        captured = without_jumps(dated(_with_begins(captured, found), found), found)
        found = without_unplaced(captured, found)
        sounds = segment_sounds(captured, found)
        if not sounds:
            raise NoSound("the PBX has no sound of recording {id}", id=recording_id)
        self._sources.signer()  # without it, all that follows would be done in vain, again and again
        notes = tuple(each.note for each in found.values() if each.note)
        noted = replace(captured, call=replace(captured.call, notes=(*captured.call.notes, *notes)))
        self._spool.room_to_join(sum(each.wav.size for each in found.values() if each.wav))
        manifest = self._make(noted, sounds)
        try:
            manifest = finish(manifest)
        finally:  # unsigned where the catalogue is away: the sound is safe here all the same
            write_whole(self.manifest_file(recording_id), write(manifest))
            # Only now: the joined file was read back, and is described.
            self._tracks.drop_copies(captured)
        return manifest

    def _make(self, captured: CapturedCall, sounds: list[SegmentSound]) -> Manifest:
        recording_id = captured.capture.recording_id
        target, loudness = self.audio_file(recording_id), Loudness()
        with draft(target) as made:
            try:
                # decision 3: one stereo file; decision 12: what must not be heard is silenced twice
                placements, written = join(sounds, made.path, silences(captured.capture))
                tag(made.path, self._tags(captured))
                made.sync()
                audio = examine(made.path, loudness.hear)
            except (soundfile.LibsndfileError, MutagenError, EvidenceBroken):
                made.write(bytes(MARGIN))  # a disk that is full says so here; the libraries do not
                raise
            if audio.pcm_sha256 != written:
                made.write(bytes(MARGIN))
                raise EvidenceBroken("recording {id} does not read back as it was written", id=recording_id)
            made.publish()
        ended = _with_end(captured, audio)
        heard = replace(ended, call=self._heard(ended, placements, loudness.peaks))
        return self._manifest(heard, placements, audio)

    def _heard(self, captured: CapturedCall, placements: list[Placement], peaks: Peaks) -> CallRecord:
        """Returns the call with what can be heard in its recording, and what cannot though it should."""
        capture, sound = captured.capture, self.audio_file(captured.capture.recording_id)
        call = checked(captured.call, sound, capture.began_at, self._sources.prompt_file)
        if any(each.in_recording is False for each in call.announcements):
            self._spool.flaws.add(call.id, Flaw.ANNOUNCEMENT_NOT_FOUND)
        silent = silent_tracks(peaks, placements, silences(capture))
        if any(each.whole for each in silent):
            self._spool.flaws.add(call.id, Flaw.NO_SOUND)
        return replace(call, notes=(*call.notes, *(each.note for each in silent)))

    def _manifest(self, captured: CapturedCall, placements: list[Placement], audio: AudioFacts) -> Manifest:
        call, decision, sources = captured.call, captured.call.decision, self._sources
        assert decision is not None and call.ended_at is not None  # a capture has both
        ended_at = counted_from(call.ended_at, sources.now())  # decision 22
        return Manifest(
            schema=SCHEMA,  # decision 14
            recording_id=captured.capture.recording_id,
            facility_name=sources.facility_name(call.facility or ""),
            call=call,
            capture=captured.capture,
            placements=tuple(placements),
            audio=audio,
            tracks=("external party", "staff"),
            incident=call.incident,
            retain_until=retain_until(decision, ended_at, incident=call.incident),
            software=Software(__version__, sources.pbx_version(), soundfile.__libsndfile_version__),
            created_at=datetime.now(UTC),
        )

    def _signed_now(self, manifest: Manifest) -> Manifest:
        """Signs a manifest that was written while the catalogue was away, or that an older callrec left in
        the spool: it is archived only now, and what is archived since there is a key has to be signed."""
        made = self._signed(manifest)
        write_whole(self.manifest_file(manifest.recording_id), write(made))
        return made

    def _signed(self, manifest: Manifest) -> Manifest:
        """Returns a manifest with what is known beside the call itself, and its signature."""
        call, sources = manifest.call, self._sources
        whole = replace(
            manifest,
            facilities=sources.facilities(call),
            rules=self._rules(call),
            announced=self._announced(call),
            clocks=sources.clocks(),
        )
        return sign(whole, sources.signer())  # decision 19

    def _rules(self, call: CallRecord) -> tuple[RuleText, ...]:
        decisions = [call.decision, *(each.decision for each in call.decision_changes)]
        found = [self._sources.rule(each) for each in decisions if each]
        return tuple(dict.fromkeys(each for each in found if each))

    def _announced(self, call: CallRecord) -> tuple[AnnouncedWords, ...]:
        played = {(each.prompt, each.language, each.text_sha256): each for each in call.announcements}
        found = [(wording, self._sources.words(each)) for wording, each in played.items()]
        return tuple(AnnouncedWords(*wording, text) for wording, text in found if text is not None)

    def _tags(self, captured: CapturedCall) -> dict[str, str]:
        call = captured.call
        when = spoken(captured.capture.started_at, self._zone)
        return {
            "TITLE": f"{call.extension or '?'} / {call.number or '?'} / {when}",
            "DATE": when[:10],
            "ORGANIZATION": self._sources.facility_name(call.facility or ""),
            "EXTENSION": call.extension or "",
            "DIRECTION": str(call.direction or ""),
            "RECORDING_ID": captured.capture.recording_id,
            "CALL_ID": call.id,
            "ENCODED_BY": f"callrec {__version__}",
        }


def _with_begins(captured: CapturedCall, found: Mapping[tuple[int, str], Fetched]) -> CapturedCall:
    seconds = {each.track.name: each.wav.seconds for each in found.values() if each.wav}
    return replace(captured, capture=with_begins(captured.capture, seconds))


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
