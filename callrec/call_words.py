"""What people call the direction and the outcome of a call: the words of a list, which a search needs; all
others are in callrec.wording."""

from __future__ import annotations

from callrec.model.kinds import Direction, Outcome

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
