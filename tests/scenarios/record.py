"""Records the transcripts again: python -m tests.scenarios.record [SCENARIO…]

Runs a real PBX and the controller in this process, places each scenario's call with real SIP phones,
and writes every ARI event, as Asterisk sent it, to <scenario>.jsonl.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Any

from callrec.demo.pbx import PbxPorts
from callrec.demo.processes import wait_until
from callrec.demo.softphones import Sound, Switchboard
from callrec.demo.system import DemoSystem
from callrec.pbx.ari import Ari
from callrec.serve import Service
from callrec.spool import status
from tests.integration.system import SystemUnderTest, talk_for

HERE = Path(__file__).parent
RULES: dict[str, list[dict[str, Any]]] = {
    "announced": [{"mode": "automatic", "announce": None}],
    "quiet": [{"mode": "automatic"}],
    "manual": [{"mode": "manual"}],
    "standby": [{"mode": "standby"}],
    "never on the way": [{"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2102"}],
    "never": [{"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2101"}],
}


class _InProcess(DemoSystem):
    """The demo's parts with the controller in this process, where its events can be listened to."""

    def start_controller(self, *_options: str) -> None:
        self.service = Service(self.app)
        self.service.prepare(takeover=False)
        self.thread = threading.Thread(target=self.service.run)
        self.thread.start()
        wait_until(lambda: status.read(self.home / "spool").get("link_up", False), 10, "the link")

    def stop(self) -> None:
        if hasattr(self, "thread"):
            self.service.stop()
            self.thread.join()
        super().stop()


def _inbound(system: SystemUnderTest) -> None:
    caller = system.caller("0312345678").dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    talk_for([staff], 1.0)
    staff.hangup()
    caller.wait_ended()


def _outbound(system: SystemUnderTest) -> None:
    staff = system.phone("2101").dial("0398765432", Sound(1000))
    other = system.phone("outside").pick_up(Sound(500))
    talk_for([other], 8.0)
    other.hangup()
    staff.wait_ended()


def _internal(system: SystemUnderTest) -> None:
    caller = system.phone("2101").dial("2201", Sound(500))
    called = system.phone("2201").pick_up(Sound(1000))
    talk_for([called], 1.0)
    caller.hangup()


def _unanswered(system: SystemUnderTest) -> None:
    caller = system.caller("0312345678").dial("2101")
    system.phone("2101").wait_ring()
    caller.hangup()


def _busy(system: SystemUnderTest) -> None:
    caller = system.caller("0312345678").dial("2101")
    system.phone("2101").wait_ring().reject()
    caller.wait_ended()


def _with_keys(*keys: str) -> Callable[[SystemUnderTest], None]:
    """Staff press these, half a second apart."""

    def play(system: SystemUnderTest) -> None:
        caller = system.caller("0312345678").dial("2101", Sound(500))
        staff = system.phone("2101").pick_up(Sound(1000))
        caller.wait_established()
        for key in keys:
            staff.press(key)
            talk_for([staff, caller], 0.8)
        caller.hangup()
        staff.wait_ended()

    return play


def _transferred(system: SystemUnderTest) -> None:
    caller = system.caller("0312345678").dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    talk_for([staff], 0.5)
    staff.transfer("2102")
    colleague = system.phone("2102").pick_up(Sound(1500))
    talk_for([colleague], 0.5)
    colleague.press("*1")
    talk_for([colleague], 0.5)
    caller.hangup()


SCENARIOS: dict[str, tuple[str, Callable[[SystemUnderTest], None]]] = {
    "inbound_announced": ("announced", _inbound),
    "outbound_announced": ("announced", _outbound),
    "internal": ("quiet", _internal),
    "never": ("never", _inbound),
    "unanswered": ("quiet", _unanswered),
    "busy": ("quiet", _busy),
    "manual_keys": ("manual", _with_keys("*1", "*1", "*5", "*5", "*4", "*1")),
    "standby_kept": ("standby", _with_keys("*1")),
    "standby_discarded": ("standby", _with_keys("*5")),
    "transferred_to_never": ("never on the way", _transferred),
}


def main() -> None:
    lines: list[str] = []
    give = Ari._give

    def listening(pbx: Ari, json: dict[str, Any], handle: Any) -> None:
        lines.append(dumps(json, ensure_ascii=False))
        give(pbx, json, handle)

    Ari._give = listening  # type: ignore[assignment,method-assign]
    with (
        tempfile.TemporaryDirectory() as home,
        _InProcess(Path(home), ports=PbxPorts.free()) as demo,
        Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
    ):
        system = SystemUnderTest(demo, switchboard)
        wanted = sys.argv[1:] or list(SCENARIOS)
        for name, (rules, play) in ((name, SCENARIOS[name]) for name in wanted):
            with system.rules(*RULES[rules]):
                lines.clear()
                play(system)
                system.wait_until_clean()
                (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
