"""Clocks that are set during a call: a real Asterisk and a real controller, each by a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from callrec.demo.pbx import OUTSIDE, DemoPbx, PbxPorts
from callrec.demo.softphones import Sound, Switchboard
from callrec.demo.system import DemoSystem
from callrec.model.rules import Mode
from tests.fake_clock import FakeClock
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as

CALLER_HZ, STAFF_HZ = 500.0, 1000.0


class _Settable(DemoSystem):
    """A system whose controller has a clock of its own; that of its PBX is set by `pbx_clock`."""

    clock: FakeClock
    pbx_clock: FakeClock

    def _callrec(self, command: str) -> list[str]:
        words = super()._callrec(command)
        if command != "serve":
            return words
        self.clock = FakeClock(self.home / "clock")
        return [*self.clock.python_words, *words]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemUnderTest]:
    clocks: list[FakeClock] = []

    def command(pbx: DemoPbx) -> list[str]:
        clocks.append(FakeClock(pbx.home, pbx.inside))
        config = str(pbx.inside / "etc/asterisk.conf")
        return pbx._inside([*clocks[0].words, "asterisk", "-f", "-C", config])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DemoPbx, "_command", command)
        demo = _Settable(tmp_path_factory.mktemp("clocks"), ports=PbxPorts.free())
        with demo, Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard:
            (demo.pbx_clock,) = clocks
            yield SystemUnderTest(demo, switchboard)


def test_clocks_that_are_set_during_a_call_change_nothing_of_it(system: SystemUnderTest) -> None:
    """That of the PBX by a day, that of the controller's machine by two hours; and then back.

    Another segment begins after that; S3 takes nothing that is signed two hours later.
    """
    demo, begin = system.demo, system.app.now
    assert isinstance(demo, _Settable)
    with system.rule(Mode.AUTOMATIC):
        outside = system.phone(OUTSIDE)  # it must be registered before it is dialled
        staff = system.phone("2101").dial("0311190001", Sound(STAFF_HZ))
        called = outside.pick_up(Sound(CALLER_HZ))
        staff.wait_established()
        talk_for([staff], 1.5)
        demo.pbx_clock.set(86_400)
        snoop = next(each for each in system.app.pbx.channels() if each.is_own)
        system.app.pbx.hang_up(snoop.id)  # another segment begins
        talk_for([staff], 1.5)
        demo.clock.set(7200)
        talk_for([staff], 1.5)
        called.hangup()
        staff.wait_ended()
        eventually(lambda: "clock" in " ".join(system.status()["problems"]), what="a problem with clocks")
        demo.clock.set(0)
        demo.pbx_clock.set(0)
        found = system.recording_of("+81311190001", begin)
    call, kept = found.call, found.recording
    assert kept and call.ended_at and call.answered_at and kept.retain_until
    heard, minute = system.listen(kept), timedelta(minutes=1)
    as_long_as(heard, talk_seconds(call))
    assert begin - minute < call.started_at < call.answered_at < call.ended_at < system.app.now + minute
    assert f"{begin.astimezone(system.app.settings.office.zone):%Y/%m/%d}" in kept.key
    assert kept.retain_until - call.ended_at == timedelta(
        days=call.decision.retain_days if call.decision else 0
    )
    assert any("the PBX's clock was set during this call" in each.text for each in call.notes)
    assert len(system.manifest(kept)["capture"]["segments"]) == 2, "one began after the clock was set"
    locked = system.app.store.head(kept.key, kept.version).retain_until
    assert locked and locked < kept.retain_until + timedelta(days=2)
