"""What the log says of one call, for who has to explain it."""

from __future__ import annotations

from callrec import log_reader
from callrec.catalogue import finding
from callrec.desk.operation import Session, operation
from callrec.errors import NotFound, OutOfSight, Unreachable
from callrec.ids import ID, pasted
from callrec.log_reader import LogLine
from callrec.model.access import EVERYWHERE, Role


@operation("log", Role.HANDLER, Role.AUDITOR)
def call_log(session: Session, /, id_: str) -> list[LogLine]:
    """Returns what the journal of this machine has of a call. Raises as `ids_of_call`, and Unreachable where
    there is no journal."""
    journal = log_reader.of_journal(session.app.settings.log.namespace)
    return log_reader.of_call(_ids(session, id_), journal)


@operation("log", Role.HANDLER, Role.AUDITOR)
def ids_of_call(session: Session, /, id_: str) -> list[str]:
    """Returns the ids by which the log names a call: its own, the PBX's, those of its recordings.

    Raises NotFound, also for a call out of reach, and WrongUsage for an id that fits several. A call that the
    catalogue does not know yet, or that cannot be asked, is found by its whole id by who reaches everything.
    """
    return sorted(_ids(session, id_))


def _ids(session: Session, id_: str) -> set[str]:
    try:
        with session.app.database.read() as connection:
            found = finding.look_up_all(connection, id_, reach=session.reach)
    except (NotFound, Unreachable) as error:
        whole = ID.fullmatch(pasted(id_))
        if isinstance(error, OutOfSight) or session.reach != EVERYWHERE or not whole:
            raise
        return {whole[0]}
    call = found[0].call
    return {call.id, call.linkedid, *(each.recording.id for each in found if each.recording)}
