"""What happened: as the phones heard it, and as it is found afterwards wherever sound can lie."""

from __future__ import annotations

from dataclasses import dataclass, field

from callrec.model.calls import Outcome
from callrec.model.rules import Mode
from tests.faults.melody import Melody


@dataclass(frozen=True)
class Limits:
    """How much of a call a fault may cost, in seconds: ten times what callrec promises, as everywhere in the
    suite, for a machine that is busy (tests/integration/times.py).

    `cut`: how long one party may not hear the other; `delay`: how long a call may take to ring and to be
    answered; `missing`: how much of what was heard may be in no recording, and how much more may be in it;
    `unseen`: how much longer a call may seem to have lasted of which nobody saw the end.
    """

    cut: float = 1.0
    delay: float = 1.5
    missing: float = 1.0
    unseen: float = 0.0


@dataclass(frozen=True)
class Spoken:
    """One call, as its phones know it.

    `external` and `staff` are the tones of both sides; `staff` has two where it was transferred. `delays` are
    named stretches of waiting. `steady`: nobody left the other waiting, by a transfer or a crash of the PBX.
    """

    name: str
    number: str
    external: int
    staff: tuple[int, ...]
    extensions: tuple[str, ...]
    facility: str
    mode: Mode
    wanted: bool
    heard_by_staff: Melody
    heard_by_external: Melody
    talked: float
    delays: dict[str, float] = field(default_factory=dict)
    ended_by_itself: bool = False
    presses: int = 0
    steady: bool = True

    @property
    def tones(self) -> set[int]:
        return {self.external, *self.staff}


@dataclass(frozen=True)
class Row:
    """A call in the catalogue."""

    id: str
    number: str
    extension: str | None
    facility: str | None
    mode: Mode | None
    outcome: Outcome | None
    talked: float | None
    presses: int
    recordings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A sound in the bucket under a key of recordings, with what its manifest says.

    `problems` are what `callrec verify` says of it.
    """

    id: str
    key: str
    extension: str | None
    external: Melody
    staff: Melody
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """A sound anywhere else: a file of the PBX or of the spool."""

    where: str
    heard: Melody


@dataclass(frozen=True)
class History:
    """All of it. `unrest` is what did not come to rest in its time, `problems` what callrec tells still."""

    calls: tuple[Spoken, ...]
    rows: tuple[Row, ...]
    kept: tuple[Kept, ...]
    left: tuple[Left, ...] = ()
    unrest: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    limits: Limits = Limits()
