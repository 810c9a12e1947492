"""One call: what is known of it and what is to be done about it. Pure: facts in, commands out.

The board tells a session what happens to the call's channels; the session decides, once, when the
call is answered, and starts and ends its capture. It never waits, and never talks to the PBX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec.model import (
    Announce,
    Announcement,
    CallFacts,
    CallRecord,
    Decision,
    Direction,
    Draft,
    Mode,
    Outcome,
    Participant,
    remark,
)
from callrec.numbers import normalise
from callrec.pbx.events import Channel, Dialled, GateEntered
from callrec.policy.office import Office
from callrec.prompts import Prompt
from callrec.recording.capture import LiveCapture
from callrec.recording.commands import Command, HandOver, LetThrough, ReadJournal, SaveCall, SaveDraft
from callrec.recording.whisper import Whisper

LINGER = timedelta(seconds=1)
"""How long a finished capture waits for the call's last events, so that its manifest has them."""

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}


@dataclass(slots=True)
class Line:
    """A real channel of a call. `extension` is set for staff."""

    channel: Channel
    extension: str | None
    key: str = ""
    bridge: str | None = None

    @property
    def id(self) -> str:
        return self.channel.id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session needs of the world: the office's rules, the prompts, and new ids."""

    office: Office
    prompts: Callable[[Decision], Sequence[tuple[Prompt, str]]]
    """The prompts of a decision, each with the name under which the PBX plays it."""
    new_id: Callable[[], str]
    pbx: str = "pbx"


@dataclass(slots=True)
class Session:
    """One call, from its first channel to its last."""

    key: str
    call: CallRecord
    world: Surroundings
    lines: dict[str, Line] = field(default_factory=dict)
    gate_decision: Decision | None = None
    capture: LiveCapture | None = None
    whisper: Whisper | None = None
    fallback: bool = False
    end_unseen: bool = False
    handed_over: bool = False
    _playing: list[tuple[Prompt, str]] = field(default_factory=list)
    _dial_status: str = ""
    _idle_since: datetime | None = None

    # --- what the board tells

    def joined(self, line: Line) -> None:
        """A channel belongs to this call."""
        self.lines[line.id] = line

    def at_gate(self, event: GateEntered) -> list[Command]:
        """The dialplan asks. Every answer lets the call through; some have it announced first."""
        direction = Direction(event.direction)
        self._know(direction, event)
        decision = self.world.office.decide(self._facts(direction, event.at))
        self.gate_decision = decision
        self.call = replace(self.call, decision=decision)
        sounds: tuple[str, ...] = ()
        if decision.announce is Announce.BEFORE_CONNECT:
            self._playing = list(self.world.prompts(decision))
            sounds = tuple(sound for _, sound in self._playing)
        return [LetThrough(self.key, event.channel.id, sounds)]

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> None:
        """The dialplan began to play a prompt (status None) or ended it."""
        if status is None:
            for prompt, name in self._playing:
                if name == sound:
                    self._note_announcement(prompt, at, leg)
        else:
            self._finish_announcement(at, complete=status == "SUCCESS")

    def stood_in(self) -> None:
        """The dialplan took the call over because we did not answer in time."""
        self.fallback = True

    def dialled(self, event: Dialled) -> None:
        if event.status:
            self._dial_status = event.status

    def connected(self, talking: Iterable[Line], at: datetime) -> list[Command]:
        """These channels are connected with one another now (none: nobody is)."""
        now = {line.id: line for line in talking}
        self._participants(now, at)
        if len(now) < 2 or self.call.answered_at is not None or self.fallback:
            return []
        return self._answered(list(now.values()), at)

    def left(self, line: Line, at: datetime) -> list[Command]:
        """A channel of this call is gone."""
        self.lines.pop(line.id, None)
        self._participants(self._talking(), at)
        if self.capture:
            self.capture.channel_gone(line.id, at)
        return self._after_capture(at) if self.lines else self._over(at)

    def snoop_ready(self, snoop: str) -> list[Command]:
        """A channel of ours can be used."""
        if self.whisper and snoop == self.whisper.snoop:
            return self.whisper.play()
        return self.capture.snoop_ready(snoop) if self.capture else []

    def recording_started(self, name: str, at: datetime) -> list[Command]:
        if not self.capture or not self.capture.track_started(name, at):
            return []
        return [self._save_draft(), *self._announce_start(at)]

    def recording_ended(self, name: str, at: datetime, failure: str | None = None) -> list[Command]:
        if self.capture:
            self.capture.track_ended(name, at, failure)
        return self._after_capture(at)

    def playback_started(self, id_: str, at: datetime) -> None:
        if self.whisper and id_ == self.whisper.playback:
            self._note_announcement(self.whisper.current, at, "both")

    def playback_finished(self, id_: str, at: datetime, *, failed: bool) -> list[Command]:
        if not self.whisper or id_ != self.whisper.playback:
            return []
        self._finish_announcement(at, complete=not failed)
        commands = self.whisper.next()
        if self.whisper.is_over:
            self.whisper = None
        return commands

    def command_failed(self, command: Command, problem: str, at: datetime) -> list[Command]:
        """The PBX refused a command. A capture tries again at the next tick, if the call goes on."""
        if self.whisper and self.whisper.concerns(command):
            self.whisper = None
            self.note("the announcement could not be played: {problem}", problem=problem)
        elif self.capture:
            self.capture.command_failed(command, problem, at)
        return self._after_capture(at)

    def compared(self, there: set[str], at: datetime) -> list[Command]:
        """The link to the PBX was away and is back: `there` are the channels it has now."""
        if self.capture:
            self.capture.compared(there, at)
        if not self.lines and self.call.outcome is None:
            self.end_unseen = True
            return self._over(at)
        return self._after_capture(at)

    def tick(self, at: datetime) -> list[Command]:
        """Time passes: repeats what failed, hands over what has waited long enough."""
        commands = self.capture.retry(at) if self.capture else []
        return commands + self._after_capture(at)

    @property
    def is_over(self) -> bool:
        return self.call.outcome is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of this call."""
        return self.is_over and (self.capture is None or self.handed_over)

    def abandoned(self, line: Line, at: datetime) -> list[Command]:
        """A channel went on in another call (a transfer)."""
        self.lines.pop(line.id, None)
        self._participants(self._talking(), at)
        return [] if self.lines else self._over(at)

    def note(self, template: str, **values: object) -> None:
        """Notes on the call what went otherwise than decided."""
        self.call = replace(self.call, notes=(*self.call.notes, remark(template, **values)))

    # --- the answer

    def _answered(self, talking: list[Line], at: datetime) -> list[Command]:
        self.call = replace(self.call, answered_at=at)
        direction = self._direction(talking)
        self._identify(direction, talking)
        decision = self.world.office.decide(self._facts(direction, at))
        self.call = replace(self.call, decision=decision)
        if decision.mode is not Mode.AUTOMATIC:
            return []
        return self._start_capture(talking, at)

    def _start_capture(self, talking: list[Line], at: datetime) -> list[Command]:
        line = self._captured_line(talking)
        self.capture = LiveCapture(self.key, self.world.new_id(), at, kept_because="automatic")
        commands = self.capture.start_part(line.id, at)
        return [*commands, self._save_draft()]

    def _direction(self, talking: list[Line]) -> Direction:
        caller = self._caller()
        if all(line.extension for line in talking):
            return Direction.INTERNAL
        return Direction.OUTBOUND if caller and caller.extension else Direction.INBOUND

    def _identify(self, direction: Direction, talking: list[Line]) -> None:
        """Fills in who talks with whom, now that it is known who answered."""
        caller = self._caller()
        staff = [line for line in talking if line.extension]
        if direction is Direction.OUTBOUND:
            extension = caller.extension if caller else None
            number = normalise(self.call.dialled)
        else:
            answering = [line for line in staff if line is not caller] or staff
            extension = answering[0].extension if answering else self.call.extension
            number = self._number_of(caller) or self.call.number
        self._set_parties(direction, extension, number)

    def _know(self, direction: Direction, event: GateEntered) -> None:
        if direction is Direction.OUTBOUND:
            self.call = replace(self.call, dialled=event.number or self.call.dialled)
        number = event.number if direction is Direction.INTERNAL else normalise(event.number)
        self._set_parties(direction, event.extension or None, number)

    def _set_parties(self, direction: Direction, extension: str | None, number: str | None) -> None:
        facility = self.world.office.facility_of(extension)
        self.call = replace(
            self.call, direction=direction, extension=extension, facility=facility, number=number
        )

    def _facts(self, direction: Direction, at: datetime) -> CallFacts:
        extensions = [self.call.extension] if self.call.extension else []
        if direction is Direction.INTERNAL and self.call.number:
            extensions.append(self.call.number)
        return self.world.office.facts(direction, extensions, self.call.number, at)

    def _captured_line(self, talking: list[Line]) -> Line:
        """The external party's channel; of an internal call the caller's."""
        external = [line for line in talking if not line.extension]
        caller = self._caller()
        if external:
            return caller if caller in external else external[0]
        return caller if caller in talking else talking[0]

    def _staff_line(self) -> Line | None:
        """The channel through which an announcement is whispered to both."""
        captured = self.capture.channel if self.capture else None
        others = [line for line in self._talking().values() if line.id != captured]
        return next((line for line in others if line.extension), others[0] if others else None)

    def _caller(self) -> Line | None:
        return self.lines.get(self.key) or min(
            self.lines.values(), key=lambda line: line.channel.created_at, default=None
        )

    def _number_of(self, line: Line | None) -> str | None:
        if line is None:
            return None
        return line.extension or normalise(line.channel.caller)

    # --- announcements

    def _announce_start(self, at: datetime) -> list[Command]:
        """The announcement at the start; also in place of one that the gate should have played."""
        decision = self.call.decision
        line = self._staff_line()
        if decision is None or decision.announce is Announce.NONE or self.call.announcements or not line:
            return []
        if decision.announce is Announce.BEFORE_CONNECT:
            self.note("announced at the start: the call had not passed the gate")
        assert self.capture is not None
        self.whisper = Whisper(
            self.key, self.capture.recording_id, line.id, list(self.world.prompts(decision))
        )
        return self.whisper.start()

    def _note_announcement(self, prompt: Prompt, at: datetime, leg: str) -> None:
        started = Announcement(prompt.name, prompt.language, prompt.text_sha256, leg, at)
        self.call = replace(self.call, announcements=(*self.call.announcements, started))

    def _finish_announcement(self, at: datetime, *, complete: bool) -> None:
        if not self.call.announcements or self.call.announcements[-1].finished_at:
            return
        *before, last = self.call.announcements
        last = replace(last, finished_at=at, complete=complete)
        self.call = replace(self.call, announcements=(*before, last))

    # --- the end

    def _over(self, at: datetime) -> list[Command]:
        """The last channel is gone. What the dialplan did in our place, it wrote down itself."""
        self.call = replace(self.call, ended_at=at, outcome=self._outcome())
        if self.end_unseen:
            self.note("the end of the call was not seen")
            # The recording's length tells the end better than the time at which it was noticed.
            self.call = replace(self.call, ended_at=None if self.capture else at)
        if self.fallback:
            return [ReadJournal(self.key)]
        # Where the end is to be told by the sound, the call's row comes with the recording.
        told_by_sound = self.capture and self.call.ended_at is None
        row = [] if told_by_sound else [SaveCall(self.key, self.call)]
        return [*self._after_capture(at), *row]

    def _participants(self, now: dict[str, Line], at: datetime) -> None:
        present = {each.channel for each in self.call.participants if each.left_at is None}
        kept = [
            each if each.channel in now or each.left_at else replace(each, left_at=at)
            for each in self.call.participants
        ]
        new = [
            Participant(id_, self._number_of(line) or "", line.extension, at)
            for id_, line in now.items()
            if id_ not in present
        ]
        self.call = replace(self.call, participants=(*kept, *new))

    def _talking(self) -> dict[str, Line]:
        present = [each.channel for each in self.call.participants if each.left_at is None]
        return {id_: self.lines[id_] for id_ in present if id_ in self.lines}

    def _after_capture(self, at: datetime) -> list[Command]:
        """Hands a finished capture over, once the call is over or has lingered long enough."""
        if not self.capture or self.handed_over or not self.capture.is_finished:
            self._idle_since = None
            return []
        self._idle_since = self._idle_since or at
        if not self.is_over and at - self._idle_since < LINGER:
            return []
        self.handed_over = True
        return [HandOver(self.key, Draft(self.call, self.capture.frozen()))]

    def _save_draft(self) -> Command:
        assert self.capture is not None
        return SaveDraft(self.key, Draft(self.call, self.capture.frozen()))

    def _outcome(self) -> Outcome:
        if self.call.answered_at:
            return Outcome.ANSWERED
        return OUTCOMES.get(self._dial_status, Outcome.UNANSWERED)
