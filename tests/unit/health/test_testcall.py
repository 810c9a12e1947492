"""Test calls are recorded whatever the rules say, listened to, and in no search."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.catalogue import calls, finding
from callrec.catalogue.database import Database
from callrec.catalogue.reports import activity
from callrec.errors import CheckFailed
from callrec.health import testcalls
from callrec.health.testcall import OUTSIDE_HZ, STAFF_HZ, facilities_to_test, listen
from callrec.health.testcalls import TestCallResult
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery
from callrec.pbx import events as ev
from callrec.recording.actions import LetThrough, StartSnoop
from callrec.recording.decisions import of_test_call
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, channel
from tests.unit.samples import END, START, call
from tests.unit.wave import tone

NEVER = ("never", "everywhere", None, "none")
NAME = "Local/shiba@callrec-testcall-00000001"
PHONE = "Local/s@callrec-testphone-00000002"
LINKED = "testcall-1"
OUTER, CALLER = (channel(f"t.{half}", f"{NAME};{half}", linkedid=LINKED) for half in "12")
CALLED, ANSWERING = (channel(f"p.{half}", f"{PHONE};{half}", linkedid=LINKED) for half in "12")


def test_a_test_call_is_recorded_whatever_the_rules_say() -> None:
    played = tracker(office(NEVER), (f"id-{number}" for number in range(9)))
    for each in (OUTER, replace(CALLER, state="Ring")):
        played.handle(ev.ChannelCreated(START, each))
    asked = played.handle(ev.GateEntered(START, CALLER, "inbound", "shiba", ""))
    assert [each.sounds for each in asked if isinstance(each, LetThrough)] == [()]
    for each in (replace(CALLED, state="Down"), ANSWERING):
        played.handle(ev.ChannelCreated(START, each))
    done = played.handle(ev.EnteredBridge(LATER, CALLER, "b", (CALLER.id,)))
    done += played.handle(ev.EnteredBridge(LATER, CALLED, "b", (CALLER.id, CALLED.id)))
    assert {each.channel for each in done if isinstance(each, StartSnoop)} == {CALLER.id}
    (made,) = played.calls.values()
    record = made.record
    assert record.is_test and record.facility == "shiba" and record.extension is None
    assert record.decision and (record.decision.reason, record.decision.retain_days) == ("test-call", 1)


@pytest.mark.parametrize(
    "name",
    [
        "Local/2101@from-phones-00000001;2",
        f"{NAME};1",
        f"{PHONE};2",
        "PJSIP/shiba@callrec-testcall-00000001;2",
        "Local/@callrec-testcall-00000001;2",
    ],
)
def test_no_other_channel_is_a_test(name: str) -> None:
    assert channel("1.0", name).tested is None and channel("1.0", name).technology != ev.TEST


def _flac(external: float, staff: float, seconds: float = 4.0) -> bytes:
    sound = np.stack([tone(external, seconds), tone(staff, seconds)], axis=1)
    file = io.BytesIO()
    soundfile.write(file, sound, 8000, format="FLAC")
    return file.getvalue()


def test_each_side_must_have_its_own_tone_alone() -> None:
    listen(_flac(OUTSIDE_HZ, STAFF_HZ))
    for wrong in (
        _flac(STAFF_HZ, OUTSIDE_HZ),
        _flac(OUTSIDE_HZ, OUTSIDE_HZ),
        _flac(OUTSIDE_HZ, 0.0),
        _flac(OUTSIDE_HZ, STAFF_HZ, 1.0),
        b"no sound",
    ):
        with pytest.raises(CheckFailed):
            listen(wrong)


def test_a_test_call_is_in_no_search_and_no_report_unless_asked(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call(decision=of_test_call(1)))
    with database.read() as connection:
        every = SearchQuery(all_calls=True)
        assert finding.search(connection, every, reach=EVERYWHERE) == []
        found = finding.search(connection, replace(every, test_calls=True), reach=EVERYWHERE)
        assert [each.call.is_test for each in found] == [True]
        assert activity(connection, START, END) == {}


def test_the_latest_result_of_each_facility_is_kept(tmp_path: Path) -> None:
    assert testcalls.results(tmp_path) == []
    first = TestCallResult("shiba", datetime(2026, 11, 22, tzinfo=UTC), ok=False, problem="away")
    other, better = replace(first, facility="azabu"), replace(first, ok=True, problem="")
    for each in (first, other, better):
        testcalls.keep(tmp_path, each)
    assert testcalls.results(tmp_path) == [other, better]
    (tmp_path / testcalls.FILE).write_text("{")
    assert testcalls.results(tmp_path) == []


def test_one_facility_is_tested_or_each() -> None:
    assert facilities_to_test(["b", "a"], "unassigned", every=False) == ["a"]
    assert facilities_to_test(["b", "a"], "unassigned", every=True) == ["a", "b"]
    assert facilities_to_test([], "unassigned", every=True) == ["unassigned"]
