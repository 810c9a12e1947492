"""Asks the PBX, the spool and the catalogue what is recorded, and does what is to be done about differences.

What is done goes the ordinary way: into the spool, as the controller would have put it there, from where the
archiver archives and the discarder destroys. So it can be done twice, and by a command as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from callrec.archive.store import BrowsingStore
from callrec.catalogue import calls, reconciling
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection, Database
from callrec.controller import drafts
from callrec.controller.controller import parsed_keys
from callrec.fallback import journal
from callrec.health import differences
from callrec.health.archived_tracks import ArchivedTracks
from callrec.health.differences import Calls, Difference, Kind, Recorded, Tracks
from callrec.health.found_tracks import captured, found_id
from callrec.health.stored_names import StoredNames
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Custody
from callrec.pbx.events import Channel
from callrec.policy.decide import Defaults
from callrec.spool.directory import Spool
from callrec.spool.quarantine import Quarantine

log = structlog.get_logger()


class Pbx(Protocol):
    """What a PBX has of calls and recordings. Refusals and silence are CallrecErrors."""

    def channels(self) -> list[Channel]: ...
    def stored(self) -> list[str]: ...
    def stored_size(self, name: str) -> int | None: ...
    def hang_up(self, channel_id: str) -> None: ...


class AstDb(Protocol):
    """What is asked of a PBX's own database (AstDB)."""

    def tree(self, family: str) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class RecordedParts:
    """What is compared, and with what. `followed` returns the recordings that a controller has in memory;
    `take_back` has a recording that was declared lost archived after all, by its id; `store` makes the
    bucket, which is asked only before sound is destroyed because it has that."""

    pbx: Pbx
    astdb: Callable[[], AbstractContextManager[AstDb]]
    spool: Spool
    database: Database
    name: str
    """The PBX's, as the settings have it."""
    defaults: Defaults
    followed: Callable[[], set[str]]
    take_back: Callable[[str], object]
    store: Callable[[], BrowsingStore]
    pbx_ahead: Callable[[], timedelta] = lambda: timedelta(0)
    """By how much the PBX's clock, which dates keys, is ahead of ours, which is in the names of tracks."""


class RecordedLook:
    """Looks at what is recorded. All methods raise CallrecError where a part does not answer, and OSError
    where the spool's disk does not."""

    def __init__(self, parts: RecordedParts) -> None:
        self._parts = parts
        self._names = StoredNames(parts.pbx)

    def look(self, *, whole: bool) -> list[Difference]:
        """Returns the differences there are now. `whole`: the PBX is asked for all its stored recordings."""
        return differences.of_recorded(self._said(whole=whole))

    def resolve(self, difference: Difference) -> None:
        """Does what is to be done about a difference; where a person has to look, nothing."""
        match difference:
            case Difference(kind=Kind.SNOOP):
                self._parts.pbx.hang_up(difference.about)
            case Difference(kind=Kind.TURNED_UP):
                self._parts.take_back(difference.about)
            case Difference(kind=Kind.WANTED, tracks=Tracks() as tracks):
                self._parts.spool.hand_over(self._captured(tracks, difference, wanted=True))
            case Difference(kind=Kind.CAME_BACK, tracks=Tracks() as tracks, state=str()):
                # the archiver destroys again what is destroyed, and the custody log says so
                found = self._captured(tracks, replace(difference, state=None), wanted=True)
                again = replace(found.capture, recording_id=tracks.recording or found.capture.recording_id)
                self._parts.spool.hand_over(replace(found, capture=again))
            case Difference(
                kind=Kind.UNWANTED | Kind.LEFT_BEHIND | Kind.CAME_BACK, tracks=Tracks() as tracks
            ):
                self._discard(tracks, difference)

    def _captured(self, tracks: Tracks, difference: Difference, *, wanted: bool) -> CapturedCall:
        parts, known = self._parts, difference.state is not None
        return captured(tracks, difference.call, parts.name, parts.defaults, wanted=wanted, known=known)

    def _discard(self, tracks: Tracks, difference: Difference) -> None:
        """Has tracks destroyed. The call's row says so, unless it has a recording or says so already."""
        found = self._captured(tracks, difference, wanted=False)
        call = difference.call
        whole = difference.kind is Kind.UNWANTED and not (call and self._is_recorded(call))
        self._parts.spool.discard(found, whole=whole)

    def _is_recorded(self, call: CallRecord) -> bool:
        """Returns whether something of a call is kept, or waits in the spool for that."""
        if call.id in self._parts.spool.known_calls():
            return True
        with self._parts.database.read() as connection:
            return calls.is_recorded(connection, call.id)

    # --- what the parts say

    def _said(self, *, whole: bool) -> Recorded:
        """Asks the PBX first: what is handed over or adopted meanwhile is known to who is asked later."""
        parts = self._parts
        lost = self._lost()
        channels = frozenset(each.id for each in parts.pbx.channels())
        written = {name for channel in channels for name in differences.tracks_of(channel)}
        stored = self._names.look({*written, *lost}, whole=whole)
        said = Recorded(channels, stored, lost=lost if stored else {})
        if stored:
            with parts.astdb() as database:
                lines, keys = database.tree(journal.FAMILY), database.tree(journal.KEYS)
                kept = drafts.to_be_kept(database.tree(drafts.FAMILY))
            told = frozenset(field for line in lines.values() for field in line.split("|"))
            unread = frozenset(kept | parts.spool.damaged())
            said = replace(said, told=told, keys=tuple(parsed_keys(keys, parts.pbx_ahead())), unread=unread)
        followed = parts.followed()  # before the spool: there it goes from memory
        followed |= parts.spool.followed()
        said = replace(said, drafts=frozenset(parts.spool.tracks()), followed=frozenset(followed))
        said = replace(said, spool_since=self._known_since(), under_way=tuple(self._under_way()))
        return self._with_catalogue(said)

    def _known_since(self) -> datetime:
        """Returns since when the spool has the drafts of all that is recorded, and no key was lost."""
        spool = self._parts.spool
        return max(filter(None, (spool.made_at(), spool.lost_key_at())))

    def _under_way(self) -> Iterator[tuple[CallRecord, datetime | None]]:
        """Yields the calls under way, each with when its capture was begun."""
        spool = self._parts.spool
        begun = {each.call.id: differences.made_at(each.capture.recording_id) for each in spool.checkpoints()}
        yield from ((call, begun.get(call.id)) for call in spool.calls_under_way())

    def _lost(self) -> dict[str, str]:
        """Returns the tracks of recordings that were declared lost, each with its recording."""
        aside = Quarantine(self._parts.spool).captures()
        if not aside:
            return {}
        with self._parts.database.read() as connection:
            archived = reconciling.recordings_of(connection, aside)
        lost = [each.capture for id_, each in aside.items() if id_ not in archived]
        had = Quarantine(self._parts.spool).fetched()
        return {name: each.recording_id for each in lost for name in each.track_names if name not in had}

    def _with_catalogue(self, said: Recorded) -> Recorded:
        strays = differences.strays_of(said)
        if not strays:
            return said
        with self._parts.database.read() as connection:
            found = {each.at: self._calls(connection, each) for each in strays}
            rows = self._rows(connection, strays)
            of_calls = list(self._of_calls(connection, strays, found))
        # afterwards: a transaction is not to wait for the bucket
        archive = ArchivedTracks(self._parts.store)
        rows = _told_of(archive, of_calls, rows)
        known = {about: archive.archived(row) for about, row in rows.items()}
        return replace(said, archived=known, calls=found)

    def _rows(self, connection: Connection, strays: list[Tracks]) -> dict[str, ArchivedRecording]:
        """Returns what the catalogue has of tracks by their ids."""
        named = reconciling.recordings_of(connection, {each.recording for each in strays} - {""})
        return named | self._found_before(connection, strays) | dict(self._destroyed(connection, strays))

    def _found_before(self, connection: Connection, strays: list[Tracks]) -> dict[str, ArchivedRecording]:
        """Returns what the catalogue has of tracks that were found before, and became a recording of their
        own: by the first of them."""
        of = {found_id(each, self._parts.name): each.names[0] for each in strays}
        rows = reconciling.recordings_of(connection, of)
        return {of[id_]: row for id_, row in rows.items()}

    def _destroyed(
        self, connection: Connection, strays: list[Tracks]
    ) -> Iterator[tuple[str, ArchivedRecording]]:
        """Yields what is destroyed of sound that the dialplan recorded, which no recording is named by: by
        the first of its tracks."""
        for each in strays:
            if not each.recording:
                channel = journal.channel_of(each.names[0])
                rows = reconciling.of_fallback(connection, self._parts.name, channel, each.at)
                yield from ((each.names[0], row) for row in rows if row.state is Custody.DESTROYED)

    def _of_calls(
        self, connection: Connection, strays: list[Tracks], found: Mapping[datetime, Calls]
    ) -> Iterator[tuple[str, ArchivedRecording, bool]]:
        """Yields the recordings that such sound may be in, by the first of its tracks: those of calls that
        were under way then, and whether the call had its channel. One that had not may have it all the same,
        for the half of a Local channel is nobody's."""
        for each in strays:
            channel = journal.channel_of(each.names[0])
            had = {call.id: differences.has_channel(call, channel) for call in found[each.at].found}
            rows = [] if each.recording else reconciling.recordings_of_calls(connection, had)
            yield from ((each.names[0], row, had[row.call_id]) for row in rows)

    def _calls(self, connection: Connection, tracks: Tracks) -> Calls:
        lost = reconciling.lost_calls(connection, [tracks.recording]) if tracks.recording else {}
        if lost:
            return Calls(tuple(lost.values()), named=True)
        there = reconciling.calls_at(connection, self._parts.name, tracks.at)
        before = reconciling.recorded_before(connection, {each.id for each in there}, tracks.at)
        return Calls(tuple(there), frozenset(before))


def _told_of(
    archive: ArchivedTracks,
    of_calls: list[tuple[str, ArchivedRecording, bool]],
    rows: dict[str, ArchivedRecording],
) -> dict[str, ArchivedRecording]:
    """Returns the recordings of tracks: those that ids tell, and of what the dialplan recorded those whose
    manifests name it. One whose manifest cannot be read may be that, where its call had the channel and no
    other is."""
    read = [(name, row, had, archive.told(row)) for name, row, had in of_calls]
    unread = {name: row for name, row, had, known in read if known.unread and had}
    return {**unread, **rows, **{name: row for name, row, _, known in read if name in known.tracks}}
