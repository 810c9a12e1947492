"""What no part of callrec follows any more is found, and is archived or destroyed as the rules said."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callrec.catalogue import finding
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.pbx import OUTSIDE
from callrec.demo.softphones import Sound, Talk
from callrec.errors import NotFound
from callrec.health import testcalls
from callrec.model.access import EVERYWHERE
from callrec.model.calls import CallRecord
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import hears

OUTSIDE_HZ, STAFF_HZ = 500.0, 1000.0
STANDBY_2102 = {"mode": "standby", "scope": "extension", "target": "2102"}
pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


def _call(system: SystemUnderTest, number: str, extension: str) -> Talk:
    caller = system.caller(number).dial(extension, Sound(OUTSIDE_HZ))
    staff = system.phone(extension).pick_up(Sound(STAFF_HZ))
    talk_for([caller, staff], 1.0)
    return caller


def _call_out(system: SystemUnderTest, number: str, extension: str) -> Talk:
    outside = system.phone(OUTSIDE)  # it must be registered before it is dialled
    staff = system.phone(extension).dial(number, Sound(STAFF_HZ))
    talk_for([outside.pick_up(Sound(OUTSIDE_HZ)), staff], 1.0)
    return staff


def _checkpoints(system: SystemUnderTest) -> dict[str, Path]:
    """The checkpoints, by the extension of their call."""
    folder = system.demo.home / "spool/checkpoints"
    found = {}
    for path in folder.glob("*.json"):
        found[json.loads(path.read_text())["call"]["extension"]] = path
    return found


def _both_checkpoints(system: SystemUnderTest) -> dict[str, Path] | None:
    found = _checkpoints(system)
    return found if len(found) == 2 else None


def _archived(system: SystemUnderTest, id_: str) -> ArchivedRecording | None:
    with system.app.database.read() as connection:
        try:
            return finding.recording(connection, id_, reach=EVERYWHERE)
        except NotFound:
            return None


def _discarded(system: SystemUnderTest, begin: datetime) -> CallRecord | None:
    found = [each.call for each in system.calls_since(begin) if each.call.discarded_at]
    return found[0] if found else None


def test_tracks_without_a_draft_are_archived_or_destroyed(system: SystemUnderTest, begin: datetime) -> None:
    """A crash that took the drafts along, as that of a machine whose disk was full: both calls end
    meanwhile, so nobody knows of them any more. Of a call from outside that is recorded automatically the
    journal would."""
    with system.rules({"mode": "automatic"}, STANDBY_2102):
        talks = [_call_out(system, "0311170001", "2101"), _call(system, "0311170002", "2102")]
        drafts = eventually(lambda: _both_checkpoints(system), what="both drafts")
        system.controller.kill()
        for path in drafts.values():
            path.unlink()
        for talk in talks:
            talk.hangup()
        eventually(lambda: not system.app.pbx.channels(), what="the end of both calls")
        seen = system.callrec("reconcile", "--dry-run", "--json")
        refused = system.callrec("reconcile")
        system.demo.start_controller()
        wanted = drafts["2101"].stem
        kept = eventually(lambda: _archived(system, wanted), what="the archive has what was wanted")
        gone = eventually(lambda: _discarded(system, begin), what="a row says that standby was destroyed")
    told = {each["about"]: (each["kind"], each["outcome"]) for each in json.loads(seen.stdout)}
    assert told == {
        drafts["2101"].stem: ("track-wanted", "would"),
        drafts["2102"].stem: ("track-unwanted", "would"),
    }
    assert seen.returncode == 1 and refused.returncode == 4, (seen.stderr, refused.stderr)
    heard = system.listen(kept)
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    assert [each["values"] for each in system.manifest(kept)["call"]["notes"]] == [{"id": wanted}]
    assert gone.decision and gone.decision.mode == "standby" and drafts["2102"].stem in gone.notes[0].text
    system.wait_until_clean()
    again = system.callrec("reconcile", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, []), again.stderr
    assert system.callrec("verify", wanted).returncode == 0


def test_a_test_call_of_every_facility(system: SystemUnderTest, begin: datetime) -> None:
    """Without any rule, beside an ordinary call, which stays unrecorded, and without a phone that rings."""
    with system.rules():
        caller = _call(system, "0311170003", "2101")
        made = system.callrec("testcall", "--every-facility", "--json")
        caller.hangup()
    results = {each["facility"]: each for each in json.loads(made.stdout)}
    assert made.returncode == 0 and set(results) == {"azabu", "shiba"}, (made.stdout, made.stderr)
    assert {each.facility: each.ok for each in testcalls.results(system.demo.home / "spool")} == {
        "azabu": True,
        "shiba": True,
    }
    for code, each in results.items():
        kept = _archived(system, each["recording_id"])
        assert kept and kept.retain_until and kept.key.startswith(f"recordings/{code}/")
        left = kept.retain_until - datetime.fromisoformat(each["at"])
        assert timedelta(days=1) <= left < timedelta(days=1, minutes=1)
    system.call_of("+81311170003", begin)
    assert [each.call.number for each in system.calls_since(begin)] == ["+81311170003"]
    shown = system.callrec("search", "--test-calls", "--json")
    assert {each["recording_id"] for each in results.values()} <= {
        each["id"] for each in json.loads(shown.stdout)
    }
    system.wait_until_clean()
