"""Test calls through the desk's operation: whose results are kept, and for how long they are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from callrec.app import App
from callrec.desk.direct import DirectDesk
from callrec.desk.operations import facilities
from callrec.desk.operations.testcall import made_test_calls
from callrec.health import testcalls
from callrec.health.testcall import TestCaller
from callrec.health.testcalls import TestCallResult
from callrec.health.testcalls_due import TestCallsDue
from callrec.model.office import UNASSIGNED


@pytest.fixture
def morning(app: App, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Makes a test call for each facility, all of which go well; returns which are overdue a day later."""

    def call(_: TestCaller, facility: str) -> TestCallResult:
        return TestCallResult(facility, app.now, True, succeeded_at=app.now)

    def made() -> list[str]:
        list(DirectDesk(app).do(made_test_calls, True))
        due = TestCallsDue(app.spool.directory, lambda: app.now + timedelta(days=2))
        return [str(each.values["facility"]) for each in due.problems()]

    monkeypatch.setattr(TestCaller, "call", call)
    app.spool.lock()
    return made


def test_a_facility_that_is_gone_is_overdue_no_more(app: App, morning: Callable[[], list[str]]) -> None:
    here = DirectDesk(app)
    assert morning() == [UNASSIGNED], "while there is none"
    here.do(facilities.add_facility, "shiba", "芝")
    here.do(facilities.add_facility, "azabu", "麻布")
    assert morning() == ["azabu", "shiba"]
    here.do(facilities.remove_facility, "azabu")
    assert morning() == ["shiba"]
    assert [each.facility for each in testcalls.results(app.spool.directory)] == ["shiba"]
