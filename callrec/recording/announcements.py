"""Announces one call: has the dialplan play the prompts at the gate, or whispers them during the call.

What counts is what was heard to its end: a prompt that was not is played again at the start. Which prompts a
decision asks for is the library's matter (`Environment.prompts`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.errors import CallrecError
from callrec.model.calls import IN_CALL, Announcement, Note, remark
from callrec.model.prompts import Prompt
from callrec.model.rules import Announce, Decision, Unannounced
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.actions import Action, HangUp, PbxAction, PlayMedia, StartSnoop
from callrec.recording.environment import Sound
from callrec.recording.owners import Owner


def must_not_be_recorded(
    decision: Decision, made: Iterable[Announcement], refused: Collection[str] = ()
) -> bool:
    """Tells whether a decision's announcement could not be played, and it says that nothing is recorded then.

    `made` are the playings, `refused` the names of prompts that were not even begun. Of one that a hang-up
    cut short nothing is known, and one that was heard to its end after all has not failed.
    """
    if decision.announce is Announce.NONE or decision.unannounced is Unannounced.RECORD:
        return False
    played = [each for each in made if each.prompt == decision.prompt]
    heard = {each.language for each in played if each.complete}
    failed = decision.prompt in refused or any(each.could_not_be_played for each in played)
    return failed and not heard.issuperset(decision.languages)


@dataclass(slots=True)
class InCallAnnouncement:
    """Prompts that are played one after the other through one snoop, heard by both parties.

    It whispers on the staff's leg, `channel`: what is whispered on the recorded leg itself is not in the
    recording (decision 3).
    """

    linkedid: str
    name: str
    channel: str
    sounds: list[Sound]
    owner: Owner
    _position: int = 0

    @property
    def snoop(self) -> str:
        """The id of the snoop; `name` is unique to the announcement."""
        return f"{OWN_PREFIX}{self.name}"

    @property
    def playback(self) -> str:
        """The id of the playback that runs now."""
        return f"{self.snoop}-{self._position}"

    @property
    def current(self) -> Prompt:
        """The prompt whose turn it is."""
        return self.sounds[self._position][0]

    def start(self) -> list[Action]:
        """Makes the snoop. `play` comes when it is there."""
        return [StartSnoop(self.linkedid, self.channel, self.snoop, whisper="both", owner=self.owner)]

    def play(self) -> list[Action]:
        """Plays the prompt whose turn it is."""
        sound = self.sounds[self._position][1]
        media = (f"sound:{sound}",)
        return [PlayMedia(self.linkedid, self.snoop, self.playback, media, owner=self.owner)]

    def next(self) -> list[Action]:
        """Plays the next prompt, or hangs up the snoop when all were played."""
        self._position += 1
        return [HangUp(self.linkedid, self.snoop)] if self.is_over else self.play()

    @property
    def is_over(self) -> bool:
        return self._position >= len(self.sounds)


@dataclass(slots=True)
class Announcer(Owner):
    """Announces one call, and keeps every playing of a prompt in `made`, the latest last.

    `prompts` gives the prompts of a decision, with the names under which the PBX plays them.
    """

    linkedid: str
    prompts: Callable[[Decision], Sequence[Sound]]
    made: tuple[Announcement, ...] = ()
    notes: list[Note] = field(default_factory=list)
    """What went otherwise than decided: taken over into the call's record."""
    in_call: InCallAnnouncement | None = None
    _at_gate: dict[str, Prompt] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    """The names of the prompts that the library does not have, or the PBX did not begin to play."""
    _started: int = 0
    """How many announcements were started during the call."""
    is_put_off: bool = field(init=False)
    """Whether one was broken off, or could not be heard when it was due, and is to be made again."""

    def __post_init__(self) -> None:
        self.is_put_off = bool(self.made) and not self.made[-1].finished_at

    # --- at the gate

    def at_gate(self, decision: Decision) -> tuple[str, ...]:
        """Returns the sounds that the dialplan is to play before the phone rings.

        None where the decision announces later or not at all. What was heard before is left out.
        """
        early = decision.announce is Announce.BEFORE_CONNECT
        wanted = self.missing(self._prompts(decision)) if early else []
        # decision 2: the dialplan tells what it plays
        self._at_gate = {name: prompt for prompt, name in wanted}
        return tuple(self._at_gate)

    def dialplan_said(self, sound: str, at: datetime, leg: str, status: str | None) -> None:
        """Writes down that the dialplan began to play a prompt (`status` None) or ended it.

        `status` is Asterisk's PLAYBACKSTATUS, `leg` the caller's channel.
        """
        if status is not None:
            self._finish(at, complete=status == "SUCCESS")
        elif sound in self._at_gate:
            self._begin(self._at_gate[sound], at, leg)

    # --- during the call

    def missing(self, sounds: Sequence[Sound]) -> list[Sound]:
        """Returns those of the sounds that nobody has heard to their end yet, in the same language."""
        heard = {(each.prompt, each.language) for each in self.made if each.complete}
        return [(prompt, name) for prompt, name in sounds if (prompt.name, prompt.language) not in heard]

    @property
    def failures(self) -> int:
        """How many playings and prompts have failed until now, a hang-up not counted."""
        return len(self._refused) + sum(each.could_not_be_played for each in self.made)

    def has_failed(self, decision: Decision) -> bool:
        """Tells whether this could not be played, and nothing is to be recorded then."""
        return must_not_be_recorded(decision, self.made, self._refused)

    def start(self, decision: Decision, gate: Decision | None, name: str, channel: str) -> list[Action]:
        """Whispers the announcement at the start from `channel`, as far as it has not been heard.

        Also in place of one that the gate should have played, with a note. Returns ``[]`` where the decision
        wants none, nothing is missing, or one is under way. `name` is unique to the call.
        """
        if self.in_call or decision.announce is Announce.NONE:
            return []
        missing, self.is_put_off = self.missing(self._prompts(decision)), False
        if not missing:
            return []
        if decision.announce is Announce.BEFORE_CONNECT:
            self.notes.append(_late(gate))
        # A new name each time: the PBX may have the snoop before still, though it was hung up.
        snoop, self._started = f"{name}-say{self._started}", self._started + 1
        self.in_call = InCallAnnouncement(self.linkedid, snoop, channel, missing, owner=self)
        return self.in_call.start()

    def break_off(self) -> list[Action]:
        """Ends the announcement under way, of which events may have been missed."""
        broken, self.in_call = self.in_call, None
        self.is_put_off |= broken is not None
        return [HangUp(self.linkedid, broken.snoop)] if broken else []

    def put_off(self) -> None:
        """Has it made later: nobody would hear it now."""
        self.is_put_off = True

    def follow(self, together: Collection[str]) -> list[Action]:
        """Breaks the announcement off where its leg is not among those who talk with the recorded party.

        Somebody else would hear the rest of it, or nobody. It is made again when they are together.
        """
        return self.break_off() if self.in_call and self.in_call.channel not in together else []

    def channel_started(self, channel: str) -> list[Action]:
        """Plays the first prompt, when the snoop is there."""
        return self.in_call.play() if self.in_call and channel == self.in_call.snoop else []

    def playback_started(self, playback: str, at: datetime) -> list[Action]:
        """Writes down that the prompt began to play, heard by both."""
        if self.in_call and playback == self.in_call.playback:
            self._begin(self.in_call.current, at, IN_CALL)
        return []

    def playback_ended(self, playback: str, at: datetime, *, failed: bool) -> list[Action]:
        """Writes down how the prompt ended, and plays the next, or ends the announcement."""
        if not self.in_call or playback != self.in_call.playback:
            return []
        self._finish(at, complete=not failed)
        actions = self.in_call.next()
        if self.in_call.is_over:
            self.in_call = None
        return actions

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Ends the announcement, with a note that says why, when its snoop or playback was refused."""
        if not isinstance(action, (StartSnoop, PlayMedia)):
            return []
        if not self.in_call or action.snoop != self.in_call.snoop:
            return []
        self._refused.add(self.in_call.current.name)
        self.notes.append(remark("the announcement could not be played: {problem}", problem=problem))
        hung_up, self.is_put_off = self.break_off(), False
        return hung_up

    # --- inside

    def _prompts(self, decision: Decision) -> Sequence[Sound]:
        """Returns the prompts of a decision. Where one is missing, none, and a note."""
        try:
            return self.prompts(decision)
        except CallrecError as error:
            self._refused.add(decision.prompt)
            self.notes.append(remark("the announcement could not be played: {problem}", problem=error))
            return []

    def _begin(self, prompt: Prompt, at: datetime, leg: str) -> None:
        started = Announcement(prompt.name, prompt.language, prompt.text_sha256, leg, at)
        self.made = (*self.made, started)

    def _finish(self, at: datetime, *, complete: bool) -> None:
        if self.made and not self.made[-1].finished_at:
            *before, last = self.made
            self.made = (*before, replace(last, finished_at=at, complete=complete))


def _late(gate: Decision | None) -> Note:
    """Returns the note that says why an announcement due before the connection comes at the start."""
    if gate is None:
        return remark("announced at the start: the call had not passed the gate")
    if gate.announce is not Announce.BEFORE_CONNECT:
        return remark("announced at the start: who would answer was not known at the gate")
    return remark("announced at the start: the caller had not heard all of it before")
