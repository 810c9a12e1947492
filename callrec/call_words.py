"""What people call the direction, the outcome and the numbers of a call: the words of a list, which a search
needs; all others are in callrec.wording."""

from __future__ import annotations

from collections.abc import Mapping

from callrec.language import choose
from callrec.model.kinds import Direction, KeptBecause, Outcome
from callrec.numbers import as_people_write, normalise

DIRECTIONS = {
    Direction.INBOUND: "from outside",
    Direction.OUTBOUND: "to the outside",
    Direction.INTERNAL: "from phone to phone",
}

OUTCOMES = {
    Outcome.ANSWERED: "answered",
    Outcome.UNANSWERED: "not answered",
    Outcome.BUSY: "busy",
    Outcome.FAILED: "could not be connected",
}

KEPT_BECAUSE = {
    KeptBecause.AUTOMATIC: "the rule records automatically",
    KeptBecause.KEY: "staff pressed the key",
    KeptBecause.HELP: "staff called for help",
}


def number_in_words(number: str) -> str:
    """Returns a number as the reader knows it: in Japanese 090-1234-5678, else in E.164 where it is in it."""
    return as_people_write(number) if choose() == "ja" else number


def dialled_in_words(number: str) -> str:
    """Returns a number as it is dialled: in Japanese 03-1234-5678 where it is one outside, else as it is."""
    return as_people_write(normalise(number) or number) if choose() == "ja" else number


def facility_in_words(code: str, names: Mapping[str, str]) -> str:
    """Returns a facility by its name and its code: 芝地区総合支所 (shiba). `names` are by the codes; of one
    that has none there, the code alone."""
    name = names.get(code, code)
    return code if name == code else f"{name} ({code})"
