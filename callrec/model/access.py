"""Who may do what: roles, to whom they are given, and the facilities they reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Nobody has any until it is granted; one person may have several."""

    RULES = "rules"
    """Facilities, extensions, rules, announcements and status: no call, and no listening."""
    HANDLER = "handler"
    """Finds, shows, plays and fetches recordings, and prepares requests."""
    MANAGER = "manager"
    """Approves requests of others, marks incidents, holds and keeps longer, signs the access report."""
    AUDITOR = "auditor"
    """Reads the custody log and reports, and verifies: no listening."""


class Through(StrEnum):
    """The way on which somebody works, as the custody log has it."""

    DESK = "desk"
    """Through the desk, which asked the kernel who it is."""
    DIRECT = "direct"
    """With callrec.toml itself, which only its owner can read."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The facilities whose calls somebody may know of; None: all."""

    facilities: frozenset[str] | None = None

    def covers(self, facility: str | None) -> bool:
        """Returns whether a facility is among them. What belongs to none is reached from everywhere only."""
        return self.facilities is None or facility in self.facilities

    def meets(self, other: Reach) -> bool:
        """Returns whether both have a facility in common."""
        if self.facilities is None or other.facilities is None:
            return True
        return not self.facilities.isdisjoint(other.facilities)

    def includes(self, other: Reach) -> bool:
        """Returns whether whatever the other reaches is reached."""
        if self.facilities is None or other.facilities is None:
            return self.facilities is None
        return self.facilities >= other.facilities

    def as_list(self) -> list[str] | None:
        """Returns the codes in order, as JSON has them; None: all."""
        return None if self.facilities is None else sorted(self.facilities)


EVERYWHERE = Reach()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that was given. `who` is an account of the machine, or ``@group``; `facility` None: for all."""

    who: str
    role: Role
    facility: str | None
    granted_at: datetime
    granted_by: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the account, as the kernel says, the groups it is in, and the way."""

    name: str
    groups: frozenset[str]
    through: Through

    @property
    def names(self) -> list[str]:
        """What grants may call this person: the account, and each group with ``@``."""
        return [self.name, *(f"@{group}" for group in sorted(self.groups))]
