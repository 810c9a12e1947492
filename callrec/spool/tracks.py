"""Fetches the tracks of captures from the PBX into the spool.

A track that the PBX does not have is asked for again for long: a PBX that was just restarted, or whose folder
of recordings is away, says the same of sound that is there. What it has but cannot be read is kept as it is,
beside the recording that is made without it. The tracks on the PBX are deleted by the archiver.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from callrec.errors import CallrecError, EvidenceBroken, NotFound
from callrec.files import Draft, draft, rename, sync, write_whole
from callrec.model.calls import Note, remark
from callrec.model.captures import Capture, CapturedCall, Track
from callrec.moments import FARTHEST, lasted
from callrec.spool.absences import Absences
from callrec.spool.directory import Spool
from callrec.spool.sound import Wav

SIDES = ("external", "staff")
DAMAGED = ".damaged"
TAKEN = "tracks.json"
"""The file that says what there was of the tracks that are in the spool no more."""
CLOSED_WITHIN = timedelta(seconds=10)
"""A file whose header is not finished this long after the end was left so by a crash of the PBX. By how much
clocks that agree can differ comes to that."""
FLUSHED_WITHIN = timedelta(seconds=5)
"""How long after the end the PBX may still write what it has buffered: before that, a file that seems empty
may not be, for of less than two seconds there is nothing but a header until it is closed."""
ABSENT_TIMES, ABSENT_SECONDS = 4, 120.0
"""How often, and over how long, the PBX must say that it has no sound of one track beside others that it has,
or that what it has of a recording is no sound, before that is believed."""
LOST_SECONDS = 86_400.0
"""Over how long it must say so of all of a recording: a disk may be away for a night."""

SHORT_SECONDS, SHORT_SHARE = 2.0, 0.01
"""A track that lacks more than these seconds, and more than this part of the time it ran, is not whole. The
PBX writes by its own clock, also where no packets come: what was measured ends within 0.1 s."""

MOMENT_SECONDS = 1.0
"""A call that is shorter may be over before the PBX has begun to record it."""

Fetch = Callable[[str, Path], bool]
"""Fetches a stored recording of the PBX into a file; False when the PBX has none of that name."""
HasOthers = Callable[[Iterable[str]], bool]
"""Tells whether the PBX has one of these stored recordings now, or any other: then its folder is there."""


class NotYetClosed(CallrecError):
    """The PBX is still writing a track; it will be asked again."""


class NotYetThere(NotFound):
    """The PBX says that it has no sound of a track; it will be asked again before that is believed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A track that was fetched. `wav` is None when there is no sound in it; `note` says why, if that matters.

    `absent`: the PBX says that it has no file of it.
    """

    track: Track
    wav: Wav | None
    note: Note | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The names of the tracks that were fetched to their last sample, and of those that are shorter than the
    time they ran."""

    whole: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


_TAKEN: TypeAdapter[Taken] = TypeAdapter(Taken)


class Tracks:
    """Fetches the tracks of captures. `pbx_answers` raises when the PBX does not; `clock` counts seconds.

    `has_others` proves that the PBX's folder of recordings is there.
    """

    def __init__(
        self,
        spool: Spool,
        fetch: Fetch,
        pbx_answers: Callable[[], object],
        has_others: HasOthers,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` tells this moment, as most clocks do."""
        self._spool, self._fetch, self._now = spool, fetch, now
        self._pbx_answers, self._has_others = pbx_answers, has_others
        self._absences, self._clock = Absences(spool.folder, clock), clock
        self._asked: dict[str, float] = {}
        """When each recording's tracks were asked for first, in seconds of the clock."""

    def fetch(self, captured: CapturedCall) -> dict[tuple[int, str], Fetched]:
        """Fetches the tracks that are not in the spool yet; returns all, by their segment's number and side.

        Raises NotYetClosed while the PBX still writes one, and NotYetThere until it is believed to have none.
        """
        open_yet = self._may_be_written(captured.capture, CLOSED_WITHIN)
        empty_yet = self._may_be_written(captured.capture, FLUSHED_WITHIN)
        found = {
            (number, side): self._one(track, path, open_yet=open_yet, empty_yet=empty_yet)
            for number, side, track, path in self._places(captured)
        }
        self._believe(captured, list(found.values()))
        given_up = {each.number for each in captured.capture.segments if each.was_given_up}
        return {
            key: replace(each, note=None) if each.absent and key[0] in given_up else each
            for key, each in found.items()
        }

    def fetched(self, captured: CapturedCall) -> list[str]:
        """Returns the names of the tracks that were fetched to their last sample: the PBX may let go of
        them, once the archive has what was made of them."""
        return list(self._taken(captured).whole)

    def short(self, captured: CapturedCall) -> bool:
        """Returns whether less of a track was fetched than it ran."""
        return bool(self._taken(captured).short)

    def drop_copies(self, captured: CapturedCall) -> None:
        """Removes the tracks from the spool, and keeps in mind what there was of each: what was made of them
        is proved. Can be repeated. The PBX has the originals; what cannot be read stays."""
        copies = [path for _, _, _, path in self._places(captured) if path.exists()]
        if not copies:
            return
        write_whole(self._taken_file(captured), _TAKEN.dump_json(self._taken(captured)))
        for path in copies:
            path.unlink()
        sync(copies[0].parent)

    def _taken(self, captured: CapturedCall) -> Taken:
        """Returns what was fetched, of the tracks that are in the spool and of those that were."""
        file = self._taken_file(captured)
        before = _TAKEN.validate_json(file.read_bytes()) if file.exists() else Taken()
        here = [(track, Wav(path)) for _, _, track, path in self._places(captured) if path.exists()]
        short = {track.name for track, wav in here if missing_seconds(track, wav)}
        whole = {*before.whole, *(track.name for track, _ in here)} - short
        return Taken(tuple(sorted(whole)), tuple(sorted({*before.short, *short} - whole)))

    def _taken_file(self, captured: CapturedCall) -> Path:
        return self._spool.folder(captured.capture.recording_id) / TAKEN

    def damaged(self, recording_id: str) -> bool:
        """Returns whether a track of the recording was kept because it cannot be read."""
        return any(self._spool.folder(recording_id).glob(f"*{DAMAGED}"))

    def forget(self, recording_id: str) -> None:
        """Forgets what the PBX said of a recording, which waits no more."""
        self._absences.forget(recording_id)
        self._asked.pop(recording_id, None)

    def _places(self, captured: CapturedCall) -> Iterator[tuple[int, str, Track, Path]]:
        folder = self._spool.folder(captured.capture.recording_id)
        for segment in captured.capture.segments:
            for side, track in zip(SIDES, (segment.external, segment.staff), strict=True):
                yield segment.number, side, track, folder / f"{segment.number}-{side}.wav"

    def _may_be_written(self, capture: Capture, within: timedelta) -> bool:
        """Returns whether the PBX may still write the files: for a while after the end, and since they were
        asked for first, as a clock may say that they end tomorrow."""
        asked, ended_at = self._asked.setdefault(capture.recording_id, self._clock()), capture.ended_at
        if ended_at is None or self._now() - ended_at >= within + FARTHEST:
            return False
        return self._clock() - asked < within.total_seconds()

    def _one(self, track: Track, path: Path, *, open_yet: bool, empty_yet: bool) -> Fetched:
        if path.exists():
            try:
                return _taken(track, path)
            except EvidenceBroken:  # the copy: the PBX still has the original
                rename(path, _damaged(path))
        with draft(path) as fetched:
            if not self._fetch(track.name, fetched.path):
                absent = remark(
                    "the PBX has no sound of track {track}: silence stands in for it", track=track.name
                )
                return Fetched(track, None, absent, absent=True)
            return _read(track, fetched, path, still_written=open_yet, empty_yet=empty_yet)

    def _believe(self, captured: CapturedCall, found: list[Fetched]) -> None:
        """Returns once the PBX has said often enough, and for long enough, that tracks are absent, while it
        had others.

        Raises NotYetThere before; of a call that was over before there was sound NotYetClosed, which is no
        problem for people to see.
        """
        recording_id, missed = captured.capture.recording_id, _doubtful(found)
        if missed is None or _is_empty(captured, found):
            return self._absences.forget(recording_id)
        self._pbx_answers()
        if _is_doubted(captured, found) and not self._has_others(_there(found)):
            self._absences.unknown(recording_id)
        else:
            absence = self._absences.said(recording_id, missed)
            if absence.times >= ABSENT_TIMES and absence.seconds >= _patience(captured, found):
                return None
        if _was_over_before_sound(captured, found):
            raise NotYetClosed("the PBX has no sound of {name} yet", name=missed[0])
        raise NotYetThere(
            "the PBX has no sound of recording {id} ({tracks}): it will be asked again; "
            "is its folder of recordings there?",
            id=recording_id,
            tracks=", ".join(missed),
        )


def _patience(captured: CapturedCall, found: list[Fetched]) -> float:
    """Returns for how many seconds the PBX must say that it has not what is missed of a recording."""
    if _was_over_before_sound(captured, found):
        return 0.0
    nothing = not any(each.wav for each in found) and any(each.absent for each in found)
    return LOST_SECONDS if nothing else ABSENT_SECONDS


def _is_doubted(captured: CapturedCall, found: list[Fetched]) -> bool:
    """Returns whether a track that should be there is not, as if the PBX's folder were away."""
    return any(each.absent for each in found) and not _was_over_before_sound(captured, found)


def _there(found: list[Fetched]) -> list[str]:
    return [each.track.name for each in found if not each.absent]


def is_momentary(capture: Capture) -> bool:
    """Returns whether a capture was over within a moment: whoever answered hung up at once."""
    most = timedelta(seconds=MOMENT_SECONDS)
    ended_at = capture.ended_at
    # Where it ended before it began a clock was set, and how long it was is not known.
    return ended_at is not None and (lasted(capture.started_at, ended_at) or most) < most


def _was_over_before_sound(captured: CapturedCall, found: list[Fetched]) -> bool:
    """Returns whether a momentary capture has no sound because the PBX recorded nothing of it.

    Its files are there and empty, or were never begun. One that was begun and is gone: its disk may be away.
    So may that of a call whose end nobody saw: it may have lasted.
    """
    seen = captured.call.ended_at is not None
    return (seen and is_momentary(captured.capture)) and all(
        not each.track.started_at if each.absent else not each.wav and not each.note for each in found
    )


def _is_empty(captured: CapturedCall, found: list[Fetched]) -> bool:
    """Whether the PBX has all files of a momentary capture, and there is nothing in them."""
    return _was_over_before_sound(captured, found) and not any(each.absent for each in found)


def _damaged(path: Path) -> Path:
    return path.with_name(path.name + DAMAGED)


def _read(track: Track, fetched: Draft, path: Path, *, still_written: bool, empty_yet: bool) -> Fetched:
    """Takes a file that was just fetched into the spool. Raises NotYetClosed when it may not be whole yet."""
    try:
        wav, problem = Wav(fetched.path), None
        closed = wav.is_closed and bool(wav.frames or not empty_yet)
    except EvidenceBroken as error:
        closed, problem = False, error
    if not closed and still_written:
        raise NotYetClosed("the PBX still writes {name}", name=track.name)
    if problem:
        fetched.publish(_damaged(path))
        damaged = remark(
            "track {track} cannot be read ({problem}): silence stands in for it, the file is kept aside",
            track=track.name,
            problem=problem,
        )
        return Fetched(track, None, damaged)
    fetched.publish()
    return _taken(track, path)


def _taken(track: Track, path: Path) -> Fetched:
    wav = Wav(path)
    missing = missing_seconds(track, wav)
    short = remark(
        "track {track} is {seconds} s shorter than the time it ran: it stays on the PBX",
        track=track.name,
        seconds=round(missing, 1),
    )
    return Fetched(track, wav if wav.frames else None, short if missing else None)


def missing_seconds(track: Track, wav: Wav) -> float:
    """Returns how many seconds a track lacks of the time it ran; 0 for what clocks differ by.

    It is 0 too where that time is not known, and where the PBX broke off: it has no more than this then.
    """
    if track.failed or not track.started_at or not track.finished_at or not wav.is_closed:
        return 0.0
    ran = (lasted(track.started_at, track.finished_at) or timedelta(0)).total_seconds()
    missing = ran - wav.seconds
    return missing if missing > max(SHORT_SECONDS, SHORT_SHARE * ran) else 0.0


def _doubtful(found: list[Fetched]) -> tuple[str, ...] | None:
    """Returns the tracks whose absence must not be believed at once; None when there is no such doubt.

    Of a recording that has sound, a track that is known never to have begun is not waited for.
    """
    if not any(each.wav for each in found):
        return tuple(each.track.name for each in found)
    begun = [each.track for each in found if each.track.started_at or not each.track.failed]
    absent = {each.track.name for each in found if each.absent}
    return tuple(track.name for track in begun if track.name in absent) or None
