"""One call: what is known of it and what is to be done about it. Pure: facts in, commands out.

The board tells a session what happens to the call's channels; the session decides when the call is
answered, and anew when others talk. It never waits, and never talks to the PBX.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callrec import ids
from callrec.model.calls import CallRecord, FeatureCode, KeyPress, KeyResult, Note, Outcome, remark
from callrec.model.rules import Direction, Mode
from callrec.pbx.events import OWN_PREFIX, Dialled, GateEntered, RawKeyPress, endpoint_of
from callrec.recording import legs as of_legs
from callrec.recording.actions import (
    Action,
    DialSupportPhone,
    HangUp,
    LetThrough,
    ReadJournal,
    SaveCall,
    SaveOpenCall,
)
from callrec.recording.announcements import Announcer
from callrec.recording.assistance import Assistance
from callrec.recording.capture import LiveCapture
from callrec.recording.decisions import Decisions, decided_for, in_force, mode_for_keys
from callrec.recording.environment import Environment
from callrec.recording.keys import marks, result_in_fallback
from callrec.recording.legs import Leg
from callrec.recording.recorder import CallRecorder
from callrec.recording.states import RecordingState
from callrec.recording.tones import ToneFeedback

OUTCOMES = {
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.UNANSWERED,
    "CANCEL": Outcome.UNANSWERED,
    "CHANUNAVAIL": Outcome.FAILED,
    "CONGESTION": Outcome.FAILED,
}


@dataclass(slots=True)
class Call:
    """One call, from its first channel to its last."""

    linkedid: str
    record: CallRecord
    environment: Environment
    legs: dict[str, Leg] = field(default_factory=dict)
    decisions: Decisions = field(init=False)
    recorder: CallRecorder = field(init=False)
    announcer: Announcer = field(init=False)
    tones: ToneFeedback = field(init=False)
    assistance: Assistance = field(init=False)
    fallback: bool = False
    end_unseen: bool = False
    saved_open: str = ""
    """The id under which this call was noted, while nothing was captured of it."""
    keys_unknown: bool = False
    """Whether keys were perhaps pressed that could not be read yet: until then nothing is discarded."""
    _heard: str = ""
    _beeped_at: datetime | None = None
    _dial_status: str = ""
    _connected_elsewhere: bool = False
    _left: list[Action] = field(default_factory=list)
    """What the PBX did not end when it was asked to: it is asked again."""

    def __post_init__(self) -> None:
        self.decisions = Decisions(self.environment.office)
        self.recorder = CallRecorder(self.linkedid, self.environment.new_id)
        self.announcer = Announcer(self.linkedid, self.environment.prompts, self.record.announcements)
        self.tones = ToneFeedback(self.linkedid, self.record.id, self.environment.tones)
        self.assistance = Assistance(self.linkedid, self.environment)

    # --- channels

    def joined(self, line: Leg) -> None:
        """A channel belongs to this call."""
        self.legs[line.id] = line

    def connected(self, talking: Iterable[Leg], at: datetime, *, seen: bool = True) -> list[Action]:
        """These channels are connected with one another now (none: nobody is).

        `seen`: it was just told; else it may have come about while the link to the PBX was away.
        """
        now = {line.id: line for line in talking}
        self._listen(now)
        somebody_joined = self._participants(now, at)
        if len(now) < 2:
            return self._save_checkpoint() if somebody_joined else []
        if self.record.answered_at is None:
            return [] if self.fallback else self._answered(list(now.values()), at)
        commands = [
            *self._follow(at),
            *self._turn(now, at, seen=seen),
            *self.assistance.follow(self.legs, now),
        ]
        commands += self.capture.renew_snoops(at) if self.capture else []
        return [*commands, *(self._save_checkpoint() if commands or somebody_joined else [])]

    def left(self, line: Leg, at: datetime) -> list[Action]:
        """A channel of this call is gone."""
        self.legs.pop(line.id, None)
        self._participants(self._talking(), at)
        if self.capture:
            self.capture.channel_gone(line.id, at)
        if not self.legs:
            return self._over(at)
        now = self._talking()
        turned = self._turn(now, at, seen=True) if self.record.answered_at and len(now) > 1 else []
        followed = [*turned, *self._follow(at)]
        return [*followed, *(self._save_checkpoint() if followed else []), *self._hand_over()]

    def abandoned(self, line: Leg, into: CallRecord, at: datetime) -> list[Action]:
        """A channel goes on in another call (a transfer); what was captured of it here ends."""
        self.legs.pop(line.id, None)
        if not self.legs:
            self._went_on(line, into)
        self._participants(self._talking(), at)
        commands: list[Action] = []
        if self.capture and self.capture.channel == line.id:
            commands = self.capture.abandon(at)
        return commands + ([] if self.legs else self._over(at))

    def compared(self, there: set[str], at: datetime) -> list[Action]:
        """The link to the PBX was away and is back: `there` are the channels it has now."""
        said_again = self.capture.compared(there, at) if self.capture else []
        if not self.legs and not self.is_over:
            self.end_unseen = True
            return [*said_again, *self._let_go(at), *self._over(at)]
        # What became of a whisper is not known: what was not heard to its end is said again.
        broken_off = [*self.tones.break_off(), *self.announcer.break_off()]
        if self.is_over or not self.capture:
            return [*broken_off, *self._hand_over()]
        followed = self._follow(at)
        drafted = self._save_checkpoint() if followed else []
        return [*said_again, *broken_off, *followed, *drafted, *self._announce_start()]

    def missed_the_end(self, there: set[str], at: datetime, *, keys_known: bool) -> None:
        """All channels of this call went while nobody watched."""
        self.end_unseen, self.keys_unknown = True, not keys_known
        if self.capture and self.capture.channel and self.capture.channel not in there:
            self.capture.channel_gone(self.capture.channel, at)

    def _let_go(self, at: datetime) -> list[Action]:
        """The captured channel is no more in this call; it may live on in another."""
        return self.capture.abandon(at) if self.capture and not self.capture.gone_at else []

    # --- the gate

    def at_gate(self, event: GateEntered) -> list[Action]:
        """The dialplan asks. Every answer lets the call through; some have it announced first.

        A call that is transferred passes the gate again: it is decided and announced already.
        """
        if self.record.answered_at:
            return [LetThrough(self.linkedid, event.channel.id)]
        self.record = self.decisions.at_gate(self.record, event)
        sounds = self.announcer.at_gate(self.decisions.gate) if self.decisions.gate else ()
        self._take_announcements()
        return [LetThrough(self.linkedid, event.channel.id, sounds), *self._save_checkpoint()]

    def gate_recalled(self, event: GateEntered) -> None:
        """What was asked at the gate before callrec was away. It counts for who answers."""
        if self.decisions.gate is None and not self.is_over:
            before, call = self.record, self.decisions.at_gate(self.record, event)
            self.record = before if before.answered_at else call

    def announced(self, sound: str, at: datetime, leg: str, *, status: str | None) -> None:
        """The dialplan began to play a prompt (status None) or ended it."""
        self.announcer.dialplan_said(sound, at, leg, status)
        self._take_announcements()

    def fallback_took_over(self, channel: str, since: datetime) -> list[Action]:
        """The dialplan took the call of this channel over because we did not answer in time.

        Its journal tells of the call, under an id that both know.
        """
        if not self.fallback and not self.capture and not self.record.key_presses:
            self.record = replace(self.record, id=ids.of_fallback_call(self.record.pbx, channel, since))
        self.fallback = True
        superfluous, self.saved_open = self.saved_open, ""
        return [ReadJournal(self.linkedid, superfluous)] if superfluous else []

    def dialled(self, event: Dialled) -> None:
        if event.status:
            self._dial_status = event.status

    # --- the keys

    def pressed(
        self, key: FeatureCode, id_: str, channel: str, extension: str, at: datetime, now: datetime
    ) -> list[Action]:
        """Staff pressed a key at `at`, which was heard of `now`. The same press, told twice, counts once."""
        if any(each.id == id_ for each in self.record.key_presses):
            return []
        does, commands = self._obey(key, now)
        there = channel if channel in self.legs else ""
        if key is FeatureCode.HELP:
            mode = self._mode_for(key)
            kept = self.recorder.is_heard and self.recorder.keeping is RecordingState.KEPT
            recorded = kept or self._dialplan_records(mode)
            commands += self.assistance.asked(self.record, id_, extension, there, at, recorded=recorded)
        press = KeyPress(id_, key, does, channel, extension, at)
        incident = self.record.incident or marks(does)
        self.record = replace(self.record, key_presses=(*self.record.key_presses, press), incident=incident)
        heard = self.tones.confirm(key, does, there, len(self.record.key_presses)) if there else []
        return [*commands, *heard, *self._save_checkpoint(), *self._save_late()]

    def had(self, key: RawKeyPress) -> bool:
        """Whether who pressed a key took part in this call then, whose linked id need not be the key's."""
        extension = endpoint_of(key.by)
        return any(
            each.extension == extension and each.joined_at <= key.at and key.at <= (each.left_at or key.at)
            for each in self.record.participants
        )

    def _save_late(self) -> list[Action]:
        """What is told after the end is in the row too, where that does not come with a recording."""
        has_row = self.is_over and not self.capture and not self.fallback
        return [SaveCall(self.linkedid, self.record)] if has_row else []

    def _obey(self, key: FeatureCode, at: datetime) -> tuple[KeyResult, list[Action]]:
        if self.fallback:
            self._take_up(at)
        mode = self._mode_for(key)
        if self._dialplan_records(mode):
            return result_in_fallback(key, recorded=True, marked=self.record.incident), []
        lines = list(self._talking().values()) or list(self.legs.values())
        too_late = self.is_over and not self.keys_unknown
        if too_late or (not self.capture and (self.end_unseen or not lines)):
            mode = Mode.NEVER
        channel = of_legs.captured(lines, self._caller()).id if lines else ""
        before = self.capture
        does, commands = self.recorder.pressed(key, mode, channel, at)
        if self.capture is not before:
            self.record = replace(self.record, decision=in_force(self.record))
        return does, commands

    def _mode_for(self, key: FeatureCode) -> Mode:
        """What this key goes by. What there is can be kept also when the party outside has left."""
        there_is = self.recorder.keeping in (RecordingState.STANDBY, RecordingState.KEPT)
        before = self.decisions.before if there_is and key in (FeatureCode.KEEP, FeatureCode.HELP) else None
        return mode_for_keys(self.record, before, captured=self.capture is not None)

    def _dialplan_records(self, mode: Mode) -> bool:
        return self.fallback and not self.capture and mode is Mode.AUTOMATIC

    def _take_up(self, at: datetime) -> None:
        """The dialplan took the call over, and does not record what waits for a key: we can."""
        talking = list(self._talking().values())
        if not self.record.answered_at and len(talking) >= 2:
            self.record = self.decisions.answered(self.record, talking, self._caller(), at)
            self.note("callrec was away when this call began")

    # --- media

    def snoop_ready(self, snoop: str) -> list[Action]:
        """A channel of ours can be used."""
        of_capture = self.capture.snoop_ready(snoop) if self.capture else []
        of_others = self.announcer.snoop_ready(snoop) or self.tones.snoop_ready(snoop)
        return of_capture or of_others or self.assistance.started(snoop)

    def recording_started(self, name: str, at: datetime) -> list[Action]:
        if not self.capture:
            return []
        whole = self.capture.track_started(name, at)
        muted = self.capture.quieten()
        return [*muted, *([*self._save_checkpoint(), *self._announce_start()] if whole else [])]

    def recording_ended(self, name: str, at: datetime, failure: str | None = None) -> list[Action]:
        if self.capture:
            self.capture.track_ended(name, at, failure)
        return self._hand_over()

    def playback_started(self, id_: str, at: datetime) -> None:
        self.announcer.playback_started(id_, at)
        self._take_announcements()

    def playback_finished(self, id_: str, at: datetime, *, failed: bool) -> list[Action]:
        commands = self.announcer.playback_finished(id_, at, failed=failed)
        if commands is None:
            return self.tones.playback_finished(id_)
        self._take_announcements()
        return [*commands, *self._save_checkpoint()]

    def command_failed(self, command: Action, problem: str, at: datetime) -> list[Action]:
        """The PBX refused a command. A capture tries again at a later tick, if the call goes on."""
        commands = self.assistance.refused(command)
        if commands is not None:
            if isinstance(command, DialSupportPhone):
                self.note("the support phone could not be called: {problem}", problem=problem)
            return commands
        commands = self.announcer.refused(command)
        if commands is not None:
            self.note("the announcement could not be played: {problem}", problem=problem)
            return commands
        if isinstance(command, HangUp):
            self._left.append(command)
        ended = self.capture.command_failed(command, problem, at) if self.capture else []
        return [*self.tones.refused(command), *ended, *self._hand_over()]

    def tick(self, at: datetime) -> list[Action]:
        """Time passes: what failed is repeated."""
        commands = self.capture.retry(at) if self.capture else []
        joined = self._participants(self._talking(), at)
        drafted = self._save_checkpoint() if commands or joined else []
        left, self._left = self._left, []
        helped = self.assistance.tick(at, self._talking())
        return [*left, *commands, *drafted, *self._beep(at), *helped, *self._hand_over()]

    def _beep(self, at: datetime) -> list[Action]:
        """The consent beep, heard by both while they are recorded."""
        every = self.record.decision.beep_s if self.record.decision else None
        if not every or not self.capture or not self.recorder.is_heard or self.is_over:
            return []
        since = self._beeped_at or self.capture.started_at
        line = of_legs.staff_side(self._talking().values(), self.capture.channel)
        if not line or at - since < timedelta(seconds=every):
            return []
        self._beeped_at = at
        return self.tones.beep(line.id, at)

    # --- how it stands

    @property
    def capture(self) -> LiveCapture | None:
        return self.recorder.capture

    @property
    def is_over(self) -> bool:
        return self.record.outcome is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of this call."""
        kept = self.capture is None or self.recorder.handed_over
        return self.is_over and kept and self.assistance.is_settled and not self.keys_unknown

    @property
    def snoops(self) -> set[str]:
        """The ids of the channels of ours that this call may have on the PBX."""
        whisper = {self.announcer.whisper.snoop} if self.announcer.whisper else set()
        captured = self.capture.snoops if self.capture and not self.recorder.handed_over else set()
        return whisper | captured | self.tones.snoops | self.assistance.channels

    def note(self, template: str, **values: object) -> None:
        """Notes on the call, once, what went otherwise than decided."""
        self._add(remark(template, **values))

    def _add(self, note: Note) -> None:
        if note not in self.record.notes:
            self.record = replace(self.record, notes=(*self.record.notes, note))

    # --- what is captured

    def _answered(self, talking: list[Leg], at: datetime) -> list[Action]:
        self.record = self.decisions.answered(self.record, talking, self._caller(), at)
        assert self.record.decision is not None
        line = of_legs.captured(talking, self._caller())
        return [*self.recorder.decided(self.record.decision.mode, line.id, at), *self._save_checkpoint()]

    def _turn(self, now: dict[str, Leg], at: datetime, *, seen: bool) -> list[Action]:
        """Others talk than before: if their rules say otherwise, so it is from now on.

        Where nobody saw it, what is never to be recorded is silent from when their phones rang.
        """
        if of_legs.is_consultation(now, self.legs) or (self.fallback and not self.capture):
            return []
        unseen = of_legs.first_of(now.values(), but=decided_for(self.record)) or at
        staff, before = of_legs.staff(now.values()), self.record
        others = of_legs.strangers(now.values(), before.number)
        self.record = self.decisions.turned(before, staff, others, at, alone=self._staff_are_alone)
        decision = in_force(self.record)
        if self.record is before or not decision:
            return []
        may_begin = self.recorder.keeping in (RecordingState.UNRECORDED, RecordingState.STANDBY)
        line = of_legs.captured(list(now.values()), self._caller())
        commands = self.recorder.turned(decision.mode, line.id, at, at if seen else min(at, unseen))
        if may_begin and decision.mode is not Mode.NEVER and self.recorder.is_under_way:
            self.record = replace(self.record, decision=decision)
        return commands

    @property
    def _staff_are_alone(self) -> bool:
        """Whether the party outside has left a call that others go on with."""
        internal = self.record.direction is Direction.INTERNAL
        return not internal and all(line.extension for line in self.legs.values())

    def _follow(self, at: datetime) -> list[Action]:
        """The captured party has left and others go on: so does the recording."""
        talking = list(self._talking().values())
        if not self.capture or not self.capture.gone_at or self.recorder.handed_over or len(talking) < 2:
            return []
        return self.capture.move(of_legs.captured(talking, self._caller()).id, at)

    def _listen(self, now: dict[str, Leg]) -> None:
        """Whom the captured party hears; from two channels Asterisk mixes nothing."""
        captured = self.capture.channel if self.capture else None
        others = [id_ for id_ in now if id_ != captured]
        if not self.capture or captured not in now or len(others) != 1:
            return
        known = [each.channel for each in self.record.participants if not each.channel.startswith(OWN_PREFIX)]
        before = [id_ for id_ in known if id_ != captured]
        heard = self._heard or (before[-1] if before else others[0])
        self._heard = others[0]
        self.capture.needs_new_snoops |= heard != self._heard

    def _caller(self) -> Leg | None:
        return of_legs.caller(self.legs, self.linkedid)

    def _save_checkpoint(self) -> list[Action]:
        """Writes down how it stands: the next start knows it, if this process ends now."""
        if self.capture or self.is_over or self.fallback:
            return self.recorder.checkpoint(self.record)
        self.saved_open = self.record.id
        return [SaveOpenCall(self.linkedid, self.record)]

    def _hand_over(self) -> list[Action]:
        if self.keys_unknown and not self.recorder.is_wanted:
            return []
        if self.is_over and self.recorder.is_kept_in_part:
            self.note("what was captured before, on standby, was not kept")
        return self.recorder.hand_over(self.record)

    # --- announcements

    def _announce_start(self) -> list[Action]:
        decision = self.record.decision
        line = of_legs.staff_side(self._talking().values(), self.capture.channel) if self.capture else None
        if not self.capture or not decision or not line:
            return []
        commands = self.announcer.start(decision, self.decisions.gate, self.capture.recording_id, line.id)
        self._take_announcements()
        return commands

    def _take_announcements(self) -> None:
        self.record = replace(self.record, announcements=self.announcer.made)
        for note in self.announcer.notes:
            self._add(note)

    # --- the end

    def _over(self, at: datetime) -> list[Action]:
        """The last channel is gone. What the dialplan did in our place, it wrote down itself."""
        self.record = replace(self.record, ended_at=at, outcome=self._outcome())
        # A recording's length tells the end better than the time at which it was noticed; then the
        # call's row comes with the recording.
        told_by_sound = self.end_unseen and self.recorder.tells_the_end
        if self.end_unseen:
            self.note("the end of the call was not seen")
            self.record = replace(self.record, ended_at=None if told_by_sound else at)
        row = (
            []
            if told_by_sound or (self.fallback and not self.capture)
            else [SaveCall(self.linkedid, self.record)]
        )
        journal = [ReadJournal(self.linkedid, self.saved_open)] if self.fallback else []
        return [*row, *self._hand_over(), *self.assistance.ended(), *journal]

    def _went_on(self, line: Leg, into: CallRecord) -> None:
        """The last one here talks in another call: that is no call that nobody answered."""
        self.note("the call went on in call {id}", id=into.id)
        self.record = replace(self.record, number=self.record.number or line.number or None)
        self._connected_elsewhere = True

    def _participants(self, now: dict[str, Leg], at: datetime) -> bool:
        """Notes who talks now, a support phone that helps among them; whether somebody has joined."""
        before, guests = self.record.participants, self.assistance.guests if len(now) > 1 else {}
        self.record = replace(self.record, participants=of_legs.participants(before, {**now, **guests}, at))
        return len(self.record.participants) > len(before)

    def _talking(self) -> dict[str, Leg]:
        present = [each.channel for each in self.record.participants if each.left_at is None]
        return {id_: self.legs[id_] for id_ in present if id_ in self.legs}

    def _outcome(self) -> Outcome:
        if self.record.answered_at or self._connected_elsewhere:
            return Outcome.ANSWERED
        return OUTCOMES.get(self._dial_status, Outcome.UNANSWERED)
