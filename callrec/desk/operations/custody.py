"""The custody log: what was done with one recording, and who heard or gave out what in a span of time."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime

from callrec.catalogue import custody, custody_report, facilities, finding
from callrec.catalogue.custody import Entry
from callrec.catalogue.custody_report import ReportedAccess
from callrec.dates import check_moment
from callrec.desk.operation import Session, operation
from callrec.ids import pasted
from callrec.model.access import Role


@dataclass(frozen=True, slots=True)
class CustodyReport:
    """Who heard or gave out what in a span of time, as far as the caller reaches."""

    accesses: list[ReportedAccess]
    refused: int
    """How often something was refused in that time."""
    facilities: list[str] | None
    """The codes of the facilities it is about; None: all."""
    names: dict[str, str]
    """What people call the facilities that are named, by code."""


@operation("custody ID", Role.AUDITOR)
def custody_of(session: Session, /, id_: str) -> list[Entry]:
    """Returns what was done with a recording, in order; with a call's id, with the call and all its
    recordings.

    Raises NotFound, and WrongUsage for an id that fits several.
    """
    with session.app.database.read() as connection:
        found = finding.look_up_all(connection, id_, reach=session.reach)
        subjects = {each.recording.id for each in found if each.recording}
        if not any(each.startswith(pasted(id_)) for each in subjects):
            subjects.add(found[0].call.id)
        entries = [each for subject in subjects for each in custody.of(connection, subject)]
    return sorted(entries, key=lambda each: each.seq)


@operation("custody report", Role.MANAGER, Role.AUDITOR)
def report_custody(session: Session, /, begin: AwareDatetime, end: AwareDatetime) -> CustodyReport:
    """Returns who heard or gave out what in a half-open span of time, and how much was refused."""
    check_moment(begin)
    check_moment(end)
    reach = session.reach
    with session.app.database.read() as connection:
        found = custody_report.accesses(connection, begin, end, reach)
        refused = custody_report.refusals(connection, begin, end, reach)
        known = {each.code: each.name for each in facilities.all_facilities(connection)}
    codes = reach.as_list()
    named = {each.facility for each in found} | set(codes or ())
    return CustodyReport(found, refused, codes, {code: name for code, name in known.items() if code in named})
