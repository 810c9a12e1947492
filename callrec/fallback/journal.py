"""Makes calls and captures of what the dialplan wrote down while callrec was away. No I/O.

One line a call, in the PBX's own database; see callrec-journal in asterisk/callrec/extensions.conf. Reading
a line twice gives the same ids, so that a crash between two steps makes no second recording (decision 4).
Whether a recording is kept is decided in `adoption`.
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
from callrec.model.captures import Capture, CapturedCall, KeptBecause, Segment, Track
from callrec.model.prompts import Prompt
from callrec.model.rules import CallFacts, Decision, Direction, Mode
from callrec.pbx.events import RawKeyPress
from callrec.policy.combine import combine
from callrec.policy.office import Office
from callrec.recording.call import OUTCOMES
from callrec.recording.keys import marks, result_in_fallback

FAMILY = "callrec-journal"
KEYS = "callrec-key"
"""The families of the PBX's database in which the dialplan writes of calls, and of keys."""
FIELDS = 12
"""How many fields a line has, with ``|`` between them."""

FindPrompt = Callable[[str], Prompt | None]
"""Returns the prompt that the PBX plays under a name; None where the library has none."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal. Times are the PBX's.

    `channel` is the caller's; `peer` is who answered, empty where the dialplan does not know it; `talked` is
    what Dial() reported; `mode` is by the PBX's copy of the rules; `file` is empty where nothing was
    recorded; `announced` are the prompts that were played, each with begin, end and status.
    """

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
    """Returns one entry of the PBX's database. Raises ValueError when it is not a line of the journal."""
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


def decide(entry: JournalEntry, office: Office) -> Decision:
    """Decides the call by these rules: by the number dialled, and by who answered, if that is known."""
    answering = _answering(entry, office)
    decision = office.decide(_facts(entry, office, answering))
    line = office.line(entry.extension)
    dialled = office.decide(_facts(entry, office, line))
    return decision if answering == line else combine(dialled, decision)


def call_of(
    entry: JournalEntry,
    office: Office,
    pbx: str,
    prompt: FindPrompt,
    decision: Decision,
    heard: timedelta | None = None,
) -> CallRecord:
    """Returns the call of an entry. The dialplan knows the mode only; `decision` is what the rules say.

    `heard` is how long its files are: Dial() is not always the one who connects, nor the last to say how it
    went. Raises ValueError where what was announced makes no sense.
    """
    outbound = entry.direction is Direction.OUTBOUND
    number = office.other_party(entry.number, entry.direction)
    extension = _answering(entry, office)
    talked = entry.talked or heard
    answered = entry.status == "ANSWER" or bool(talked)
    announcements = _announcements(entry, prompt)
    return CallRecord(
        id=ids.of_fallback_call(pbx, entry.channel, entry.started_at),  # decision 4: the same each time
        pbx=pbx,
        linkedid=entry.linkedid,
        direction=entry.direction,
        facility=office.facility_of(extension),
        extension=extension or None,
        number=number,
        dialled=entry.number if outbound else entry.extension,
        started_at=entry.started_at,
        answered_at=entry.ended_at - (talked or timedelta(0)) if answered else None,
        ended_at=entry.ended_at,
        outcome=Outcome.ANSWERED if answered else OUTCOMES.get(entry.status, Outcome.UNANSWERED),
        decision=decision,
        participants=_participants(entry, extension, number, talked) if answered else (),
        announcements=announcements,
        notes=_notes(entry, decision, announcements),
    )


def pressed(
    entry: JournalEntry, noted: Iterable[RawKeyPress], office: Office, *, recorded: bool
) -> tuple[KeyPress, ...]:
    """Returns the keys staff pressed during the call, the oldest first. `recorded`: a recording is kept."""
    found: tuple[KeyPress, ...] = ()
    for each in sorted(noted, key=lambda note: note.at):
        extension = office.extension_of(each.by)
        if extension and each.linkedid == entry.linkedid and each.key in set(FeatureCode):
            marked = any(marks(press.result) for press in found)
            does = result_in_fallback(FeatureCode(each.key), recorded=recorded, marked=marked)
            found += (KeyPress(each.id, FeatureCode(each.key), does, "", extension, each.at),)
    return found


def captured_call(entry: JournalEntry, call: CallRecord) -> CapturedCall:
    """Returns the capture of a call of which the dialplan recorded something: one segment, a file a side."""
    begin = call.answered_at or call.started_at
    segment = Segment(
        1, entry.channel, Track(f"{entry.file}-external", begin), Track(f"{entry.file}-staff", begin)
    )
    # decision 4: the same each time
    recording_id = ids.derived(begin, f"recording {call.pbx} {entry.channel}")
    return CapturedCall(
        call, Capture(recording_id, begin, KeptBecause.AUTOMATIC, (segment,), (), entry.ended_at)
    )


def files(entry: JournalEntry) -> list[str]:
    """Returns the names of the entry's stored recordings, whether there is sound in them or not."""
    return [f"{entry.file}-external", f"{entry.file}-staff"] if entry.file else []


def _answering(entry: JournalEntry, office: Office) -> str:
    """Returns the extension that answered, or placed the call; the number dialled where that is not known."""
    outbound, peer = entry.direction is Direction.OUTBOUND, office.person_of(entry.peer)
    return peer if peer and not outbound and office.is_phone(peer) else office.line(entry.extension)


def _facts(entry: JournalEntry, office: Office, extension: str) -> CallFacts:
    number, extensions = office.other_party(entry.number, entry.direction), [extension]
    if entry.direction is Direction.INTERNAL and number:
        extensions.append(number)
    return office.facts(entry.direction, extensions, number, entry.started_at)


def _participants(
    entry: JournalEntry, extension: str, number: str | None, talked: timedelta | None
) -> tuple[Participant, ...]:
    joined, left = entry.ended_at - (talked or timedelta(0)), entry.ended_at
    staff = Participant(entry.channel, extension, extension, joined, left)
    other = Participant(
        entry.channel, number or "", number if entry.direction is Direction.INTERNAL else None, joined, left
    )
    return (staff, other) if entry.direction is Direction.OUTBOUND else (other, staff)


def _announcements(entry: JournalEntry, prompt: FindPrompt) -> tuple[Announcement, ...]:
    played = []
    for each in filter(None, entry.announced.split("&")):
        sound, begin, end, status = each.split(">")
        found = prompt(sound)
        played.append(
            Announcement(
                prompt=found.name if found else sound,
                language=found.language if found else "",
                text_sha256=found.text_sha256 if found else "",
                leg=entry.channel,
                started_at=_moment(begin),
                finished_at=_moment(end),
                complete=status == "SUCCESS",
            )
        )
    return tuple(played)


def _notes(
    entry: JournalEntry, decision: Decision, announcements: tuple[Announcement, ...]
) -> tuple[Note, ...]:
    notes = [remark("callrec was away: the dialplan's fallback handled the call")]
    if decision.mode is not entry.mode:
        notes.append(remark("the dialplan went by mode {mode}", mode=entry.mode))
    for each in announcements:
        if each.could_not_be_played:
            notes.append(remark("announcement {prompt} could not be played by the PBX", prompt=each.prompt))
    return tuple(notes)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)
