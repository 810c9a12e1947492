"""Says what the parts of callrec do not have alike, and what is to be done about it. Pure: what each part
says goes in, differences come out.

Of a track on the PBX the parts are asked in this order whose it is: the spool, the catalogue's recordings,
what was declared lost, the catalogue's calls of that moment, and at last its own name, which has the moment
of its beginning and says whether it was recorded on standby (decision 24). What is asked of which part, and
how a difference is resolved, is the matter of `reconciliation`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from callrec.fallback import journal
from callrec.ids import ID
from callrec.model.calls import CallRecord, FeatureCode, KeyResult, Outcome
from callrec.model.captures import Custody
from callrec.model.rules import Mode
from callrec.moments import EARLIEST, FARTHEST
from callrec.pbx import mixmonitor
from callrec.pbx.events import OWN_PREFIX, RawKeyPress
from callrec.recording.capture_tracks import FOLDER, STANDBY

_TRACK = re.compile(rf"{FOLDER}/({ID.pattern})-([0-9]+)({STANDBY}?)-(external|staff)")
_SNOOP = re.compile(rf"{re.escape(OWN_PREFIX)}({ID.pattern})-([0-9]+)-(external|staff)")
_LATEST_MS = 32_503_680_000_000
"""The year 3000."""
CLOCKS = timedelta(seconds=2)
"""How far the clocks of callrec and PBX may be apart."""
_KEPT_BY = (KeyResult.STARTED, KeyResult.KEPT, KeyResult.MARKED, KeyResult.HELP_SENT)
_KEEPING = (FeatureCode.KEEP, FeatureCode.HELP)
OVER_AT_ONCE = "the call was over before there was sound to record"
WENT_ON = "the call went on in call {id}"
"""The notes of calls that should not have a recording of their own after all."""


class Kind(StrEnum):
    """What a difference is."""

    SNOOP = "snoop-nobody-owns"
    """A channel of ours listens to a call, and nobody follows what it records."""
    LEFT_BEHIND = "track-left-behind"
    """A track is on the PBX that the archive holds."""
    CAME_BACK = "track-came-back"
    """A track is on the PBX that was destroyed."""
    UNWANTED = "track-unwanted"
    """A track without a draft is on the PBX that the rules did not want kept."""
    WANTED = "track-wanted"
    """A track without a draft is on the PBX that the rules wanted."""
    TURNED_UP = "track-turned-up"
    """A track is on the PBX of a recording that was declared lost."""
    UNCLEAR = "track-unclear"
    """A track is on the PBX of which nothing tells whether it was wanted, or that the archive lacks."""
    NO_OBJECT = "no-object"
    """The catalogue has a recording that the bucket does not."""
    NO_ROW = "no-row"
    """The bucket has a recording that the catalogue does not."""
    NO_RECORDING = "no-recording"
    """A call was answered and should have been recorded, and has nothing that can be played."""
    NO_CALL = "no-call"
    """The PBX's own records have an answered call that the catalogue does not."""


class Remedy(StrEnum):
    """What is to be done about a difference."""

    END = "end"
    """The channel is hung up."""
    DESTROY = "destroy"
    """The sound is destroyed on the PBX."""
    ARCHIVE = "archive"
    """The sound is given to the archive."""
    REBUILD = "rebuild"
    """The rows are made of what the bucket says."""
    LOOK = "look"
    """A person has to look."""


REMEDIES = {
    Kind.SNOOP: Remedy.END,
    Kind.LEFT_BEHIND: Remedy.DESTROY,
    Kind.CAME_BACK: Remedy.DESTROY,
    Kind.UNWANTED: Remedy.DESTROY,
    Kind.WANTED: Remedy.ARCHIVE,
    Kind.TURNED_UP: Remedy.ARCHIVE,
    Kind.UNCLEAR: Remedy.LOOK,
    Kind.NO_OBJECT: Remedy.LOOK,
    Kind.NO_ROW: Remedy.REBUILD,
    Kind.NO_RECORDING: Remedy.LOOK,
    Kind.NO_CALL: Remedy.LOOK,
}


@dataclass(frozen=True, slots=True)
class Tracks:
    """The stored recordings of one segment of a recording, or of one call of the fallback.

    `recording` is empty of the latter; `standby`: it began on standby.
    """

    recording: str
    number: int
    names: tuple[str, ...]
    at: datetime
    standby: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the parts do not have alike.

    `about` is what it is about: the id of a recording, of a call or of a channel, or a name; `tracks` is what
    the PBX has of it, `state` what the catalogue says of their recording (None: it has none); `call` is the
    call, as far as one is known; `key` that of an object in the bucket.
    """

    kind: Kind
    about: str
    tracks: Tracks | None = None
    call: CallRecord | None = None
    key: str = ""
    state: Custody | None = None

    @property
    def remedy(self) -> Remedy:
        """What is to be done about it."""
        return REMEDIES[self.kind]


@dataclass(frozen=True, slots=True)
class Archived:
    """What the catalogue has of a recording: `tracks` are those of which its sound was made, `lacking` those
    of which it has not all. Of one that is destroyed neither is known. `id` is its own, where the tracks are
    named otherwise. `unread`: its manifest, which names the tracks, could not be had."""

    state: Custody
    tracks: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()
    id: str = ""
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of the catalogue that were under way at a moment. `before` are the ids of those that had a
    recording by then, which is not the one that is looked for. `named`: the custody log names the one."""

    found: tuple[CallRecord, ...] = ()
    before: frozenset[str] = frozenset()
    named: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the parts say of what is recorded.

    `channels` and `stored` are what the PBX has: ids of channels, names of stored recordings of ours;
    `drafts` are the tracks of captures in the spool, `followed` the recordings that the controller follows
    or the spool has, `lost` those in quarantine that were declared lost, by the names of their tracks;
    `told` is what the journal of the fallback tells of; `keys` are presses of which nobody knows yet whether
    they were acted on. `archived` is by recordings, or by the first track of what is archived under another
    id: what the dialplan recorded, or was found. `calls` is by the moments of tracks. `spool_since` is
    when the spool was made, or a key was last pressed of which no call is known: what was recorded before
    may have had a draft elsewhere, or be what that key kept. `unread` are the
    recordings of which there is a draft that was not taken up: of another machine, which was to keep them,
    or damaged. `under_way` are the calls that go on as the spool has them, each with when its capture was
    begun, by callrec's clock; None: it has none.
    """

    channels: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    drafts: frozenset[str] = frozenset()
    followed: frozenset[str] = frozenset()
    lost: Mapping[str, str] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    keys: tuple[RawKeyPress, ...] = ()
    archived: Mapping[str, Archived] = field(default_factory=dict)
    calls: Mapping[datetime, Calls] = field(default_factory=dict)
    spool_since: datetime | None = None
    unread: frozenset[str] = frozenset()
    under_way: tuple[tuple[CallRecord, datetime | None], ...] = ()


# --- what is recorded


def of_recorded(said: Recorded) -> list[Difference]:
    """Returns what PBX, spool and catalogue do not have alike of what is recorded."""
    snoops = [
        Difference(Kind.SNOOP, channel)
        for channel in sorted(said.channels)
        if (recording := recording_of(channel)) and recording not in said.followed
    ]
    turned_up = sorted({said.lost[name] for name in said.stored & said.lost.keys()})
    back = [Difference(Kind.TURNED_UP, id_) for id_ in turned_up]
    odd = [Difference(Kind.UNCLEAR, name) for name in sorted(unclaimed(said)) if not _is_ours(name)]
    strays = [_of_stray(each, said) for each in strays_of(said)]
    due = [each for each in strays if not _may_yet_be_kept(each, said)]
    return [*snoops, *back, *due, *odd]


def recording_of(channel: str) -> str:
    """Returns the recording that a snoop captures, by its channel's id; empty for any other channel."""
    found = _SNOOP.fullmatch(channel)
    return found[1] if found else ""


def tracks_of(channel: str) -> list[str]:
    """Returns the names that a snoop's track can have, by its channel's id; nothing for other channels."""
    found = _SNOOP.fullmatch(channel)
    if not found:
        return []
    return [f"{FOLDER}/{found[1]}-{found[2]}{mark}-{found[3]}" for mark in ("", STANDBY)]


def unclaimed(said: Recorded) -> set[str]:
    """Returns the stored recordings of which neither spool nor journal knows, and that no channel writes."""
    written = {name for channel in said.channels for name in tracks_of(channel)}
    return {
        name
        for name in said.stored - said.drafts - said.lost.keys() - written
        if not _is_followed(name, said)
    }


def strays_of(said: Recorded) -> list[Tracks]:
    """Returns what is unclaimed, by segments, the oldest first."""
    found: dict[tuple[str, int], list[str]] = {}
    for name in sorted(filter(_is_ours, unclaimed(said))):
        match = _TRACK.fullmatch(name)
        found.setdefault((match[1], int(match[2])) if match else (journal.file_of(name), 0), []).append(name)
    return sorted(
        (_tracks(*key, names) for key, names in found.items()), key=lambda each: (each.at, each.number)
    )


def _tracks(whose: str, number: int, names: list[str]) -> Tracks:
    if not number:
        return Tracks("", 1, tuple(names), _epoch(journal.channel_of(names[0])))
    standby = any(match[3] for name in names if (match := _TRACK.fullmatch(name)))
    return Tracks(whose, number, tuple(names), made_at(whose), standby)


def made_at(recording: str) -> datetime:
    """Returns the moment that a recording's id has: when it was asked for, by callrec's clock. What lies
    beyond the calendar, which anybody can write into a name, is taken for 1970."""
    milliseconds = int(recording.replace("-", "")[:12], 16)
    return datetime.fromtimestamp(milliseconds / 1000 if milliseconds < _LATEST_MS else 0, UTC)


def _epoch(channel: str) -> datetime:
    """Returns the moment that the unique id of a channel has: when it was made, by the PBX's clock."""
    seconds = re.search(r"([0-9]{9,10})\.[0-9]+$", channel)
    return datetime.fromtimestamp(int(seconds[1]), UTC) if seconds else datetime(1970, 1, 1, tzinfo=UTC)


def _is_ours(name: str) -> bool:
    """Returns whether a name is one that callrec or its dialplan gives."""
    by_dialplan = mixmonitor.is_of_dialplan(name) and name.endswith(("-external", "-staff"))
    return by_dialplan or bool(_TRACK.fullmatch(name))


def _is_followed(name: str, said: Recorded) -> bool:
    match = _TRACK.fullmatch(name)
    if match:
        return match[1] in said.followed
    return journal.file_of(name) in said.told or journal.channel_of(name) in said.channels


def _of_stray(tracks: Tracks, said: Recorded) -> Difference:
    """Returns what is to become of tracks without a draft, by what is known of their recording and call."""
    about = tracks.recording or tracks.names[0]
    known, call = said.archived.get(tracks.names[0]) or said.archived.get(about), _call_of(tracks, said)
    if known and known.state is Custody.DESTROYED and known.id:
        tracks = replace(tracks, recording=known.id)
    kind = (_archived(tracks, known) if known else None) or _wanted(tracks, call, said)
    return Difference(kind, about, tracks, call, state=known.state if known else None)


def _archived(tracks: Tracks, known: Archived) -> Kind | None:
    """Returns what tracks are of a recording that the catalogue has; None where that has nothing of them."""
    if known.state is Custody.DESTROYED:
        return Kind.CAME_BACK
    if known.unread or not known.lacking.isdisjoint(tracks.names):
        return Kind.UNCLEAR
    return Kind.LEFT_BEHIND if known.tracks.issuperset(tracks.names) else None


def _call_of(tracks: Tracks, said: Recorded) -> CallRecord | None:
    """Returns the call of tracks, where the catalogue has exactly one that it can be."""
    found = _calls_of(tracks, said)
    return found[0] if len(found) == 1 else None


def _calls_of(tracks: Tracks, said: Recorded) -> list[CallRecord]:
    """Returns the calls of the catalogue that can be that of tracks."""
    calls = said.calls.get(tracks.at, Calls())
    found = [each for each in calls.found if each.answered_at and each.id not in calls.before]
    if not tracks.recording:
        return [each for each in found if has_channel(each, journal.channel_of(tracks.names[0]))]
    return found if calls.named else [each for each in found if _can_be_of(tracks, each)]


def has_channel(call: CallRecord, channel: str) -> bool:
    """Returns whether a channel was one of a call's."""
    return channel in (call.linkedid, *(each.channel for each in call.participants))


def _can_be_of(tracks: Tracks, call: CallRecord) -> bool:
    """Returns whether tracks can be of a call that was under way then: the catalogue may lack the one whose
    they are, and have another of that moment, which was recorded otherwise or not at all."""
    if tracks.standby:
        return Mode.STANDBY in _modes(call)
    return Mode.AUTOMATIC in _modes(call) or _was_kept(call)


def _wanted(tracks: Tracks, call: CallRecord | None, said: Recorded) -> Kind:
    """Returns whether tracks are wanted: by the decision and the keys of their call, else by their name.

    Of a call that is known by the moment alone nothing is destroyed that the name says was wanted.
    """
    is_sure = not tracks.recording or said.calls.get(tracks.at, Calls()).named
    if call and call.decision and (is_sure or _is_kept_of(tracks, call)):
        return _by_call(tracks, call)
    if not tracks.standby:  # callrec records what is wanted, or is on standby; the dialplan what is automatic
        return Kind.UNCLEAR if call and call.decision else Kind.WANTED
    if _may_be_saved(tracks, said):
        return Kind.UNCLEAR
    return Kind.CAME_BACK if call and call.discarded_at else Kind.UNWANTED


def _by_call(tracks: Tracks, call: CallRecord) -> Kind:
    if call.discarded_at:
        return Kind.CAME_BACK
    return Kind.WANTED if _is_kept_of(tracks, call) else Kind.UNWANTED


def _is_kept_of(tracks: Tracks, call: CallRecord) -> bool:
    """Returns whether tracks of a call are kept. Where somebody joins whose calls are recorded, what was on
    standby before stays so, unless a key keeps it."""
    return should_be_recorded(call) and (not tracks.standby or _was_kept(call))


def _may_be_saved(tracks: Tracks, said: Recorded) -> bool:
    """Returns whether a key may have saved what was begun on standby, as far as can be known here."""
    asked_since = any(each.key in _KEEPING and each.at >= tracks.at - FARTHEST for each in said.keys)
    since = said.spool_since  # made while the clock was not set, it may be newer than it says
    elsewhere = since is not None and (since < EARLIEST or tracks.at < since)
    kept = any(_is_kept_of(tracks, each) for each in _calls_of(tracks, said))
    return asked_since or elsewhere or kept or tracks.recording in said.unread


def _may_yet_be_kept(each: Difference, said: Recorded) -> bool:
    """Returns whether what is to be destroyed may be of a call that goes on: a key that is yet to come, or is
    known in its row only, keeps all of it."""
    if each.remedy is not Remedy.DESTROY or each.state or not each.tracks or not each.tracks.standby:
        return False
    latest = each.tracks.at + CLOCKS
    return any(
        call.started_at <= latest
        and Mode.STANDBY in _modes(call)
        and (begun is None or begun > each.tracks.at)
        for call, begun in said.under_way
    )


def should_be_recorded(call: CallRecord) -> bool:
    """Returns whether a call was to be recorded and kept, by what was decided and by the keys of staff."""
    if call.unannounced_at or call.discarded_at or not call.decision:
        return False
    return Mode.AUTOMATIC in _modes(call) or _was_kept(call)


def _modes(call: CallRecord) -> set[Mode]:
    """Returns the modes that were decided for a call, one after the other."""
    first = [call.decision] if call.decision else []
    return {each.mode for each in (*first, *(each.decision for each in call.decision_changes))}


def _was_kept(call: CallRecord) -> bool:
    """Returns whether staff kept a call by a key, where they may."""
    return _modes(call) != {Mode.NEVER} and any(each.result in _KEPT_BY for each in call.key_presses)


# --- what is archived


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording as a row of the catalogue has it: where its two objects are, and in which versions."""

    id: str
    key: str
    manifest_key: str
    version: str | None
    manifest_version: str | None
    state: Custody


@dataclass(frozen=True, slots=True)
class Filed:
    """What catalogue and bucket say of a span of days.

    `objects` has the versions that the bucket has, by their keys; `kept` the rows of recordings; `answered`
    the calls that were answered and have no row of a recording, nor anything in the spool; `known` are other
    recordings that the catalogue has, and those in the spool, which are on their way.
    """

    objects: Mapping[str, frozenset[str | None]] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()
    answered: tuple[CallRecord, ...] = ()
    known: frozenset[str] = frozenset()


def of_filed(said: Filed) -> list[Difference]:
    """Returns what catalogue and bucket do not have alike, and which calls should have a recording."""
    return [*_no_objects(said), *_no_rows(said), *_no_recordings(said)]


def _no_objects(said: Filed) -> Iterator[Difference]:
    for each in said.kept:
        if each.state is not Custody.ARCHIVED:
            continue
        for key, version in ((each.key, each.version), (each.manifest_key, each.manifest_version)):
            if version not in said.objects.get(key, ()):
                yield Difference(Kind.NO_OBJECT, each.id, key=key)


def _no_rows(said: Filed) -> Iterator[Difference]:
    known = said.known | {each.id for each in said.kept}
    for key in sorted(said.objects):
        id_ = recording_at(key)
        if id_ and id_ not in known:
            yield Difference(Kind.NO_ROW, id_, key=key)


def recording_at(key: str) -> str:
    """Returns the recording whose sound is an object, by its key; empty for any other object."""
    id_ = key.rpartition("/")[2].removesuffix(".flac")
    return id_ if key.endswith(".flac") and ID.fullmatch(id_) else ""


def _no_recordings(said: Filed) -> Iterator[Difference]:
    for call in said.answered:
        excused = any(note.template in (OVER_AT_ONCE, WENT_ON) for note in call.notes)
        if call.outcome is Outcome.ANSWERED and should_be_recorded(call) and not excused:
            yield Difference(Kind.NO_RECORDING, call.id, call=call)


# --- the PBX's own records


@dataclass(frozen=True, slots=True)
class DetailRecord:
    """One row of the PBX's own records (CDR) of a call that was answered.

    `channel` is the unique id of the channel that called; empty where the file does not have it.
    """

    channel: str
    started_at: datetime
    source: str
    destination: str
    seconds: int


def of_records(
    records: list[DetailRecord], channels: frozenset[str], begins: tuple[datetime, ...]
) -> list[Difference]:
    """Returns the calls of the PBX's records that the catalogue does not have.

    `channels` are the ids of all channels of the catalogue's calls of that time, and `begins` when they
    began: of a record without an id one of these must agree. Such a record is named by its moment: a
    problem is read by people who may not know who called.
    """
    begun = sorted(begins)
    return [
        Difference(Kind.NO_CALL, each.channel or f"{each.started_at:%Y-%m-%dT%H:%M:%S%z}")
        for each in records
        if not (each.channel in channels if each.channel else _has_one_at(begun, each.started_at))
    ]


def _has_one_at(begun: Sequence[datetime], moment: datetime) -> bool:
    """Returns whether one of these moments, in order, is this one, as far as two clocks agree."""
    place = bisect_left(begun, moment - CLOCKS)
    return place < len(begun) and begun[place] <= moment + CLOCKS


def is_older(difference: Difference, day: datetime) -> bool:
    """Returns whether a difference of catalogue and bucket is of before a day, which begins in the office's
    zone: a call by its beginning, an object by the day in its key."""
    if difference.call:
        return difference.call.started_at < day
    return "/".join(difference.key.split("/")[-4:-1]) < f"{day:%Y/%m/%d}"


def confirmed(first: list[Difference], second: list[Difference]) -> list[Difference]:
    """Returns the differences that are there at both of two looks: what is on its way is not one."""
    before = {_same(each) for each in first}
    return [each for each in second if _same(each) in before]


def _same(each: Difference) -> tuple[Kind, str, str, int]:
    """Returns by what a difference is known again at another look."""
    return each.kind, each.about, each.key, each.tracks.number if each.tracks else 0
