"""The SIP phones of the demo and the tests themselves."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callrec.demo.softphones import Sound
from tests.integration.system import SystemUnderTest, frozen, talk_for

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
CONFERENCE = "7000"
"""The PBX itself answers, at once."""


class BusyMachine(dict[str, str]):
    """Headers; while they are sent the Python side of the phone comes to nothing else for a while."""

    def items(self) -> Any:
        asyncio.get_running_loop().call_soon(time.sleep, 0.5)
        return super().items()


def test_an_answer_that_comes_at_once_is_not_missed(system: SystemUnderTest) -> None:
    talk = system.phone("2101").dial(CONFERENCE, Sound(1000.0), BusyMachine({"X-Test": "busy"}))
    talk.wait_established(5)
    talk_for([talk], 0.2)
    talk.hold()
    talk.resume()
    talk.hangup()


def test_a_resume_waits_until_the_hold_is_answered(system: SystemUnderTest) -> None:
    talk = system.phone("2101").dial(CONFERENCE, Sound(1000.0))
    talk.wait_established(5)
    talk_for([talk], 0.2)
    assert system.demo.pbx.child
    with ThreadPoolExecutor(1) as beside:
        with frozen(system.demo.pbx.child):
            talk.hold()
            resumed = beside.submit(talk.resume)
        resumed.result()
    talk_for([talk], 0.2)
    talk.hangup()
