"""Takes one recording from the spool into the archive and the catalogue; only then lets go of it.

Each step can be repeated after a crash or a failure, and nothing is removed anywhere before the next place
has proved that it holds the same bytes. When it is done, and on which thread, is the matter of `archiver`;
how tracks become a recording that of callrec.spool.recording_builder.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from callrec.archive.deposit import Deposit
from callrec.archive.discarder import WHO
from callrec.archive.endings import Endings
from callrec.archive.object_names import manifest_key, object_key
from callrec.archive.rows import CallRows
from callrec.catalogue import calls, statements
from callrec.catalogue.calls import ArchivedRecording, Versions
from callrec.catalogue.database import Database
from callrec.errors import CatalogueOutdated, CatalogueUnreachable
from callrec.manifest import Manifest, read
from callrec.meters import Meters
from callrec.model.captures import CapturedCall, Custody
from callrec.spool.directory import Spool
from callrec.spool.quarantine import Quarantine
from callrec.spool.recording_builder import NoSound, RecordingBuilder
from callrec.spool.tracks import Tracks, is_momentary

log = structlog.get_logger()


class Recordings:
    """Does the steps of one recording. Raises CallrecError or OSError for what is to be tried again."""

    def __init__(
        self,
        spool: Spool,
        tracks: Tracks,
        builder: RecordingBuilder,
        deposit: Deposit,
        database: Database,
        rows: CallRows,
        endings: Endings,
        zone: ZoneInfo,
    ) -> None:
        self._spool, self._tracks, self._builder, self._deposit = spool, tracks, builder, deposit
        self._database, self._rows, self._endings, self._zone = database, rows, endings, zone
        self.meters = Meters()

    def archive(self, recording_id: str) -> Manifest | None:
        """Takes a recording from the spool into the archive and returns its manifest.

        None when the PBX has no sound of it, or it was destroyed before.
        """
        captured = self._spool.captured_call(recording_id)
        kept = self._kept_or_joined(recording_id)
        if kept:
            return self._end(captured, kept)
        manifest = self._spooled(captured)
        if manifest is None:
            return None
        self._catalogue(manifest, self._put(manifest))
        log.info("archived", recording=recording_id, extension=manifest.call.extension)
        self.meters.archived(manifest.capture)
        self._endings.let_go(captured, manifest)
        return manifest

    def prepare(self, recording_id: str, *, ask: bool = True) -> None:
        """Takes a recording as far as it goes without the archive: it is whole in the spool then.

        Without `ask` the catalogue is not asked whether it is archived or destroyed, since that is away; what
        came back is let go of, or destroyed, when it answers.
        """
        captured = self._spool.captured_call(recording_id)
        kept = self._kept_or_joined(recording_id) if ask else None
        if kept:
            self._end(captured, kept)
        else:
            self._spooled(captured)

    def take_back(self, recording_id: str) -> bool:
        """Has a recording that was declared lost archived after all: its sound was found on the PBX.

        For who compares what the PBX has with what is in the quarantine (`Quarantine.captures`). Can be
        repeated. Returns False where it is not in the quarantine, or is in the archive or was destroyed.
        """
        captured = Quarantine(self._spool).find(recording_id)
        if captured is None or self._kept(recording_id):
            return False
        self._endings.found_again(captured)
        return True

    # --- steps

    def _kept(self, recording_id: str) -> ArchivedRecording | None:
        """Returns the catalogue's row of a recording; None as long as it is not archived.

        A row is written only once the objects were proved. What was captured can come back after that, from a
        crash between two steps; it must not be made anew.
        """
        with self._database.read() as connection:
            return calls.find_recording(connection, recording_id)

    def _kept_or_joined(self, recording_id: str) -> ArchivedRecording | None:
        """Does as `_kept`. Where the catalogue does not answer, the sound is made safe here all the same."""
        try:
            return self._kept(recording_id)
        except (CatalogueUnreachable, CatalogueOutdated):
            with suppress(NoSound):
                self._builder.join(recording_id)
            raise

    def _end(self, captured: CapturedCall, kept: ArchivedRecording) -> Manifest | None:
        """Lets go of what came back of a recording that is archived, or was destroyed."""
        if kept.state is Custody.DESTROYED:
            self._endings.destroy_again(captured)
            return None
        manifest = read(self._archived_manifest(kept))
        self._endings.let_go(captured, manifest)
        return manifest

    def _archived_manifest(self, kept: ArchivedRecording) -> bytes:
        """Returns the manifest that was archived: the spool's, as long as it is that one."""
        here = self._builder.manifest_file(kept.id)
        with suppress(FileNotFoundError):
            if _sha256(data := here.read_bytes()) == kept.manifest_sha256:
                return data
        return self._deposit.manifest(kept)

    def _spooled(self, captured: CapturedCall) -> Manifest | None:
        """Makes the recording in the spool and returns its manifest; None when the PBX has no sound of it.

        The call's row says so then, and the capture leaves the spool's queue.
        """
        try:
            return self._builder.build(captured.capture.recording_id)
        except NoSound:
            # When the end was not seen, the call may have lasted, and was lost.
            seen = is_momentary(captured.capture) and captured.call.ended_at is not None
            momentary = seen and not self._tracks.damaged(captured.capture.recording_id)
            (self._endings.over_at_once if momentary else self._endings.lost)(captured)
            return None

    def _put(self, manifest: Manifest) -> Versions:
        """Puts the sound and its manifest into the store, proves both, and returns their versions."""
        id_, key, until = manifest.recording_id, object_key(manifest, self._zone), manifest.retain_until
        audio, sidecar = self._builder.audio_file(id_), self._builder.manifest_file(id_)
        return Versions(
            self._deposit.put(key, audio, manifest.audio.sha256, "audio/flac", until),
            self._deposit.put(
                manifest_key(key), sidecar, _sha256(sidecar.read_bytes()), "application/json", until
            ),
        )

    def _catalogue(self, manifest: Manifest, versions: Versions) -> None:
        id_, key, now = manifest.recording_id, object_key(manifest, self._zone), datetime.now(UTC)
        digest = _sha256(self._builder.manifest_file(id_).read_bytes())
        capture, audio = manifest.capture, manifest.audio
        put = {
            "key": key,
            "manifest_sha256": digest,
            "version": versions.audio,
            "manifest_version": versions.manifest,
        }
        with self._rows.written() as connection:
            calls.save_recording(
                connection,
                manifest,
                key=key,
                manifest_sha256=digest,
                versions=versions,
            )
            for action, at, details in (
                ("captured", capture.started_at, {"kept_because": capture.kept_because}),
                ("spooled", manifest.created_at, {"sha256": audio.sha256}),
                ("archived", now, put),
            ):
                statements.enter(connection, id_, action, who=WHO, at=at, **details)  # decision 7


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
