"""How slow and unwilling everything is, by chance: commands, events, disks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

LONG_S = 5.0
"""How late a command can be."""


@dataclass
class Weather:
    """`late`: how many commands come late, up to seconds; `refusing`: how many are refused."""

    chance: Random
    late: float
    refusing: float
    was_late: bool = False
    """Whether anything of the run can have come late."""

    def __post_init__(self) -> None:
        self.was_late = bool(self.late)

    def clear_up(self) -> None:
        """From now on nothing is late or refused."""
        self.late = self.refusing = 0.0

    @classmethod
    def of(cls, chance: Random) -> Weather:
        """Makes the weather of one run: in every third nothing is refused, in every third nothing is late."""
        return cls(chance, chance.choice([0.0, 0.02, 0.1]), chance.choice([0.0, 0.01, 0.05]))

    def command(self) -> float:
        """Returns how long a command is under way, in seconds."""
        if self.chance.random() < self.late:
            return self.chance.uniform(0.1, LONG_S)
        return self.chance.uniform(0.0005, 0.006)

    def disk(self) -> float:
        """Returns how long a file takes."""
        return self.chance.uniform(0.0002, 0.004)

    def event(self) -> float:
        """Returns how long an event is under way."""
        slow = self.chance.random() < self.late / 4
        return self.chance.uniform(0.1, 2.0) if slow else self.chance.uniform(0.0005, 0.003)

    def refuses(self) -> bool:
        """Tells whether the PBX refuses a command that it could perform."""
        return self.chance.random() < self.refusing
