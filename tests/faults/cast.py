"""Calls in every state, side by side, each with tones of its own: what a fault meets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from callrec.demo.softphones import Phone, Sound, Talk
from callrec.model.rules import Mode
from tests.faults.history import Spoken
from tests.faults.melody import Melody, melody, tone
from tests.integration.system import SystemUnderTest, eventually, talk_for

FACILITIES = {"2101": "shiba", "2102": "shiba", "2201": "azabu"}
MODES = {"2101": Mode.AUTOMATIC, "2102": Mode.STANDBY, "2201": Mode.NEVER}
RULES = [{"mode": mode, "scope": "extension", "target": number} for number, mode in MODES.items()]
"""What the rules say of each phone: one that is always recorded, one on standby, one that must not be."""
SOUNDS = (".wav", ".wav16", ".flac", ".partial")
_numbers: Iterator[int] = cycle(range(1, 431))
"""The SIP stack keeps the account of each for good, and has room for a thousand."""


@dataclass
class Line:
    """One call while it goes on."""

    name: str
    extension: str
    number: int
    wanted: bool
    caller: Talk
    staff: list[Talk] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    presses: int = 0
    moved: bool = False
    hung_up: bool = False

    @property
    def hertz(self) -> int:
        return tone(2 * self.number)

    @property
    def talks(self) -> list[Talk]:
        """Those who talk with one another now."""
        return [self.caller, *self.staff[-1:]]

    def hang_up(self) -> None:
        self.hung_up = True
        ended = self.staff[-1].ended.is_set() if self.staff else False
        self.ended_before = self.caller.ended.is_set() or ended
        begun = time.monotonic()
        self.caller.hangup()
        if self.staff:
            self.staff[-1].wait_ended()
            self.delays["hanging up"] = time.monotonic() - begun

    def spoken(self, *, steady: bool = True) -> Spoken:
        """What its phones know of it, once it is over."""
        return Spoken(
            name=self.name,
            number=shown(self.number),
            external=self.hertz,
            staff=tuple(tone(2 * self.number + 1) for _ in self.staff[:1]),
            extensions=(self.extension,),
            facility=FACILITIES[self.extension],
            mode=MODES[self.extension],
            wanted=self.wanted,
            heard_by_staff=_together(self.staff),
            heard_by_external=_together([self.caller]),
            talked=self._talked(),
            delays=self.delays,
            ended_by_itself=getattr(self, "ended_before", False),
            presses=self.presses,
            steady=steady and not self.moved,
        )

    def _talked(self) -> float:
        began = self.caller.established_at
        return self.caller.ended_at - began if began and self.staff else 0.0


class Cast:
    """The calls of one history. `outside` dials them, with a number of its own for each."""

    def __init__(self, system: SystemUnderTest) -> None:
        self.system, self.lines = system, list[Line]()
        self.keys_before = frozenset(system.every_key())
        self.left_before = frozenset(system.left())
        self.told_before = frozenset(map(str, system.status().get("problems", [])))
        self.files_before = sound_files(system.demo.home)
        """What a fault before has left is told of that one alone."""

    def phone(self, extension: str) -> Phone:
        return self.system.phone(extension)

    def dial(self, name: str, extension: str, *, wanted: bool = False) -> Line:
        """Begins a call. Returns once its phone rings."""
        number = next(_numbers)
        caller = self.system.caller(dialled(number))
        begun = time.monotonic()
        line = Line(name, extension, number, wanted, caller.dial(extension, Sound(tone(2 * number))))
        self.lines.append(line)
        line.staff.append(self.phone(extension).wait_ring())
        line.delays["ringing"] = time.monotonic() - begun
        return line

    def answer(self, line: Line) -> None:
        begun = time.monotonic()
        line.staff[0].sound = Sound(tone(2 * line.number + 1))
        line.staff[0].answer()
        line.caller.wait_established()
        line.delays["answering"] = time.monotonic() - begun

    def talking(self, name: str, extension: str, *, wanted: bool = False) -> Line:
        line = self.dial(name, extension, wanted=wanted)
        self.answer(line)
        return line

    def move(self, line: Line, extension: str) -> None:
        """Sends the party outside to another phone, which picks up and says what the first one said."""
        line.moved = True
        line.staff[-1].transfer(extension)
        line.staff.append(self.phone(extension).pick_up(Sound(tone(2 * line.number + 1))))

    def press(self, line: Line, digits: str = "*1") -> None:
        line.presses += 1
        line.staff[-1].press(digits)

    def talk(self, seconds: float) -> None:
        """Lets everybody talk on who does."""
        there = [talk for line in self.lines if not line.hung_up for talk in line.talks]
        talk_for([each for each in there if each.established.is_set() and not each.ended.is_set()], seconds)

    def end(self) -> None:
        """Ends the calls of a PBX that has forgotten them."""
        for line in self.lines:
            line.hung_up = True
        self.system.hang_up_all()

    def wait(self, seconds: float) -> None:
        """Lets time go by in which nobody may hear anybody."""
        threading.Event().wait(seconds)

    def wait_until_watched(self, seconds: float = 0.0) -> None:
        """Until callrec sees the calls again; for so long nobody knows whether it does."""
        self.wait(seconds)
        eventually(lambda: self.system.status().get("link_up"), what="the link to the PBX")

    def hang_up(self) -> None:
        for line in self.lines:
            if not line.hung_up:
                line.hang_up()


def sound_files(home: Path) -> frozenset[Path]:
    """Returns every file of the PBX and of the spool that can have sound in it."""
    folders = (home / "pbx/spool/recording", home / "spool")
    paths = (path for folder in folders for path in folder.rglob("*"))
    return frozenset(path for path in paths if path.name.endswith(SOUNDS) and path.is_file())


def dialled(number: int) -> str:
    return f"0312{number + 500_000:06d}"


def shown(number: int) -> str:
    return "+81" + dialled(number)[1:]


def _together(talks: list[Talk]) -> Melody:
    return tuple(each for talk in talks for each in melody(talk.heard(), talk.rate or 8000))
