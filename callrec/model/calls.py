"""A call: who took part, what was decided and announced, which keys staff pressed.

Times are aware and in UTC, by the PBX's clock unless a field says otherwise; numbers are as people dial
them. All of it is published in the manifest's schema, so it is written for who reads a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callrec.model.kinds import Outcome as Outcome
from callrec.model.rules import TEST_CALL, Decision, Direction
from callrec.numbers import Number


class FeatureCode(StrEnum):
    """What staff ask for by a key during a call. The digits of each are a setting."""

    KEEP = "keep"
    """Record, or keep what is recorded (usually `*1`)."""
    STOP = "stop"
    """Stop the recording (usually `*4`)."""
    PAUSE = "pause"
    """Begin or end a privacy pause (usually `*5`)."""
    HELP = "help"
    """Call for help (usually `*9`)."""


class KeyResult(StrEnum):
    """What a key press did. Who pressed hears it by a tone, unless callrec was away."""

    STARTED = "started"
    """The recording began, or began again after staff had stopped it."""
    KEPT = "kept"
    """The recording, until then on standby, is kept from its first second."""
    MARKED = "marked"
    """The call, recorded by rule anyway, was marked as an incident."""
    STOPPED = "stopped"
    """The recording stopped: nothing was recorded from then on, until a key began it again."""
    PAUSED = "paused"
    """A privacy pause began: silence is recorded from then on."""
    RESUMED = "resumed"
    """The privacy pause ended."""
    HELP_SENT = "help-sent"
    """The call was marked as an incident, and callrec made an alert unless it had within 30 seconds before.
    Unless a rule said never or callrec was away, the recording began or was kept as well."""
    UNCHANGED = "unchanged"
    """Nothing changed: what the key asks for was so already."""
    REFUSED = "refused"
    """Nothing changed: the rule does not allow it, or there was nothing to which it could apply."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One channel of the PBX that took part in the conversation, from when to when."""

    channel: str
    """Asterisk's unique id of the channel. Of a call that the dialplan recorded while callrec was away, both
    parties have that of the caller's channel, the only one known; so has staff who had left before callrec
    took the call over."""
    number: str
    """The number of the person on this channel: of staff the extension, else the caller ID that the network
    presented, in E.164 (`+81312345678`) where it is a valid number. Caller ID is not proved by callrec.
    Empty where it was withheld."""
    extension: str | None
    """The extension, where the channel is that of an extension in callrec's catalogue (staff); null for
    anybody else."""
    joined_at: datetime
    """The moment from which this channel was connected with another; PBX's clock."""
    left_at: datetime | None = None
    """The moment from which it no longer was (hung up, transferred or parked); PBX's clock. Who comes back
    is another entry. Null where that was not seen: until the end of the call."""


GIVEN_UP_WITHIN = timedelta(seconds=0.2)
"""Asterisk gives up a sound that it cannot read at once, well within this."""
IN_CALL = "both"
"""Who heard an announcement during the call: `leg` of an Announcement."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One playing of one prompt: the proof of what was announced, and whether it was heard out."""

    prompt: str
    """The name of the prompt in the library of prompts of callrec, such as `notice`. Of one that is not in
    it, the path of the sound file that the PBX played."""
    language: str
    """The language, in two letters of ISO 639 (`ja`). Empty where the prompt is not in the library."""
    text_sha256: str
    """SHA-256, in hexadecimal, of the prompt's words in UTF-8 as the library had them then. It tells which
    wording was announced: the library's sound file of it was played. Empty where the prompt is not in it."""
    leg: str
    """Who heard it: Asterisk's unique id of the caller's channel, to which the dialplan played it before the
    connection, or `both`: staff and the party they talked with, during the call."""
    started_at: datetime
    """The moment at which the playing began, as Asterisk reported it; PBX's clock."""
    finished_at: datetime | None = None
    """The moment at which the playing ended, as Asterisk reported it; PBX's clock. Null where that was not
    reported: the call ended before, those who heard it were parted, or the link to the PBX was away."""
    complete: bool = False
    """True where Asterisk reported that the file was played to its end and, of one during a recorded call
    (`leg` is `both`), callrec found all of it in the recording; false where either is not so."""
    in_recording: bool | None = None
    """Whether callrec found all of it in the right channel of the sound file, at that time, by comparing the
    two. Null where it did not look: of an announcement before the connection, which is in no recording, of
    one that was not played to its end, or whose sound the library no longer had (a note says so), and of one
    that an earlier version of callrec wrote down."""

    @property
    def could_not_be_played(self) -> bool:
        """Whether the PBX gave up at once, as it does where it cannot read the sound.

        One that a hang-up cut short ends as a failure too, but has been playing for a while.
        """
        return (
            not self.complete
            and self.finished_at is not None
            and self.finished_at - self.started_at < GIVEN_UP_WITHIN
        )


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key that staff pressed during a call, and what it did. Refused presses are here too."""

    id: str
    """The press's id, given by the dialplan: unique id of the channel, count, seconds since 1970. It tells
    that a press that is reported twice is one."""
    key: FeatureCode
    """What staff asked for, as the dialplan reported it."""
    result: KeyResult
    """What callrec did about it. Of a call that the dialplan recorded, what the press meant afterwards."""
    channel: str
    """Asterisk's unique id of the channel on which it was pressed. Empty where callrec was away, or the
    channel had left the call when callrec heard of it."""
    extension: str
    """The extension that pressed it, from the name of the channel. Only extensions in callrec's catalogue
    have keys."""
    at: datetime
    """The moment at which it was pressed, as the dialplan told it, else as Asterisk did; PBX's clock."""


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A decision made anew during a call, because others talk than before (a transfer, a conference)."""

    at: datetime
    """The moment from which they talk and the decision holds, until the next; PBX's clock."""
    extensions: tuple[str, ...]
    """The extensions that talk from then on, in the order of their numbers."""
    decision: Decision
    """The decision by their rules."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that went otherwise than decided, or that who hears the recording should know."""

    text: str
    """The note in English."""
    template: str
    """The same with named fields in braces: what callrec translates for showing it in another language."""
    values: dict[str, str]
    """What fills the fields of `template`, by their names."""


def remark(template: str, **values: object) -> Note:
    """A note made of an English sentence with named fields and what fills them."""
    filled = {name: str(value) for name, value in values.items()}
    return Note(template.format(**filled), template, filled)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """All that is known of one call, recorded or not."""

    id: str
    """The call's id, given by callrec: a UUID of version 7, whose first 48 bits are milliseconds since 1970
    by callrec's clock. Of a call that the dialplan recorded, or handled alone, it is derived from the
    channel and the PBX's clock, so that it is the same however often it is read."""
    pbx: str
    """The short name of the PBX, from callrec's settings."""
    linkedid: str
    """Asterisk's linked id, which all channels of the call share: with it the call is found in the PBX's own
    records (CDR, CEL)."""
    direction: Direction | None
    """Where the call came from and went to: told by which channels were connected and who placed the call,
    before that by the dialplan. A call to somebody outside that a machine made (click-to-call) is outbound;
    one from outside that was forwarded to the outside is inbound. Null where nothing told it."""
    facility: str | None
    """The code of the facility to which `extension` belonged in callrec's catalogue when the call was
    decided; `unassigned` where it belonged to none. Null where nothing was decided."""
    extension: str | None
    """The extension under which the call is filed: the one that answered (inbound, internal) or placed it
    (outbound); of a call that was forwarded to the outside, the one that forwarded it or was called. Where
    nobody of staff answered, or callrec was away and the dialplan does not tell who did, the number dialled.
    Null where that is not known."""
    number: Number | None
    """The other party's number. Inbound: the caller ID that the network presented, not proved by callrec;
    outbound: the number dialled; both in E.164 (`+81312345678`) where it is a valid number, else its digits.
    Internal: the extension that called. Null where it was withheld or is not known."""
    dialled: str | None
    """The number that was dialled, as the PBX's dialplan had it: from outside, that of the line called. Null
    where there was none."""
    started_at: datetime
    """The moment at which the PBX made the first channel of the call; PBX's clock."""
    answered_at: datetime | None = None
    """The moment at which two parties were connected; PBX's clock. Of a call that the dialplan handled while
    callrec was away, its end less the duration that Dial() reported or, where that did not, less the length
    of what was recorded; where callrec took it over, when the recorded sound begins; where nobody saw its
    end, when it began to ring. Null where nobody answered."""
    ended_at: datetime | None = None
    """The moment at which the last channel hung up; PBX's clock. Where callrec did not see it (a note says
    so), the end of the recorded sound, or when callrec noticed. Null while it is not known; never null in a
    manifest."""
    outcome: Outcome | None = None
    """How the call ended. Null while it has not; never null in a manifest."""
    decision: Decision | None = None
    """The decision by which the call was recorded, or was not: that in force when the recording began, made
    by callrec from the rules in its catalogue. Retention follows from it. Null where nobody answered and
    the dialplan did not ask."""
    participants: tuple[Participant, ...] = ()
    """Who took part, in the order in which they joined. A support phone that was called to help is among
    them from when both parties hear it."""
    announcements: tuple[Announcement, ...] = ()
    """Every playing of an announcement to this call, in order. Empty: none was played."""
    notes: tuple[Note, ...] = ()
    """What went otherwise than decided, in order. Empty: nothing did."""
    key_presses: tuple[KeyPress, ...] = ()
    """Every key that staff pressed, in the order in which callrec heard of them. Empty: none was pressed, or
    none in a way that the PBX took for a key."""
    decision_changes: tuple[DecisionChange, ...] = ()
    """The decisions made after the answer, in order. Empty: the first held to the end."""
    incident: bool = False
    """True where staff marked the call as an incident by a key, or called for help by one."""
    discarded_at: datetime | None = None
    """The moment at which callrec had destroyed what was captured of the call: on standby, as nobody wanted
    any of it kept, or unannounced (see `unannounced_at`); callrec's clock. Null of every other call, and so
    always in a manifest."""
    unannounced_at: datetime | None = None
    """The moment from which nothing of the call was recorded and all before was to be destroyed, because the
    PBX could not play the announcement and the rule says `discard`; PBX's clock. Null of every other call,
    and so always in a manifest."""

    @property
    def is_test(self) -> bool:
        """Whether callrec made the call itself, without a phone, to test the way of a recording."""
        return self.decision is not None and self.decision.reason == TEST_CALL
