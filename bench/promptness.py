"""What has to happen at once, on the demo's real parts: keys, alerts, and parts that stand still.

python -m bench.promptness [--times 5]

What is compared is measured in turn: an alert with and without a mail server that hangs, an answer with
and without a controller that is frozen. Prints the results and writes them into docs/benchmarks. Exit
code 1: a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from contextlib import nullcontext

from bench import targets
from bench.key_presses import KEYS, measure_keys, measure_press_clock
from bench.machine import facts_of_calls
from bench.parts import Figures, milliseconds, running_system
from bench.report import Row, finish
from callrec.demo.ports import free_port
from tests.integration.system import SystemUnderTest, eventually, frozen, talk_for
from tests.integration.web_server import hanging_server, web_server

NUMBER = "0333310001"
CLOCK = "a press as written down while callrec is away, against its event"
ALERT, ALERT_HANGS = "`*9` → alert with the web server", "the same while the mail server hangs"
ANSWER, ANSWER_FROZEN = "dialling → answered", "the same while the controller is frozen"
LOST, BACK = "the PBX stands still → the link is lost", "the PBX goes on → the link is back"
SECONDS = {
    ALERT: targets.ALERT,
    ALERT_HANGS: targets.ALERT,
    ANSWER: targets.ANSWER,
    ANSWER_FROZEN: targets.ANSWER,
    LOST: targets.LINK_LOST,
    BACK: targets.LINK_BACK,
}
HANGS = 10
"""Times a target after which nothing is waited for any more."""


def main() -> int:
    asked = _options()
    figures: Figures = defaultdict(list)
    with running_system() as system:
        for number in range(asked.times):
            print(f"round {number + 1} of {asked.times} …", flush=True)
            _round(system, figures)
        machine = facts_of_calls(system.app.pbx.version())
    limits = {**KEYS, CLOCK: targets.PRESS_CLOCK}
    rows = [
        *(Row(what, "ms", target * 1000, figures[what]) for what, target in limits.items()),
        *(Row(what, "s", target, figures[what]) for what, target in SECONDS.items()),
    ]
    how = f"`python -m bench.promptness --times {asked.times}`, each in turn, the phones on the same machine."
    return finish("promptness", "What happens at once", how, machine, rows=rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.promptness", description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=5, help="how often each is measured (%(default)s)")
    return parser.parse_args()


def _round(system: SystemUnderTest, figures: Figures) -> None:
    for what, value in measure_keys(system).items():
        figures[what].append(value)
    figures[CLOCK].append(measure_press_clock(system))
    for what in (ALERT, ALERT_HANGS):
        figures[what].append(_alert(system, hangs=what == ALERT_HANGS))
    for what in (ANSWER, ANSWER_FROZEN):
        figures[what].append(_answer(system, stands_still=what == ANSWER_FROZEN))
    for what, value in zip((LOST, BACK), _link(system), strict=True):
        figures[what].append(value)


def _alert(system: SystemUnderTest, *, hangs: bool) -> float:
    """Returns the seconds from the help key, by the PBX's clock, until a web server has been told."""
    begin, web, mail = system.app.now, free_port(), free_port()
    told = {"WEBHOOK_URL": f"http://127.0.0.1:{web}/", "WEBHOOK_SECRET": "a secret of some length"}
    if hangs:
        told |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail), "SMTP_SECURITY": "none"}
        told |= {"MAIL_FROM": "callrec@city.example", "MAIL_TO": '["help@city.example"]'}
    settings = {f"CALLREC_HELP__{name}": value for name, value in told.items()}
    with (
        web_server(web) as posts,
        hanging_server(mail) if hangs else nullcontext(),
        system.restarted_with(**settings),
        system.rule("never"),
    ):
        system.caller(NUMBER).dial("2101")
        staff = system.phone("2101").pick_up()
        staff.press("*9")
        eventually(lambda: posts, HANGS * targets.ALERT, "the alert")
        arrived = system.app.now
        system.hang_up_all()
        call = system.call_of("+81" + NUMBER[1:], begin)
    return milliseconds(call.key_presses[0].at, arrived) / 1000


def _answer(system: SystemUnderTest, *, stands_still: bool) -> float:
    """Returns the seconds from dialling 2101, which picks up at once, until the call is answered."""
    assert system.demo.controller is not None
    phone, outside = system.phone("2101"), system.caller(NUMBER)
    with system.rule("automatic"):
        system.wait_for_mirror()
        with frozen(system.demo.controller) if stands_still else nullcontext():
            begin = time.monotonic()
            caller = outside.dial("2101")
            phone.pick_up()
            caller.wait_established()
            taken = time.monotonic() - begin
            talk_for([caller], 0.5)
        system.hang_up_all()
        system.wait_until_clean()
    return taken


def _link(system: SystemUnderTest) -> tuple[float, float]:
    """Returns the seconds until it is noticed that the PBX stands still, and until the link is there
    again."""
    assert system.demo.pbx.child is not None
    with frozen(system.demo.pbx.child):
        begin = time.monotonic()
        eventually(lambda: not system.status()["link_up"], HANGS * targets.LINK_LOST, "the link's loss")
        lost = time.monotonic() - begin
    begin = time.monotonic()
    eventually(lambda: system.status()["link_up"], HANGS * targets.LINK_BACK, "the link's return")
    return lost, time.monotonic() - begin


if __name__ == "__main__":
    sys.exit(main())
