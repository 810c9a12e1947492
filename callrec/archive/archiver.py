"""From the spool into the archive: put, read back, compared, catalogued; only then let go.

Each step can be repeated after a crash or a failure, and nothing is removed anywhere before the next
place has proved that it holds the same bytes.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from callrec.archive.store import Store
from callrec.catalogue import calls, custody
from callrec.catalogue.database import Database
from callrec.errors import CallrecError, EvidenceBroken, NotFound
from callrec.manifest import Manifest
from callrec.model import Draft, remark
from callrec.spool.box import Spool
from callrec.spool.spooler import NotYetClosed, Spooler

log = structlog.get_logger()

WHO = "callrec"
IDLE_SECONDS = 5.0
BACKOFF_SECONDS = (0.3, 1.0, 2.0, 5.0, 15.0, 60.0)
LOST_AFTER = 4
"""How often the PBX must say that it has no sound of a recording before that is written down."""


@dataclass(slots=True)
class Attempt:
    """How it went with one recording so far."""

    count: int = 0
    due: float = 0.0
    problem: str = ""


class Archiver:
    """Takes recordings and calls out of the spool, one after the other."""

    def __init__(
        self,
        spool: Spool,
        spooler: Spooler,
        store: Store,
        database: Database,
        delete_track: Callable[[str], None],
        zone: ZoneInfo,
        *,
        locked: bool,
    ) -> None:
        """`delete_track` removes a stored recording from the PBX; `locked`: objects carry a retention."""
        self._spool, self._spooler, self._store = spool, spooler, store
        self._database, self._delete_track, self._zone = database, delete_track, zone
        self._locked = locked
        self._attempts: dict[str, Attempt] = {}
        self._wake, self._stopping = threading.Event(), threading.Event()

    def run(self) -> None:
        """Works until `stop`."""
        while not self._stopping.is_set():
            self._wake.clear()
            self.work()
            self._wake.wait(self._pause())

    def stop(self) -> None:
        """Ends `run` after the recording that is being worked on."""
        self._stopping.set()
        self._wake.set()

    def wake(self) -> None:
        """Something was put into the spool."""
        self._wake.set()

    def problems(self) -> list[str]:
        """What keeps recordings in the spool, each problem once."""
        return sorted({attempt.problem for attempt in list(self._attempts.values()) if attempt.problem})

    def work(self) -> None:
        """Takes everything that is due as far as it goes."""
        self._try("calls", self._catalogue_calls)
        for recording_id in self._spool.waiting():
            if self._stopping.is_set():
                return
            self._try(recording_id, lambda id_=recording_id: self.archive(id_))  # type: ignore[misc]

    def archive(self, recording_id: str) -> Manifest | None:
        """Takes one recording from the spool into the archive. None when there was nothing to take."""
        draft = self._spool.draft_of(recording_id)
        try:
            manifest = self._spooler.spool(recording_id)
        except NotFound as error:
            self._lost(draft, error)
            return None
        self._put(manifest)
        self._catalogue(manifest)
        for part in draft.capture.parts:
            self._delete_track(part.external.name)
            self._delete_track(part.staff.name)
        self._spool.remove(recording_id)
        log.info("archived", recording=recording_id, extension=manifest.call.extension)
        return manifest

    # --- steps

    def _put(self, manifest: Manifest) -> None:
        """Puts the sound and its manifest, and reads both back."""
        key = object_key(manifest, self._zone)
        until = manifest.retain_until
        for source, target, kind in (
            (self._spooler.audio_file(manifest.recording_id), key, "audio/flac"),
            (self._spooler.manifest_file(manifest.recording_id), manifest_key(key), "application/json"),
        ):
            digest = file_sha256(source)
            self._store.put(target, source, digest, kind, until)
            self._prove(target, source, digest, until)

    def _prove(self, key: str, source: Path, digest: str, until: datetime) -> None:
        """Raises EvidenceBroken unless the store holds exactly these bytes, locked as asked."""
        found = self._store.head(key)
        read = hashlib.sha256()
        for chunk in self._store.read(key):
            read.update(chunk)
        if read.hexdigest() != digest or found.size != source.stat().st_size:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        if found.sha256 not in (None, digest):
            raise EvidenceBroken("the S3 server has another checksum for {key}", key=key)
        if self._locked and (found.retain_until is None or found.retain_until < _whole_second(until)):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )

    def _catalogue(self, manifest: Manifest) -> None:
        id_, key, now = manifest.recording_id, object_key(manifest, self._zone), datetime.now(UTC)
        digest = file_sha256(self._spooler.manifest_file(id_))
        with self._database.begin() as connection:
            if calls.has_recording(connection, id_):
                return
            calls.save_recording(connection, manifest, key=key, manifest_sha256=digest)
            capture, audio = manifest.capture, manifest.audio
            custody.append(
                connection, id_, "captured", who=WHO, at=capture.started_at, kept_because=capture.kept_because
            )
            custody.append(connection, id_, "spooled", who=WHO, at=manifest.created_at, sha256=audio.sha256)
            custody.append(connection, id_, "archived", who=WHO, at=now, key=key, manifest_sha256=digest)

    def _catalogue_calls(self) -> None:
        for call in self._spool.calls():
            with self._database.begin() as connection:
                calls.save_call(connection, call)
            self._spool.remove_call(call.id)

    def _lost(self, draft: Draft, error: NotFound) -> None:
        """The PBX recorded nothing: after several tries that is what the call's row says."""
        id_ = draft.capture.recording_id
        attempt = self._attempts.setdefault(id_, Attempt())
        if attempt.count < LOST_AFTER:
            raise error
        lost = remark("recording {id} is lost: {problem}", id=id_, problem=_failures(draft))
        call = replace(draft.call, notes=(*draft.call.notes, lost))
        with self._database.begin() as connection:
            calls.save_call(connection, call)
            custody.append(connection, id_, "lost", who=WHO, at=datetime.now(UTC), call=call.id)
        self._spool.set_aside(id_)
        log.error("a recording is lost", recording=id_, call=call.id, extension=call.extension)

    # --- retries

    def _try(self, name: str, step: Callable[[], object]) -> None:
        attempt = self._attempts.setdefault(name, Attempt())
        if attempt.due > time.monotonic():
            return
        try:
            step()
        except (CallrecError, OSError) as error:
            self._failed(name, attempt, error)
        else:
            del self._attempts[name]

    def _failed(self, name: str, attempt: Attempt, error: Exception) -> None:
        attempt.due = time.monotonic() + BACKOFF_SECONDS[min(attempt.count, len(BACKOFF_SECONDS) - 1)]
        attempt.count += 1
        if isinstance(error, NotYetClosed):
            return
        attempt.problem = error.shown() if isinstance(error, CallrecError) else str(error)
        log.warning("not archived yet", what=name, problem=str(error), attempt=attempt.count)

    def _pause(self) -> float:
        """Seconds until the next thing is due."""
        due = [attempt.due for attempt in self._attempts.values()]
        return max(0.05, min([IDLE_SECONDS, *(each - time.monotonic() for each in due)]))


def object_key(manifest: Manifest, zone: ZoneInfo) -> str:
    """Where a recording stands in the bucket: by facility and by the day in the facility's zone."""
    day = manifest.capture.started_at.astimezone(zone)
    return f"recordings/{manifest.call.facility}/{day:%Y/%m/%d}/{manifest.recording_id}.flac"


def manifest_key(audio_key: str) -> str:
    return audio_key.removesuffix(".flac") + ".manifest.json"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failures(draft: Draft) -> str:
    tracks = [track for part in draft.capture.parts for track in (part.external, part.staff)]
    return next((track.failed for track in tracks if track.failed), "the PBX has no sound of it")


def _whole_second(moment: datetime) -> datetime:
    """S3 servers keep retention to the second."""
    return moment.replace(microsecond=0)
