"""The custody log as a whole: verified, and its head put into the bucket by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callrec.desk.operation import Session, operation
from callrec.errors import WrongUsage
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.custody_check import CustodyVerdict, Finding
from callrec.model.access import Role

LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class MadeAnchor:
    """An anchor that was made, and what it says is known."""

    key: str
    number: int
    at: datetime
    rows: int
    manifests: int
    known: list[Finding]


@operation("custody verify", Role.AUDITOR)
def verify_custody(session: Session, /) -> CustodyVerdict:
    """Returns what comes of verifying the chain of the log, the anchors, and both against each other."""
    session.require_all("custody verify")
    return session.app.custody_check().verify()


@operation("custody anchor", Role.AUDITOR)
def anchor_custody(session: Session, /, note: str = "") -> MadeAnchor:
    """Makes an anchor. With a note it says of all anchors with which something is wrong, and of which none
    says so yet, that this is known, and why. Raises as Anchorer does."""
    session.require_all("custody anchor")
    if len(note) > LONGEST_NOTE:
        raise WrongUsage("the note is too long: {count} signs at most", count=LONGEST_NOTE)
    known = _to_be_known(session) if note else []
    keys = tuple(sorted({key for each in known for key in each.anchors}))
    made = session.app.anchorer().anchor(AnchorReason.REQUEST, session.who, session.now, note, keys)
    said = made.believed
    return MadeAnchor(made.key, said.number, said.made_at, said.custody_rows, said.manifests, known)


def _to_be_known(session: Session) -> list[Finding]:
    return [each for each in session.app.custody_check().verify().unknown if each.anchors]
