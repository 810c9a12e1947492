"""One call: what is known of it and what is to be done about it. Pure: facts in, commands out.

The board tells a session what happens to the call's channels; the session decides when the call is
answered, and anew when others talk. It never waits, and never talks to the PBX.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec import ids
from callrec.model.calls import CallRecord, Effect, Key, Note, Outcome, Press, remark
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import OWN_PREFIX, Dialled, GateEntered, KeyNoted, endpoint_of
from callrec.recording import legs as of_lines
from callrec.recording.actions import (
    Command,
    DialRoom,
    HangUp,
    LetThrough,
    NoteCall,
    ReadJournal,
    SaveCall,
)
from callrec.recording.announcements import Announcer
from callrec.recording.assistance import Helping
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import Decisions, decided_for, in_force, mode_for_keys
from callrec.recording.environment import Surroundings
from callrec.recording.keys import effect_stood_in, marks
from callrec.recording.legs import Line
from callrec.recording.recorder import Keeper
from callrec.recording.states import Keeping
from callrec.recording.tones import Signals

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}


@dataclass(slots=True)
class Session:
    """One call, from its first channel to its last."""

    key: str
    call: CallRecord
    world: Surroundings
    lines: dict[str, Line] = field(default_factory=dict)
    decisions: Decisions = field(init=False)
    keeper: Keeper = field(init=False)
    announcer: Announcer = field(init=False)
    signals: Signals = field(init=False)
    help: Helping = field(init=False)
    fallback: bool = False
    end_unseen: bool = False
    noted: str = ""
    """The id under which this call was noted, while nothing was captured of it."""
    keys_unknown: bool = False
    """Whether keys were perhaps pressed that could not be read yet: until then nothing is discarded."""
    _heard: str = ""
    _beeped_at: datetime | None = None
    _dial_status: str = ""
    _connected_elsewhere: bool = False
    _left: list[Command] = field(default_factory=list)
    """What the PBX did not end when it was asked to: it is asked again."""

    def __post_init__(self) -> None:
        self.decisions = Decisions(self.world.office)
        self.keeper = Keeper(self.key, self.world.new_id)
        self.announcer = Announcer(self.key, self.world.prompts, self.call.announcements)
        self.signals = Signals(self.key, self.call.id, self.world.tones)
        self.help = Helping(self.key, self.world)

    # --- channels

    def joined(self, line: Line) -> None:
        """A channel belongs to this call."""
        self.lines[line.id] = line

    def connected(self, talking: Iterable[Line], at: datetime, *, seen: bool = True) -> list[Command]:
        """These channels are connected with one another now (none: nobody is).

        `seen`: it was just told; else it may have come about while the link to the PBX was away.
        """
        now = {line.id: line for line in talking}
        self._listen(now)
        somebody_joined = self._participants(now, at)
        if len(now) < 2:
            return self._save_draft() if somebody_joined else []
        if self.call.answered_at is None:
            return [] if self.fallback else self._answered(list(now.values()), at)
        commands = [*self._follow(at), *self._turn(now, at, seen=seen), *self.help.follow(self.lines, now)]
        commands += self.capture.refresh(at) if self.capture else []
        return [*commands, *(self._save_draft() if commands or somebody_joined else [])]

    def left(self, line: Line, at: datetime) -> list[Command]:
        """A channel of this call is gone."""
        self.lines.pop(line.id, None)
        self._participants(self._talking(), at)
        if self.capture:
            self.capture.channel_gone(line.id, at)
        if not self.lines:
            return self._over(at)
        now = self._talking()
        turned = self._turn(now, at, seen=True) if self.call.answered_at and len(now) > 1 else []
        followed = [*turned, *self._follow(at)]
        return [*followed, *(self._save_draft() if followed else []), *self._hand_over()]

    def abandoned(self, line: Line, into: CallRecord, at: datetime) -> list[Command]:
        """A channel goes on in another call (a transfer); what was captured of it here ends."""
        self.lines.pop(line.id, None)
        if not self.lines:
            self._went_on(line, into)
        self._participants(self._talking(), at)
        commands: list[Command] = []
        if self.capture and self.capture.channel == line.id:
            commands = self.capture.abandon(at)
        return commands + ([] if self.lines else self._over(at))

    def compared(self, there: set[str], at: datetime) -> list[Command]:
        """The link to the PBX was away and is back: `there` are the channels it has now."""
        said_again = self.capture.compared(there, at) if self.capture else []
        if not self.lines and not self.is_over:
            self.end_unseen = True
            return [*said_again, *self._let_go(at), *self._over(at)]
        # What became of a whisper is not known: what was not heard to its end is said again.
        broken_off = [*self.signals.break_off(), *self.announcer.break_off()]
        if self.is_over or not self.capture:
            return [*broken_off, *self._hand_over()]
        followed = self._follow(at)
        drafted = self._save_draft() if followed else []
        return [*said_again, *broken_off, *followed, *drafted, *self._announce_start()]

    def missed_the_end(self, there: set[str], at: datetime, *, keys_known: bool) -> None:
        """All channels of this call went while nobody watched."""
        self.end_unseen, self.keys_unknown = True, not keys_known
        if self.capture and self.capture.channel and self.capture.channel not in there:
            self.capture.channel_gone(self.capture.channel, at)

    def _let_go(self, at: datetime) -> list[Command]:
        """The captured channel is no more in this call; it may live on in another."""
        return self.capture.abandon(at) if self.capture and not self.capture.gone_at else []

    # --- the gate

    def at_gate(self, event: GateEntered) -> list[Command]:
        """The dialplan asks. Every answer lets the call through; some have it announced first.

        A call that is transferred passes the gate again: it is decided and announced already.
        """
        if self.call.answered_at:
            return [LetThrough(self.key, event.channel.id)]
        self.call = self.decisions.at_gate(self.call, event)
        sounds = self.announcer.at_gate(self.decisions.gate) if self.decisions.gate else ()
        self._note_announcements()
        return [LetThrough(self.key, event.channel.id, sounds), *self._save_draft()]

    def gate_recalled(self, event: GateEntered) -> None:
        """What was asked at the gate before callrec was away. It counts for who answers."""
        if self.decisions.gate is None and not self.is_over:
            before, call = self.call, self.decisions.at_gate(self.call, event)
            self.call = before if before.answered_at else call

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> None:
        """The dialplan began to play a prompt (status None) or ended it."""
        self.announcer.dialplan_said(sound, at, leg, status)
        self._note_announcements()

    def stood_in(self, channel: str, since: datetime) -> list[Command]:
        """The dialplan took the call of this channel over because we did not answer in time.

        Its journal tells of the call, under an id that both know.
        """
        if not self.fallback and not self.capture and not self.call.keys:
            self.call = replace(self.call, id=ids.of_stood_in(self.call.pbx, channel, since))
        self.fallback = True
        superfluous, self.noted = self.noted, ""
        return [ReadJournal(self.key, superfluous)] if superfluous else []

    def dialled(self, event: Dialled) -> None:
        if event.status:
            self._dial_status = event.status

    # --- the keys

    def pressed(
        self, key: Key, id_: str, channel: str, extension: str, at: datetime, now: datetime
    ) -> list[Command]:
        """Staff pressed a key at `at`, which was heard of `now`. The same press, told twice, counts once."""
        if any(each.id == id_ for each in self.call.keys):
            return []
        does, commands = self._obey(key, now)
        there = channel if channel in self.lines else ""
        if key is Key.HELP:
            mode = self._mode_for(key)
            kept = self.keeper.is_heard and self.keeper.keeping is Keeping.KEPT
            recorded = kept or self._dialplan_records(mode)
            commands += self.help.asked(self.call, id_, extension, there, at, recorded=recorded)
        press = Press(id_, key, does, channel, extension, at)
        incident = self.call.incident or marks(does)
        self.call = replace(self.call, keys=(*self.call.keys, press), incident=incident)
        heard = self.signals.confirm(key, does, there, len(self.call.keys)) if there else []
        return [*commands, *heard, *self._save_draft(), *self._save_late()]

    def had(self, key: KeyNoted) -> bool:
        """Whether who pressed a key took part in this call then, whose linked id need not be the key's."""
        extension = endpoint_of(key.by)
        return any(
            each.extension == extension and each.joined_at <= key.at and key.at <= (each.left_at or key.at)
            for each in self.call.participants
        )

    def _save_late(self) -> list[Command]:
        """What is told after the end is in the row too, where that does not come with a recording."""
        has_row = self.is_over and not self.capture and not self.fallback
        return [SaveCall(self.key, self.call)] if has_row else []

    def _obey(self, key: Key, at: datetime) -> tuple[Effect, list[Command]]:
        if self.fallback:
            self._take_up(at)
        mode = self._mode_for(key)
        if self._dialplan_records(mode):
            return effect_stood_in(key, recorded=True, marked=self.call.incident), []
        lines = list(self._talking().values()) or list(self.lines.values())
        too_late = self.is_over and not self.keys_unknown
        if too_late or (not self.capture and (self.end_unseen or not lines)):
            mode = Mode.NEVER
        channel = of_lines.captured(lines, self._caller()).id if lines else ""
        before = self.capture
        does, commands = self.keeper.pressed(key, mode, channel, at)
        if self.capture is not before:
            self.call = replace(self.call, decision=in_force(self.call))
        return does, commands

    def _mode_for(self, key: Key) -> Mode:
        """What this key goes by. What there is can be kept also when the party outside has left."""
        there_is = self.keeper.keeping in (Keeping.STANDBY, Keeping.KEPT)
        before = self.decisions.before if there_is and key in (Key.KEEP, Key.HELP) else None
        return mode_for_keys(self.call, before, captured=self.capture is not None)

    def _dialplan_records(self, mode: Mode) -> bool:
        return self.fallback and not self.capture and mode is Mode.AUTOMATIC

    def _take_up(self, at: datetime) -> None:
        """The dialplan took the call over, and does not record what waits for a key: we can."""
        talking = list(self._talking().values())
        if not self.call.answered_at and len(talking) >= 2:
            self.call = self.decisions.answered(self.call, talking, self._caller(), at)
            self.note("callrec was away when this call began")

    # --- media

    def snoop_ready(self, snoop: str) -> list[Command]:
        """A channel of ours can be used."""
        of_capture = self.capture.snoop_ready(snoop) if self.capture else []
        of_others = self.announcer.snoop_ready(snoop) or self.signals.snoop_ready(snoop)
        return of_capture or of_others or self.help.started(snoop)

    def recording_started(self, name: str, at: datetime) -> list[Command]:
        if not self.capture:
            return []
        whole = self.capture.track_started(name, at)
        muted = self.capture.quieten()
        return [*muted, *([*self._save_draft(), *self._announce_start()] if whole else [])]

    def recording_ended(self, name: str, at: datetime, failure: str | None = None) -> list[Command]:
        if self.capture:
            self.capture.track_ended(name, at, failure)
        return self._hand_over()

    def playback_started(self, id_: str, at: datetime) -> None:
        self.announcer.playback_started(id_, at)
        self._note_announcements()

    def playback_finished(self, id_: str, at: datetime, *, failed: bool) -> list[Command]:
        commands = self.announcer.playback_finished(id_, at, failed=failed)
        if commands is None:
            return self.signals.playback_finished(id_)
        self._note_announcements()
        return [*commands, *self._save_draft()]

    def command_failed(self, command: Command, problem: str, at: datetime) -> list[Command]:
        """The PBX refused a command. A capture tries again at a later tick, if the call goes on."""
        commands = self.help.refused(command)
        if commands is not None:
            if isinstance(command, DialRoom):
                self.note("the room that helps could not be called: {problem}", problem=problem)
            return commands
        commands = self.announcer.refused(command)
        if commands is not None:
            self.note("the announcement could not be played: {problem}", problem=problem)
            return commands
        if isinstance(command, HangUp):
            self._left.append(command)
        ended = self.capture.command_failed(command, problem, at) if self.capture else []
        return [*self.signals.refused(command), *ended, *self._hand_over()]

    def tick(self, at: datetime) -> list[Command]:
        """Time passes: what failed is repeated."""
        commands = self.capture.retry(at) if self.capture else []
        joined = self._participants(self._talking(), at)
        drafted = self._save_draft() if commands or joined else []
        left, self._left = self._left, []
        helped = self.help.tick(at, self._talking())
        return [*left, *commands, *drafted, *self._beep(at), *helped, *self._hand_over()]

    def _beep(self, at: datetime) -> list[Command]:
        """The consent beep, heard by both while they are recorded."""
        every = self.call.decision.beep_s if self.call.decision else None
        if not every or not self.capture or not self.keeper.is_heard or self.is_over:
            return []
        since = self._beeped_at or self.capture.started_at
        line = of_lines.staff_side(self._talking().values(), self.capture.channel)
        if not line or at - since < timedelta(seconds=every):
            return []
        self._beeped_at = at
        return self.signals.beep(line.id, at)

    # --- how it stands

    @property
    def capture(self) -> LiveCapture | None:
        return self.keeper.capture

    @property
    def is_over(self) -> bool:
        return self.call.outcome is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of this call."""
        kept = self.capture is None or self.keeper.handed_over
        return self.is_over and kept and self.help.is_settled and not self.keys_unknown

    @property
    def snoops(self) -> set[str]:
        """The ids of the channels of ours that this call may have on the PBX."""
        whisper = {self.announcer.whisper.snoop} if self.announcer.whisper else set()
        captured = self.capture.snoops if self.capture and not self.keeper.handed_over else set()
        return whisper | captured | self.signals.snoops | self.help.channels

    def note(self, template: str, **values: object) -> None:
        """Notes on the call, once, what went otherwise than decided."""
        self._add(remark(template, **values))

    def _add(self, note: Note) -> None:
        if note not in self.call.notes:
            self.call = replace(self.call, notes=(*self.call.notes, note))

    # --- what is captured

    def _answered(self, talking: list[Line], at: datetime) -> list[Command]:
        self.call = self.decisions.answered(self.call, talking, self._caller(), at)
        assert self.call.decision is not None
        line = of_lines.captured(talking, self._caller())
        return [*self.keeper.decided(self.call.decision.mode, line.id, at), *self._save_draft()]

    def _turn(self, now: dict[str, Line], at: datetime, *, seen: bool) -> list[Command]:
        """Others talk than before: if their rules say otherwise, so it is from now on.

        Where nobody saw it, what is never to be recorded is silent from when their phones rang.
        """
        if of_lines.is_consultation(now, self.lines) or (self.fallback and not self.capture):
            return []
        unseen = of_lines.first_of(now.values(), but=decided_for(self.call)) or at
        staff, before = of_lines.staff(now.values()), self.call
        others = of_lines.strangers(now.values(), before.number)
        self.call = self.decisions.turned(before, staff, others, at, alone=self._staff_are_alone)
        decision = in_force(self.call)
        if self.call is before or not decision:
            return []
        may_begin = self.keeper.keeping in (Keeping.UNRECORDED, Keeping.STANDBY)
        line = of_lines.captured(list(now.values()), self._caller())
        commands = self.keeper.turned(decision.mode, line.id, at, at if seen else min(at, unseen))
        if may_begin and decision.mode is not Mode.NEVER and self.keeper.is_under_way:
            self.call = replace(self.call, decision=decision)
        return commands

    @property
    def _staff_are_alone(self) -> bool:
        """Whether the party outside has left a call that others go on with."""
        internal = self.call.direction is Direction.INTERNAL
        return not internal and all(line.extension for line in self.lines.values())

    def _follow(self, at: datetime) -> list[Command]:
        """The captured party has left and others go on: so does the recording."""
        talking = list(self._talking().values())
        if not self.capture or not self.capture.gone_at or self.keeper.handed_over or len(talking) < 2:
            return []
        return self.capture.move(of_lines.captured(talking, self._caller()).id, at)

    def _listen(self, now: dict[str, Line]) -> None:
        """Whom the captured party hears; from two channels Asterisk mixes nothing."""
        captured = self.capture.channel if self.capture else None
        others = [id_ for id_ in now if id_ != captured]
        if not self.capture or captured not in now or len(others) != 1:
            return
        known = [each.channel for each in self.call.participants if not each.channel.startswith(OWN_PREFIX)]
        before = [id_ for id_ in known if id_ != captured]
        heard = self._heard or (before[-1] if before else others[0])
        self._heard = others[0]
        self.capture.stale |= heard != self._heard

    def _caller(self) -> Line | None:
        return of_lines.caller(self.lines, self.key)

    def _save_draft(self) -> list[Command]:
        """Writes down how it stands: the next start knows it, if this process ends now."""
        if self.capture or self.is_over or self.fallback:
            return self.keeper.draft(self.call)
        self.noted = self.call.id
        return [NoteCall(self.key, self.call)]

    def _hand_over(self) -> list[Command]:
        if self.keys_unknown and not self.keeper.is_wanted:
            return []
        if self.is_over and self.keeper.is_kept_in_part:
            self.note("what was captured before, on standby, was not kept")
        return self.keeper.hand_over(self.call)

    # --- announcements

    def _announce_start(self) -> list[Command]:
        decision = self.call.decision
        line = of_lines.staff_side(self._talking().values(), self.capture.channel) if self.capture else None
        if not self.capture or not decision or not line:
            return []
        commands = self.announcer.start(decision, self.decisions.gate, self.capture.recording_id, line.id)
        self._note_announcements()
        return commands

    def _note_announcements(self) -> None:
        self.call = replace(self.call, announcements=self.announcer.made)
        for note in self.announcer.notes:
            self._add(note)

    # --- the end

    def _over(self, at: datetime) -> list[Command]:
        """The last channel is gone. What the dialplan did in our place, it wrote down itself."""
        self.call = replace(self.call, ended_at=at, outcome=self._outcome())
        # A recording's length tells the end better than the time at which it was noticed; then the
        # call's row comes with the recording.
        told_by_sound = self.end_unseen and self.keeper.tells_the_end
        if self.end_unseen:
            self.note("the end of the call was not seen")
            self.call = replace(self.call, ended_at=None if told_by_sound else at)
        row = [] if told_by_sound or (self.fallback and not self.capture) else [SaveCall(self.key, self.call)]
        journal = [ReadJournal(self.key, self.noted)] if self.fallback else []
        return [*row, *self._hand_over(), *self.help.ended(), *journal]

    def _went_on(self, line: Line, into: CallRecord) -> None:
        """The last one here talks in another call: that is no call that nobody answered."""
        self.note("the call went on in call {id}", id=into.id)
        self.call = replace(self.call, number=self.call.number or line.number or None)
        self._connected_elsewhere = True

    def _participants(self, now: dict[str, Line], at: datetime) -> bool:
        """Notes who talks now, a room that helps among them; whether somebody has joined."""
        before, guests = self.call.participants, self.help.guests if len(now) > 1 else {}
        self.call = replace(self.call, participants=of_lines.participants(before, {**now, **guests}, at))
        return len(self.call.participants) > len(before)

    def _talking(self) -> dict[str, Line]:
        present = [each.channel for each in self.call.participants if each.left_at is None]
        return {id_: self.lines[id_] for id_ in present if id_ in self.lines}

    def _outcome(self) -> Outcome:
        if self.call.answered_at or self._connected_elsewhere:
            return Outcome.ANSWERED
        return OUTCOMES.get(self._dial_status, Outcome.UNANSWERED)
