"""The key for help in a real call: the alert is out at once, the support phone listens, the call is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from callrec.demo.ports import free_port
from callrec.demo.softphones import Sound, Talk
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.integration.web_server import web_server
from tests.listen import heard_share, hears, hears_no, is_silent

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
CALLER_HZ, STAFF_HZ, ROOM_HZ = 500.0, 1000.0, 1500.0
HELP_HZ = 1760.0
SECRET = "a secret of some length"
Posts = list[tuple[dict[str, str], bytes]]


@contextmanager
def _told(system: SystemUnderTest) -> Iterator[Posts]:
    """The office is helped by a web server, and 2102 is the support phone that listens."""
    port = free_port()
    helped = {"WEBHOOK_URL": f"http://127.0.0.1:{port}/", "WEBHOOK_SECRET": SECRET, "PHONE": "2102"}
    with (
        web_server(port) as posts,
        system.restarted_with(**{f"CALLREC_HELP__{name}": value for name, value in helped.items()}),
    ):
        yield posts


def _shouted_at(system: SystemUnderTest, number: str) -> tuple[Talk, Talk]:
    caller = system.caller(number).dial("2101", Sound(CALLER_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    talk_for([staff, caller], 0.5)
    return caller, staff


def test_help_is_called_and_comes(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("manual", retain_days=10, retain_incident_days=1000), _told(system) as posts:
        caller, staff = _shouted_at(system, "0311160001")
        staff.press("*9")
        phone = system.phone("2102").pick_up(Sound(ROOM_HZ))
        eventually(lambda: posts, what="the alert")
        talk_for([phone, staff, caller], 1.0)
        listened = len(staff.heard())
        assert hears(phone.heard()[-4000:], phone.rate, CALLER_HZ)
        assert hears(phone.heard()[-4000:], phone.rate, STAFF_HZ)
        phone.press("5")
        talk_for([phone, staff, caller], 1.2)
        assert hears(staff.heard()[-4000:], staff.rate, ROOM_HZ), "whispered to staff"
        assert hears_no(caller.heard(), caller.rate, ROOM_HZ)
        assert hears_no(staff.heard()[:listened], staff.rate, ROOM_HZ), "unheard while it listened"
        staff.press("*9")
        talk_for([staff], 0.5)
        caller.hangup()
        phone.wait_ended()
        found = system.recording_of("+81311160001", begin)
        system.wait_until_clean()
    assert found.recording is not None and found.call.incident and found.recording.incident
    assert [each.result for each in found.call.key_presses] == ["help-sent", "help-sent"]
    assert found.recording.kept_because == "help"
    ((_, body),) = posts
    sent = json.loads(body)
    assert sent["call_id"] == found.call.id and sent["extension"] == "2101"
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears_no(heard.staff, heard.rate, ROOM_HZ)
    shown = system.callrec("show", found.call.id).stdout
    assert "help alert: webhook  sent" in shown and "help was called" in shown


def test_help_goes_out_where_nothing_may_be_recorded(system: SystemUnderTest, begin: datetime) -> None:
    before = system.settled_keys()
    with system.rule("never"), _told(system) as posts:
        caller, staff = _shouted_at(system, "0311160002")
        staff.press("*9")
        eventually(lambda: posts, what="the alert")
        system.phone("2102").wait_ring().reject()
        talk_for([staff, caller], 0.5)
        assert heard_share(staff.heard(), staff.rate, HELP_HZ) > 0, "told by a tone"
        assert hears_no(caller.heard(), caller.rate, HELP_HZ)
        caller.hangup()
        call = system.call_of("+81311160002", begin)
        system.wait_until_clean()
    assert call.incident and json.loads(posts[0][1])["recorded"] is False
    assert system.keys() == before and not [each for each in system.calls_since(begin) if each.recording]


def test_a_consent_beep_is_heard_by_both_and_recorded(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", beep_s=5):
        caller = system.caller("0311160003").dial("2101")
        staff = system.phone("2101").pick_up()
        caller.wait_established()
        talk_for([staff, caller], 11.5)
        caller.hangup()
        found = system.recording_of("+81311160003", begin)
        system.wait_until_clean()
    assert found.recording is not None
    heard = system.listen(found.recording)
    for samples, rate in (
        (caller.heard(), caller.rate),
        (staff.heard(), staff.rate),
        (heard.staff, heard.rate),
    ):
        beeps = [n for n in range(len(samples) // rate) if not is_silent(samples[n * rate : (n + 1) * rate])]
        assert 2 <= len(beeps) <= 4 and max(beeps) - min(beeps) >= 4, "one every five seconds"
