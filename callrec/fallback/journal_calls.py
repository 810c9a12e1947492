"""Makes calls and captures of the lines of the journal, which the dialplan wrote. No I/O.

Reading a line twice gives the same ids, so that a crash between two steps makes no second recording
(decision 4). Whether a recording is kept is decided in `adoption`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from callrec import ids
from callrec.fallback.journal import JournalEntry, moment
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
from callrec.numbers import Number, of_extension
from callrec.pbx.events import RawKeyPress
from callrec.policy.combine import combine, is_final
from callrec.policy.office import Office
from callrec.recording.announcements import must_not_be_recorded
from callrec.recording.call import OUTCOMES
from callrec.recording.keys import marks, result_in_fallback
from callrec.recording.topology import LOCAL

ANNOUNCED = 3
"""How many ``>`` stand between the fields of one announcement."""
FindPrompt = Callable[[str], Prompt | None]
"""Returns the prompt that the PBX plays under a name; None where the library has none."""


def decide(entry: JournalEntry, office: Office) -> Decision:
    """Decides the call by these rules: by the number dialled, and by who answered, if that is known.

    Of a call that was transferred everybody counts who answered: its file is one, and is kept or is not.
    """
    first, *others = [_decide_for(each, entry, office) for each in _answerers(entry, office)]
    never = filter(is_final, (first, *others))
    return next(never, first)  # decision 10


def _decide_for(answering: str, entry: JournalEntry, office: Office) -> Decision:
    decision = office.decide(_facts(entry, office, answering))
    line = office.person_of(entry.extension)
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
    went. Of an entry without an end the call has none either. Raises ValueError where what was announced
    makes no sense.
    """
    number, extension = _number(entry, office), _answering(entry, office)
    joined, left = _talk(entry, heard)
    answered = entry.status == "ANSWER" or bool(entry.talked or heard)
    announcements = _announcements(entry, prompt)
    return CallRecord(
        id=ids.of_fallback_call(pbx, entry.about, entry.stamped_at),  # decision 4: the same each time
        pbx=pbx,
        linkedid=entry.linkedids[0],
        direction=entry.direction,
        facility=office.facility_of(extension),
        extension=extension or None,
        number=number,
        dialled=entry.number if entry.direction is Direction.OUTBOUND else entry.extension,
        started_at=entry.started_at,
        answered_at=joined if answered else None,
        ended_at=left,
        outcome=Outcome.ANSWERED if answered else OUTCOMES.get(entry.status, Outcome.UNANSWERED),
        decision=decision,
        participants=_participants(entry, extension, number, joined, left) if answered else (),
        announcements=announcements,
        notes=_notes(entry, office, decision, announcements, answered=answered),
        unannounced_at=_unannounced_at(entry, decision, announcements) if answered else None,
    )


def _unannounced_at(
    entry: JournalEntry, decision: Decision, announcements: tuple[Announcement, ...]
) -> datetime | None:
    """Returns when an announcement had failed without which nothing is recorded; None: none had.

    By what the rules say, or by what the dialplan has done: it records what is automatic, unless its copy of
    the rules wants it announced and that failed.
    """
    refused = entry.mode is Mode.AUTOMATIC and not entry.file
    if not refused and not must_not_be_recorded(decision, announcements):
        return None
    ended = [each.finished_at for each in announcements if each.finished_at]
    return max(ended, default=entry.started_at)


def pressed(
    entry: JournalEntry, noted: Iterable[RawKeyPress], office: Office, *, recorded: bool
) -> tuple[KeyPress, ...]:
    """Returns the keys staff pressed during the call, the oldest first. `recorded`: a recording is kept."""
    found: tuple[KeyPress, ...] = ()
    for each in sorted(noted, key=lambda note: note.at):
        extension = office.extension_of(each.by)
        if extension and each.linkedid in entry.linkedids and each.key in set(FeatureCode):
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
    id_ = ids.of_fallback_recording(call.pbx, entry.about, entry.stamped_at)
    return CapturedCall(call, Capture(id_, begin, KeptBecause.AUTOMATIC, (segment,), (), entry.ended_at))


def _answering(entry: JournalEntry, office: Office) -> str:
    """Returns the extension that answered last, or placed the call."""
    return _answerers(entry, office)[0]


def _answerers(entry: JournalEntry, office: Office) -> list[str]:
    """Returns the extensions that answered, the last one first; what the dialplan says where none is known.

    Of a call to the outside it is who placed it, as the phone tells, whatever number that presents. A line to
    the outside that was called and then transferred placed nothing: who answered it there counts.
    """
    by_phone = entry.direction is Direction.OUTBOUND and not _is_by_machine(entry)
    if by_phone and not _is_transferred(entry, office):
        return [office.extension_of(entry.name) or office.person_of(entry.extension)]
    found = [_extension(peer, office) for peer in reversed(entry.peer.split("&"))]
    return [each for each in found if each] or [office.person_of(entry.extension)]


def _extension(peer: str, office: Office) -> str | None:
    """Returns the extension that answered, by its channel or its number; None where it is none."""
    if "/" in peer:
        return office.extension_of(peer)
    person = office.person_of(peer)
    return person if office.is_phone(person) else None


def _is_transferred(entry: JournalEntry, office: Office) -> bool:
    """Tells whether the entry is of a party that was called outside, and then transferred to staff."""
    called = entry.direction is Direction.OUTBOUND and bool(entry.name) and not _is_by_machine(entry)
    return called and office.extension_of(entry.name) is None


def _is_by_machine(entry: JournalEntry) -> bool:
    """Tells whether no phone has placed the call, but a machine, through a Local channel."""
    return entry.name.startswith(f"{LOCAL}/")


def _number(entry: JournalEntry, office: Office) -> Number | None:
    own = office.extension_of(entry.name) if entry.direction is Direction.INTERNAL else None
    return of_extension(own) if own else office.other_party(entry.number, entry.direction)


def _facts(entry: JournalEntry, office: Office, extension: str) -> CallFacts:
    number, extensions = _number(entry, office), [extension]
    if entry.direction is Direction.INTERNAL and number:
        extensions.append(number)
    return office.facts(entry.direction, extensions, number, entry.started_at)


def _talk(entry: JournalEntry, heard: timedelta | None) -> tuple[datetime, datetime | None]:
    """Returns from when until when they talked: up to the end or, where nobody saw that, from the beginning.

    The beginning is that of the recording by the dialplan, which waited for the answer.
    """
    if entry.ended_at:
        return entry.ended_at - (entry.talked or heard or timedelta(0)), entry.ended_at
    told = [each.split(">")[2] for each in entry.announced.split("&") if each.count(">") == ANNOUNCED]
    return (moment(told[-1]) - entry.pbx_ahead if told else entry.started_at), None


def _participants(
    entry: JournalEntry, extension: str, number: str | None, joined: datetime, left: datetime | None
) -> tuple[Participant, ...]:
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
                started_at=moment(begin) - entry.pbx_ahead,
                finished_at=moment(end) - entry.pbx_ahead,
                complete=status == "SUCCESS",
            )
        )
    return tuple(played)


def _notes(
    entry: JournalEntry,
    office: Office,
    decision: Decision,
    announcements: tuple[Announcement, ...],
    *,
    answered: bool,
) -> tuple[Note, ...]:
    notes = [remark("callrec was away: the dialplan's fallback handled the call")]
    if decision.mode is not entry.mode:
        notes.append(remark("the dialplan went by mode {mode}", mode=entry.mode))
    if _is_transferred(entry, office):
        notes.append(remark("the call was transferred here: what was said before is another recording"))
    if entry.moved and entry.direction is Direction.OUTBOUND and not _is_transferred(entry, office):
        notes.append(remark("the call was transferred: what was said from then on is not in this recording"))
    if entry.ended_at is None:
        notes.append(remark("the end of the call was not seen"))
        if answered:
            notes.append(remark("when it was answered is not known: it is dated from when it began to ring"))
    for each in announcements:
        if each.could_not_be_played:
            notes.append(remark("announcement {prompt} could not be played by the PBX", prompt=each.prompt))
    return tuple(notes)
