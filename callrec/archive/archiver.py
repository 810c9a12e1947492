"""Takes recordings and calls from the spool into the archive and the catalogue; only then lets go of them.

It is a thread of the controller. Each step can be repeated after a crash or a failure, and nothing is removed
anywhere before the next place has proved that it holds the same bytes. How tracks become a recording is the
matter of callrec.spool.recording_builder.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from callrec.archive.discarder import WHO, Discarder
from callrec.archive.retry_schedule import RetrySchedule, problem_of
from callrec.archive.store import Store, check_encryption
from callrec.catalogue import calls, custody, statements
from callrec.catalogue.calls import ArchivedRecording, Versions
from callrec.catalogue.database import Connection, Database
from callrec.errors import CallrecError, EvidenceBroken, StoreUnreachable
from callrec.language import translated
from callrec.manifest import Manifest, read
from callrec.model.calls import remark
from callrec.model.captures import Capture, CapturedCall, Custody
from callrec.spool.directory import Damaged, Spool
from callrec.spool.quarantine import Quarantine
from callrec.spool.recording_builder import NoSound, RecordingBuilder
from callrec.spool.tracks import NotYetClosed, Tracks, is_momentary
from callrec.worker import Worker

log = structlog.get_logger()

SPOOL, STORE = "the spool", "the archive"


class Archiver(Worker):
    """Takes recordings, calls and discards out of the spool, one after the other, until each is done."""

    def __init__(
        self,
        spool: Spool,
        tracks: Tracks,
        builder: RecordingBuilder,
        store: Store,
        database: Database,
        delete_track: Callable[[str], None],
        discarder: Discarder,
        zone: ZoneInfo,
        *,
        locked: bool,
        encryption: str = "none",
        shortest_lock: timedelta = timedelta(days=1),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`delete_track` removes a stored recording from the PBX; `locked`: objects carry a retention, of
        `shortest_lock` at least; `encryption`: how the store is to keep them, `none`, `s3` or `kms`."""
        self._spool, self._tracks, self._builder, self._store = spool, tracks, builder, store
        self._database, self._delete_track, self._zone = database, delete_track, zone
        self._locked, self._shortest_lock, self._discarder = locked, shortest_lock, discarder
        self._encryption = encryption
        self._retries = RetrySchedule(clock)
        super().__init__(lambda: self._try(SPOOL, self.work), self._retries.pause)

    def problems(self) -> list[str]:
        """Returns what keeps recordings in the spool, each problem once, and what a person has to look at.

        For `callrec status`, in the language of this process.
        """
        found = self._retries.problems()
        if self._spool.quarantined():
            text = translated("there are recordings that could not be kept in {path}: look at them")
            found.append(text.format(path=self._spool.directory / "quarantine"))
        return found

    def work(self) -> None:
        """Takes everything that is due as far as it goes; while the archive is away, as far as the spool.

        What goes wrong is noted and tried again; nothing is raised but by the spool itself.
        """
        # First: a call's own row was written before it was to be discarded, and must not come after.
        discards = {f"discard {id_}": id_ for id_ in self._discarder.waiting()}
        waiting_calls, waiting = self._spool.calls(), self._spool.waiting()
        self._retries.keep({SPOOL, *discards, *waiting_calls, *waiting, *([STORE] if waiting else [])})
        for call_id in waiting_calls:
            self._try(call_id, partial(self._catalogue_call, call_id))
        for name, recording_id in discards.items():
            self._try(name, partial(self._discarder.discard, recording_id))
        for recording_id in waiting:
            if self.is_stopping:
                return
            step = self.archive if self._retries.is_due(STORE) else self.prepare
            self._try(recording_id, partial(step, recording_id))

    def archive(self, recording_id: str) -> Manifest | None:
        """Takes one recording from the spool into the archive and returns its manifest.

        None when the PBX has no sound of it, or it was destroyed before. Raises CallrecError or OSError for
        what is to be tried again.
        """
        captured, kept = self._spool.captured_call(recording_id), self._kept(recording_id)
        if kept and kept.state is Custody.DESTROYED:
            self._destroy_again(captured)
            return None
        manifest = _manifest(kept) if kept else self._spooled(captured)
        if manifest is None:
            return None
        if kept is None:
            self._catalogue(manifest, self._put(manifest))
            log.info("archived", recording=recording_id, extension=manifest.call.extension)
        self._let_go(captured, manifest)
        return manifest

    def prepare(self, recording_id: str) -> None:
        """Takes one recording as far as it goes without the archive: it is whole in the spool then."""
        captured, kept = self._spool.captured_call(recording_id), self._kept(recording_id)
        if kept is None:
            self._spooled(captured)
        elif kept.state is Custody.DESTROYED:
            self._destroy_again(captured)

    # --- steps

    def _kept(self, recording_id: str) -> ArchivedRecording | None:
        """Returns the catalogue's row of a recording; None as long as it is not archived.

        A row is written only once the objects were proved. What was captured can come back after that, from a
        crash between two steps; it must not be made anew.
        """
        with self._database.read() as connection:
            return calls.find_recording(connection, recording_id)

    def _destroy_again(self, captured: CapturedCall) -> None:
        """Destroys what came back of a recording that was destroyed."""
        self._discarder.destroy_again(captured)
        id_ = captured.capture.recording_id
        self._tracks.forget(id_)
        log.warning("a recording that was destroyed came back, and was destroyed again", recording=id_)

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
            (self._over_at_once if momentary else self._lost)(captured)
            return None

    def _put(self, manifest: Manifest) -> Versions:
        """Puts the sound and its manifest into the store, reads both back, and returns their versions."""
        id_, key = manifest.recording_id, object_key(manifest, self._zone)
        until = manifest.retain_until
        audio = self._put_file(self._builder.audio_file(id_), key, "audio/flac", until)
        sidecar = self._put_file(
            self._builder.manifest_file(id_), manifest_key(key), "application/json", until
        )
        self._retries.done(STORE)
        return Versions(audio, sidecar)

    def _put_file(self, source: Path, key: str, kind: str, until: datetime) -> str | None:
        """Puts a file and proves it. Returns the version of the object; None from a store that has none."""
        digest = file_sha256(source)
        self._store.put(key, source, digest, kind, max(until, datetime.now(UTC) + self._shortest_lock))
        return self._prove(key, source, digest, until)

    def _prove(self, key: str, source: Path, digest: str, until: datetime) -> str | None:
        """Returns the version that was read back.

        Raises EvidenceBroken unless the store holds exactly the file's bytes, locked and encrypted as asked.
        """
        found = self._store.head(key)
        stored = hashlib.sha256()
        # The version that is proved here is the one that is ever read again (decision 6).
        for chunk in self._store.read(key, found.version):
            stored.update(chunk)
        if stored.hexdigest() != digest or found.size != source.stat().st_size:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        if found.sha256 not in (None, digest):
            raise EvidenceBroken("the S3 server has another checksum for {key}", key=key)
        if self._locked and not found.is_locked_until(until):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )
        check_encryption(found, self._encryption)
        return found.version

    def _catalogue(self, manifest: Manifest, versions: Versions) -> None:
        id_, key, now = manifest.recording_id, object_key(manifest, self._zone), datetime.now(UTC)
        data = self._builder.manifest_file(id_).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        capture, audio = manifest.capture, manifest.audio
        put = {
            "key": key,
            "manifest_sha256": digest,
            "version": versions.audio,
            "manifest_version": versions.manifest,
        }
        with self._database.begin() as connection:
            calls.save_recording(
                connection,
                manifest,
                key=key,
                manifest_sha256=digest,
                versions=versions,
                plain=json.loads(data),
            )
            for action, at, details in (
                ("captured", capture.started_at, {"kept_because": capture.kept_because}),
                ("spooled", manifest.created_at, {"sha256": audio.sha256}),
                ("archived", now, put),
            ):
                statements.enter(connection, id_, action, who=WHO, at=at, **details)  # decision 7

    def _let_go(self, captured: CapturedCall, manifest: Manifest) -> None:
        """Removes what the archive has from the PBX and the spool; what it has not is quarantined."""
        id_, archived = captured.capture.recording_id, _names(manifest.capture)
        for track in self._tracks.fetched(captured):
            if track.name in archived:
                self._delete_track(track.name)
        not_whole = self._tracks.damaged(id_) or self._tracks.short(captured)
        if not_whole or _names(captured.capture) - archived:
            self._spool.quarantine(id_)
            log.error("not all of a recording could be archived", recording=id_)
        else:
            self._spool.remove(id_)
        self._tracks.forget(id_)

    def _catalogue_call(self, call_id: str) -> None:
        try:
            call = self._spool.call_of(call_id)
        except Damaged as error:
            self._spool.quarantine_call(call_id)
            log.error("a damaged call was quarantined", call=call_id, problem=str(error))
            return
        with self._database.begin() as connection:
            if not calls.is_recorded(connection, call_id):  # its recording, which came first, knew more
                calls.save_call(connection, call)
        self._spool.remove_call(call_id)

    def _over_at_once(self, captured: CapturedCall) -> None:
        """Notes in the call's row that whoever answered hung up at once; there is nothing to look at."""
        over = remark("the call was over before there was sound to record")
        with self._database.begin() as connection:
            calls.save_call(connection, replace(captured.call, notes=(*captured.call.notes, over)))
        for track in self._tracks.fetched(captured):
            self._delete_track(track.name)
        self._spool.remove(captured.capture.recording_id)
        self._tracks.forget(captured.capture.recording_id)

    def _lost(self, captured: CapturedCall) -> None:
        """Notes in the call's row and the custody log that a recording is lost: nobody has sound of it."""
        id_ = captured.capture.recording_id
        lost = remark("recording {id} is lost: {problem}", id=id_, problem=_failures(captured))
        call = replace(captured.call, notes=(*captured.call.notes, lost))
        with self._database.begin() as connection:
            calls.save_call(connection, call)
            if _last(connection, id_) != "lost":  # after a crash it is done again
                statements.enter(connection, id_, "lost", who=WHO, at=datetime.now(UTC), call=call.id)
        self._spool.quarantine(id_)
        self._tracks.forget(id_)
        log.error("a recording is lost", recording=id_, call=call.id, extension=call.extension)

    def take_back(self, recording_id: str) -> bool:
        """Has a recording that was declared lost archived after all: its sound was found on the PBX.

        Written down in the custody log and in the call's notes. For who compares what the PBX has with what
        is in the quarantine (`spool.quarantine`). Can be repeated. Returns False where it is not in the
        quarantine, or is in the archive or was destroyed. Raises CatalogueUnreachable, OSError.
        """
        quarantine = Quarantine(self._spool)
        captured = quarantine.find(recording_id)
        if captured is None or self._kept(recording_id):
            return False
        with self._database.begin() as connection:
            if _last(connection, recording_id) != "found-again":  # after a crash it is done again
                statements.enter(connection, recording_id, "found-again", who=WHO, at=datetime.now(UTC))
        note = remark("recording {id} was declared lost, and its sound was found again", id=recording_id)
        before = [each for each in captured.call.notes if each != note]
        quarantine.give_back(replace(captured, call=replace(captured.call, notes=(*before, note))))
        log.warning("a recording that was lost is found again", recording=recording_id, call=captured.call.id)
        self.wake()
        return True

    # --- retries

    def _try(self, name: str, step: Callable[[], object]) -> None:
        """Does a step that is due. What goes wrong is tried again later; the others must go on."""
        if not self._retries.is_due(name):
            return
        try:
            step()
        except NotYetClosed:
            self._retries.failed(name, "")
        except StoreUnreachable as error:
            self._retries.done(name)
            self._failed(STORE, error)
        except Exception as error:
            self._failed(name, error)
        else:
            self._retries.done(name)

    def _failed(self, name: str, error: Exception) -> None:
        expected = isinstance(error, (CallrecError, OSError))
        if not expected:
            log.exception("a bug: please report it", what=name)
        count = self._retries.failed(name, problem_of(error))
        log.warning("not archived yet", what=name, problem=problem_of(error), attempt=count)


def object_key(manifest: Manifest, zone: ZoneInfo) -> str:
    """Returns the key of a recording's sound in the bucket: by facility, and by day.

    `recordings/{facility}/{yyyy}/{mm}/{dd}/{recording}.flac`. The facility is the code of that of the call's
    extension, or `unassigned`; the day that of `capture.started_at`, the moment in which the recording was
    begun, in the office's zone; the recording its id, a UUID of version 7 (`ids`). Nothing comes before it.
    """
    day = manifest.capture.started_at.astimezone(zone)  # decision 6: people look for days
    return f"recordings/{manifest.call.facility}/{day:%Y/%m/%d}/{manifest.recording_id}.flac"


def manifest_key(audio_key: str) -> str:
    """Returns the key of the manifest that belongs to a sound: `.manifest.json` in place of `.flac`."""
    return audio_key.removesuffix(".flac") + ".manifest.json"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(kept: ArchivedRecording) -> Manifest:
    return read(json.dumps(kept.manifest).encode())


def _failures(captured: CapturedCall) -> str:
    tracks = [track for segment in captured.capture.segments for track in (segment.external, segment.staff)]
    return next((track.failed for track in tracks if track.failed), "the PBX has no sound of it")


def _last(connection: Connection, recording_id: str) -> str:
    """Returns what was last done to a recording; empty where nothing was."""
    entries = custody.of(connection, recording_id)
    return entries[-1].action if entries else ""


def _names(capture: Capture) -> set[str]:
    return {track.name for segment in capture.segments for track in (segment.external, segment.staff)}
