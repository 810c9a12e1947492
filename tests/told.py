"""What a part says is wrong with it, in English."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from callrec.problems import Said


class Telling(Protocol):
    """A part that says what is wrong with it."""

    def problems(self) -> Iterable[Said]: ...


def told_by(part: Telling) -> list[str]:
    """What a part says, in its order."""
    return [str(each) for each in part.problems()]
