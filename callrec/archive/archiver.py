"""Takes recordings, calls and discards out of the spool, on lanes side by side, until each is done.

Discards and the rows of calls wait for no recording, nothing is fetched later because something is uploaded,
and what is short waits for nothing that is long. What is done with one recording is the matter of
`recordings`; what fails, and when it is tried again, that of `attempts`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import structlog

from callrec.archive.attempts import CATALOGUE, STORE, Attempts
from callrec.archive.discarder import Discarder
from callrec.archive.lane import Lane
from callrec.archive.recordings import Recordings
from callrec.archive.rows import CallRows
from callrec.errors import Sentence
from callrec.manifest import Manifest
from callrec.meters import Meters
from callrec.spool.directory import Damaged, Spool
from callrec.spool.recording_builder import RecordingBuilder

log = structlog.get_logger()

SHORT_SECONDS, SHORT_BYTES = 600.0, 1 << 24
"""What need not wait behind what is longer: a recording of so much sound, a file of so many bytes."""
END_SECONDS = 20.0
"""How long what is under way may take to its end when the archiver is stopped; after a start it is begun
again."""

Step = tuple[str, Callable[[], object]]
Fits = Callable[[str], bool]


class Archiver(Lane):
    """Works through what waits in the spool. It is the lane of discards and calls itself.

    `run` runs the other lanes beside it, and ends with the first that ends.
    """

    def __init__(
        self,
        spool: Spool,
        builder: RecordingBuilder,
        recordings: Recordings,
        rows: CallRows,
        discarder: Discarder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self._small_things, Attempts(clock))
        self._spool, self._builder = spool, builder
        self._recordings, self._rows, self._discarder = recordings, rows, discarder
        self._joined = set[str]()
        """What waits for the archive alone. While that is away for days, none of it is looked at again."""
        self._joining = [self._lane(self._to_join, fits) for fits in (_any, self._is_short)]
        self._uploading = [self._lane(self._to_upload, fits) for fits in (_any, _any, self._is_small)]

    def _lane(self, waiting: Callable[[Fits], Iterator[Step]], fits: Fits) -> Lane:
        # Its own lane looks around then: what was done here needs no try any more.
        return Lane(lambda: waiting(fits), self.attempts, super().wake)

    # --- for others

    def problems(self) -> list[str | Sentence]:
        """Returns what keeps recordings in the spool, each problem once, and what a person has to look at."""
        found = self.attempts.problems()
        if self._spool.quarantined():
            path = self._spool.directory / "quarantine"
            found.append(
                Sentence("there are recordings that could not be kept in {path}: look at them", path=path)
            )
        return found

    def meter(self, meters: Meters) -> None:
        """Has everything counted by these meters from now on."""
        self.attempts.meters = self._recordings.meters = meters

    def archive(self, recording_id: str) -> Manifest | None:
        """Does as Recordings.archive, now."""
        return self._recordings.archive(recording_id)

    def take_back(self, recording_id: str) -> bool:
        """Does as Recordings.take_back, and sees to it at once."""
        taken = self._recordings.take_back(recording_id)
        self.wake()
        return taken

    def work(self) -> None:
        """Takes everything that is due as far as it goes, on this thread; while the archive is away, as far
        as the spool. What goes wrong is noted and tried again."""
        for lane in (self, self._joining[0], self._uploading[0]):
            lane.take()

    # --- the lanes

    def run(self) -> None:
        beside = [*self._joining, *self._uploading]
        # As daemons: an upload that hangs must not keep the process from ending.
        threads = [threading.Thread(target=self._beside, args=(lane,), daemon=True) for lane in beside]
        for thread in threads:
            thread.start()
        super().run()
        self.stop()
        end = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _beside(self, lane: Lane) -> None:
        try:
            lane.run()
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends `run` after what is being worked on, of which each may take END_SECONDS."""
        for lane in (*self._joining, *self._uploading):
            lane.stop()
        super().stop()

    def wake(self) -> None:
        """Tells that there may be something to do, for any lane."""
        for lane in (*self._joining, *self._uploading):
            lane.wake()
        super().wake()

    # --- what waits for each

    def _small_things(self) -> Iterator[Step]:
        # First: a call's own row was written before it was to be discarded, and must not come after.
        discards = {f"discard {id_}": id_ for id_ in self._discarder.waiting()}
        waiting_calls = self._spool.calls()
        self.attempts.keep({*discards, *waiting_calls, *self._spool.waiting()})
        for call_id in waiting_calls:
            if self.attempts.is_due(CATALOGUE):
                yield call_id, partial(self._asking, partial(self._rows.catalogue, call_id))
        for name, recording_id in discards.items():
            yield name, partial(self._asking, partial(self._discarder.discard, recording_id))

    def _to_join(self, fits: Fits) -> Iterator[Step]:
        waiting = self._spool.waiting()
        self._joined.intersection_update(waiting)
        for id_ in waiting:
            if self.attempts.is_due(id_) and not self._is_joined(id_) and fits(id_):
                yield id_, partial(self._unless_gone, id_, partial(self._join, id_))

    def _to_upload(self, fits: Fits) -> Iterator[Step]:
        for id_ in self._spool.waiting() if self._may_upload() else ():
            if not self._may_upload():
                return
            if not self._builder.is_joined(id_):
                self._joined.discard(id_)  # its sound was damaged here, and is to be joined anew
            elif self.attempts.is_due(id_) and fits(id_):
                yield id_, partial(self._unless_gone, id_, partial(self._asking, partial(self._upload, id_)))

    def _is_joined(self, recording_id: str) -> bool:
        if recording_id not in self._joined and self._builder.is_joined(recording_id):
            self._joined.add(recording_id)
        return recording_id in self._joined

    def _may_upload(self) -> bool:
        return self.attempts.is_due(STORE) and self.attempts.is_due(CATALOGUE)

    def _is_short(self, recording_id: str) -> bool:
        with suppress(Damaged, FileNotFoundError):
            capture = self._spool.captured_call(recording_id).capture
            if capture.ended_at:
                return (capture.ended_at - capture.started_at).total_seconds() <= SHORT_SECONDS
        return False

    def _is_small(self, recording_id: str) -> bool:
        return self._size(recording_id) <= SHORT_BYTES

    def _size(self, recording_id: str) -> int:
        """Returns the bytes of a joined file; 0 where it is gone, which `archive` sees to."""
        with suppress(FileNotFoundError):
            return self._builder.audio_file(recording_id).stat().st_size
        return 0

    # --- what is done with it

    def _unless_gone(self, recording_id: str, step: Callable[[], object]) -> None:
        """Does a step of a recording, unless another lane has taken it out of the spool since it was seen."""
        try:
            step()
        except FileNotFoundError:
            if self._spool.is_waiting(recording_id):
                raise

    def _asking(self, step: Callable[[], object]) -> None:
        """Does what needs the catalogue, which answers then."""
        step()
        self.attempts.done(CATALOGUE)

    def _join(self, recording_id: str) -> None:
        ask = self.attempts.is_due(CATALOGUE)
        prepare = partial(self._recordings.prepare, recording_id, ask=ask)
        if ask:
            self._asking(prepare)
        else:
            prepare()
        for lane in self._uploading:
            lane.wake()

    def _upload(self, recording_id: str) -> None:
        with self.attempts.upload(recording_id, self._size(recording_id)):
            self._recordings.archive(recording_id)


def _any(_recording_id: str) -> bool:
    return True
