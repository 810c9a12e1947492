"""Test calls: made, and looked at all the way into the archive. For who works directly alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from callrec.catalogue import facilities
from callrec.desk.operation import Session, operation
from callrec.errors import Refused
from callrec.health import testcalls
from callrec.health.testcall import TestCaller, facilities_to_test
from callrec.health.testcalls import TestCallResult
from callrec.model.office import UNASSIGNED


@operation("testcall")
def made_test_calls(session: Session, /, every_facility: bool) -> Iterable[TestCallResult]:
    """Makes a test call for one facility, or for each after the other, and yields how each went, as soon as
    it is known. Raises Refused where no controller runs here: then nothing would be recorded."""
    if not session.app.spool.is_locked():
        raise Refused("callrec serve does not run here: start it, nothing would be recorded")
    with session.app.database.read() as connection:
        known = [each.code for each in facilities.all_facilities(connection)]
    # A facility that was removed, or what stood for none before there was one, is overdue no more.
    testcalls.keep_only(session.app.spool.directory, facilities_to_test(known, UNASSIGNED, every=True))
    return _results(session, facilities_to_test(known, UNASSIGNED, every=every_facility))


def _results(session: Session, codes: list[str]) -> Iterator[TestCallResult]:
    app, directory = session.app, session.app.spool.directory
    caller = TestCaller(
        app.pbx,
        app.database,
        lambda: app.store,
        lambda: app.verifier(session.note),
        lambda: app.now,
    )
    for code in codes:
        result = caller.call(code)
        before = {each.facility: each.succeeded_at for each in testcalls.results(directory)}
        result = replace(result, succeeded_at=result.succeeded_at or before.get(code))
        testcalls.keep(directory, result)
        yield result
