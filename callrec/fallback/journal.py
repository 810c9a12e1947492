"""What the dialplan wrote down while callrec was away, as calls and captures.

One line a call, in the PBX's own database; see callrec-journal in asterisk/callrec/extensions.conf.
Reading a line twice gives the same ids, so that a crash between two steps makes no second recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callrec import ids
from callrec.model.calls import (
    Announcement,
    CallRecord,
    FeatureCode,
    KeyPress,
    Note,
    Outcome,
    Participant,
    remark,
)
from callrec.model.captures import Capture, Draft, Segment, Track
from callrec.model.prompts import Prompt
from callrec.model.rules import CallFacts, Decision, Direction, Mode
from callrec.numbers import normalise
from callrec.pbx.events import RawKeyPress, endpoint_of
from callrec.policy.combine import combine
from callrec.policy.office import Office
from callrec.recording.call import OUTCOMES
from callrec.recording.keys import effect_stood_in, marks

FAMILY = "callrec-journal"
KEYS = "callrec-key"
"""The families of the PBX's database in which the dialplan writes of calls, and of keys."""
FIELDS = 12

FindPrompt = Callable[[str], Prompt | None]
"""The prompt that the PBX plays under a name."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal."""

    channel: str
    direction: Direction
    extension: str
    number: str
    linkedid: str
    peer: str
    started_at: datetime
    ended_at: datetime
    status: str
    talked: timedelta | None
    mode: Mode
    file: str
    announced: str


def parse(key: str, value: str) -> JournalEntry:
    """One entry of the PBX's database. Raises ValueError when it is not a line of the journal."""
    fields = value.split("|")
    if len(fields) != FIELDS:
        raise ValueError(f"{len(fields)} fields")
    direction, extension, number, linkedid, peer, start, end, status, talked, mode, file, announced = fields
    return JournalEntry(
        channel=key,
        direction=Direction(direction),
        extension=extension,
        number=number,
        linkedid=linkedid,
        peer=peer,
        started_at=_moment(start),
        ended_at=_moment(end),
        status=status,
        talked=timedelta(milliseconds=int(talked)) if talked else None,
        mode=Mode(mode or Mode.NEVER),
        file=file,
        announced=announced,
    )


def decide(line: JournalEntry, office: Office) -> Decision:
    """What these rules say of the call: the number dialled, and who answered, as far as that is known."""
    answering = _answering(line, office)
    decision = office.decide(_facts(line, office, answering))
    dialled = office.decide(_facts(line, office, line.extension))
    return decision if answering == line.extension else combine(dialled, decision)


def call_of(
    line: JournalEntry,
    office: Office,
    pbx: str,
    prompt: FindPrompt,
    decision: Decision,
    heard: timedelta | None = None,
) -> CallRecord:
    """The call. The dialplan knows the mode only; `decision` is what the rules say.

    `heard` is how long its files are: Dial() is not always the one who connects, nor the last.
    """
    outbound = line.direction is Direction.OUTBOUND
    number = _number(line)
    extension = _answering(line, office)
    talked = line.talked or heard
    answered = line.status == "ANSWER" or bool(talked)
    return CallRecord(
        id=ids.of_stood_in(pbx, line.channel, line.started_at),
        pbx=pbx,
        linkedid=line.linkedid,
        direction=line.direction,
        facility=office.facility_of(extension),
        extension=extension or None,
        number=number,
        dialled=line.number if outbound else line.extension,
        started_at=line.started_at,
        answered_at=line.ended_at - (talked or timedelta(0)) if answered else None,
        ended_at=line.ended_at,
        outcome=Outcome.ANSWERED if answered else OUTCOMES.get(line.status, Outcome.UNANSWERED),
        decision=decision,
        participants=_participants(line, extension, number, talked) if answered else (),
        announcements=_announcements(line, prompt),
        notes=_notes(line, decision),
    )


def pressed(
    line: JournalEntry, noted: Iterable[RawKeyPress], office: Office, *, recorded: bool
) -> tuple[KeyPress, ...]:
    """The keys that staff pressed during the call, the oldest first. `recorded`: the dialplan did."""
    found: tuple[KeyPress, ...] = ()
    for each in sorted(noted, key=lambda note: note.at):
        extension = endpoint_of(each.by)
        if each.linkedid == line.linkedid and each.key in set(FeatureCode) and office.is_staff(extension):
            marked = any(marks(press.result) for press in found)
            does = effect_stood_in(FeatureCode(each.key), recorded=recorded, marked=marked)
            found += (KeyPress(each.id, FeatureCode(each.key), does, "", extension, each.at),)
    return found


def draft_of(line: JournalEntry, call: CallRecord) -> Draft:
    """The capture of a call of which the dialplan recorded something."""
    begin = call.answered_at or call.started_at
    segment = Segment(
        1, line.channel, Track(f"{line.file}-external", begin), Track(f"{line.file}-staff", begin)
    )
    recording_id = ids.derived(begin, f"recording {call.pbx} {line.channel}")
    return Draft(call, Capture(recording_id, begin, "automatic", (segment,), (), line.ended_at))


def files(line: JournalEntry) -> list[str]:
    """The stored recordings of the line, whether there is sound in them or not."""
    return [f"{line.file}-external", f"{line.file}-staff"] if line.file else []


def _answering(line: JournalEntry, office: Office) -> str:
    """The extension that answered, or placed the call; the number dialled where that is not known."""
    outbound = line.direction is Direction.OUTBOUND
    return line.peer if line.peer and not outbound and office.is_staff(line.peer) else line.extension


def _number(line: JournalEntry) -> str | None:
    return line.number if line.direction is Direction.INTERNAL else normalise(line.number)


def _facts(line: JournalEntry, office: Office, extension: str) -> CallFacts:
    number, extensions = _number(line), [extension]
    if line.direction is Direction.INTERNAL and number:
        extensions.append(number)
    return office.facts(line.direction, extensions, number, line.started_at)


def _participants(
    line: JournalEntry, extension: str, number: str | None, talked: timedelta | None
) -> tuple[Participant, ...]:
    joined, left = line.ended_at - (talked or timedelta(0)), line.ended_at
    staff = Participant(line.channel, extension, extension, joined, left)
    other = Participant(
        line.channel, number or "", number if line.direction is Direction.INTERNAL else None, joined, left
    )
    return (staff, other) if line.direction is Direction.OUTBOUND else (other, staff)


def _announcements(line: JournalEntry, prompt: FindPrompt) -> tuple[Announcement, ...]:
    played = []
    for entry in filter(None, line.announced.split("&")):
        sound, begin, end, status = entry.split(">")
        found = prompt(sound)
        played.append(
            Announcement(
                prompt=found.name if found else sound,
                language=found.language if found else "",
                text_sha256=found.text_sha256 if found else "",
                leg=line.channel,
                started_at=_moment(begin),
                finished_at=_moment(end),
                complete=status == "SUCCESS",
            )
        )
    return tuple(played)


def _notes(line: JournalEntry, decision: Decision) -> tuple[Note, ...]:
    notes = [remark("callrec was away: the dialplan stood in")]
    if decision.mode is not line.mode:
        notes.append(remark("the dialplan went by mode {mode}", mode=line.mode))
    return tuple(notes)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)
