"""Reads the lines that the dialplan wrote of calls while callrec was away. No I/O.

One line a call, in the PBX's own database; see callrec-journal in asterisk/callrec/extensions.conf. It is
written when the call begins, and has its end from the hang-up on: one without an end tells of a call that
goes on, or whose end nobody wrote down (the PBX crashed, the handler was wiped). What call a line tells of is
the matter of `journal_calls`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from callrec.model.rules import Direction, Mode
from callrec.moments import FARTHEST, is_possible
from callrec.pbx import mixmonitor
from callrec.pbx.events import epoch

FAMILY = "callrec-journal"
KEYS = "callrec-key"
"""The families of the PBX's database in which the dialplan writes of calls, and of keys."""
FIELDS = 13
"""How many fields a line has, with ``|`` between them. A line of before the last one was there lacks it."""
MOVED = "+"
"""How the status of a call ends that was transferred by who placed it: its recording ended with that."""
ENDED = 6
"""The place of the end among the fields, from 0."""
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
LONGEST_MS = 366 * 86_400_000
"""Between which times a clock can stand, and for how long a call can last: what else a line says makes no
sense."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal. Times are the PBX's.

    `channel` is the caller's, and `name` its name, empty in old lines; `linkedids` are that of the call
    and, where it has become part of another one, that of this; `peer` is who answered, by channel,
    interface or number, empty where the dialplan does not know it, and of a call that was transferred
    everybody, with ``&`` between them; `ended_at` is None where no end was written; `talked` is what Dial()
    reported; `mode` is by the PBX's copy of the rules; `file` is empty where nothing was to be recorded;
    `announced` are the prompts that were played, each with begin, end and status; `moved`: who placed the
    call has transferred the other party.
    """

    channel: str
    direction: Direction
    extension: str
    number: str
    linkedids: tuple[str, ...]
    peer: str
    started_at: datetime
    ended_at: datetime | None
    status: str
    talked: timedelta | None
    mode: Mode
    file: str
    announced: str
    name: str = ""
    moved: bool = False
    pbx_ahead: timedelta = timedelta(0)
    """How far the PBX's clock, by which the line was written, is ahead of these times."""

    @property
    def about(self) -> str:
        """The channel that the line is about, by its id: ids are made of it.

        A channel into which another is put by an attended transfer gets the variables of that one, and tells
        of its recording, too.
        """
        is_own = not self.file or self.file == mixmonitor.file_of(self.channel)
        return self.channel if is_own else channel_of(files(self)[0])

    @property
    def stamped_at(self) -> datetime:
        """The beginning as the line has it: ids are made of it."""
        return self.started_at + self.pbx_ahead


def dated(entry: JournalEntry, now: datetime, pbx_ahead: timedelta) -> JournalEntry:
    """Returns an entry with the times at which things were, by a PBX whose clock is `pbx_ahead`.

    Where no call can have been then, its clock was another one: the call is taken to have ended a minute ago.
    Where it can have ended then and not have begun, one of both is wrong, and how long it was is not known.
    """
    end = entry.ended_at or entry.started_at
    if not is_possible(end - pbx_ahead, now):
        pbx_ahead = end - now + FARTHEST
    started_at, ended_at = entry.started_at - pbx_ahead, entry.ended_at and entry.ended_at - pbx_ahead
    if ended_at and not is_possible(started_at, now):
        started_at = ended_at
    return replace(entry, started_at=started_at, ended_at=ended_at, pbx_ahead=pbx_ahead)


def parse(key: str, value: str) -> JournalEntry:
    """Returns one entry of the PBX's database. Raises ValueError when it is not a line of the journal."""
    fields = value.split("|")
    name = "".join(fields[FIELDS - 1 : FIELDS])
    if len(fields) not in (FIELDS, FIELDS - 1) or (name and "/" not in name):
        raise ValueError(f"{len(fields)} fields, and the name of the channel is {name!r}")
    direction, extension, number, linkedids, peer, start, end, status, talked, mode, file, announced = fields[
        : FIELDS - 1
    ]
    return JournalEntry(
        channel=key,
        direction=Direction(direction),
        extension=extension,
        number=number,
        linkedids=tuple(linkedids.split("&")),
        peer=peer,
        started_at=moment(start),
        ended_at=moment(end) if end else None,
        status=status.removesuffix(MOVED),
        talked=_milliseconds(talked) if talked else None,
        mode=Mode(mode or Mode.NEVER),
        file=file,
        announced=announced,
        name=name,
        moved=status.endswith(MOVED),
    )


def about(key: str, value: str) -> str:
    """Returns the channel that a line is about, as `JournalEntry.about`; that of its key, where it is no
    line."""
    with suppress(ValueError):
        return parse(key, value).about
    return key


def files(entry: JournalEntry) -> list[str]:
    """Returns the names of the entry's stored recordings, whether there is sound in them or not."""
    return [f"{entry.file}-external", f"{entry.file}-staff"] if entry.file else []


def file_of(name: str) -> str:
    """Returns what a line says of the stored recording of this name: the same without its side."""
    return name.rpartition("-")[0]


def channel_of(name: str) -> str:
    """Returns the id of the channel that a stored recording of the dialplan is named after."""
    return file_of(name).removeprefix(mixmonitor.RECORDED)


def is_open(value: str) -> bool:
    """Tells whether a line has no end yet. False of what is no line."""
    fields = value.split("|")
    return len(fields) == FIELDS and not fields[ENDED]


def moment(text: str) -> datetime:
    """Returns the time of seconds since 1970. Raises ValueError where no call can have been then."""
    moment = epoch(text)
    if moment is None or not EARLIEST < moment < LATEST:
        raise ValueError(f"{text!r} cannot be converted to a time")
    return moment


def _milliseconds(text: str) -> timedelta:
    """Returns a duration. Raises ValueError where no call can have lasted so long."""
    if not 0 <= int(text) < LONGEST_MS:
        raise ValueError(f"no call lasts {text} ms")
    return timedelta(milliseconds=int(text))
