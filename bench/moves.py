"""Calls that move from phone to phone on the demo's real parts: how much their recordings lack.

python -m bench.moves [--calls 5]

Each way is measured beside the others and beside a call that stays where it is, one call after the
other. Prints the results and writes them into docs/benchmarks. Exit code 1: a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from bench import targets
from bench.machine import facts_of_calls
from bench.parts import Figures, kept, running_system
from bench.report import Row, finish
from tests.integration.call_paths import NUMBER, WAYS, inbound
from tests.integration.system import SystemUnderTest, talk_for, talk_seconds
from tests.listen import longest_silence

STAYS = "not moved"
MEASURED = {STAYS: inbound, **{way: WAYS[way] for way in WAYS if "blind" in way or "attended" in way}}
TALK_SECONDS = 2.0


def main() -> int:
    asked = _options()
    gaps: Figures = defaultdict(list)
    lengths: Figures = defaultdict(list)
    by_phone: list[float] = []
    with running_system() as system:
        for number in range(asked.calls):
            print(f"round {number + 1} of {asked.calls} …", flush=True)
            for way in MEASURED:
                gap, length, phone = _measure(system, way)
                gaps[way].append(gap)
                lengths["moved" if way != STAYS else way].append(length)
                by_phone += [phone] if way == STAYS else []
        machine = facts_of_calls(system.app.pbx.version())
    how = f"`python -m bench.moves --calls {asked.calls}`, each way in turn, the phones on the same machine."
    return finish("moves", "Calls that move", how, machine, rows=_rows(gaps, lengths, by_phone))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.moves", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=5, help="calls for each way (%(default)s)")
    return parser.parse_args()


def _measure(system: SystemUnderTest, way: str) -> tuple[float, float, float]:
    """Returns of one call, in ms, its longest silence, and how far its length is off, by the PBX's clock and
    the phone's."""
    begin = system.app.now
    with system.rule("automatic", direction="inbound"):
        staff, caller = MEASURED[way](system)
        talk_for([staff, caller], TALK_SECONDS)
        staff.hangup()
        system.hang_up_all()
        found = system.recording_of("+81" + NUMBER[1:], begin)
        system.wait_until_clean()
    heard = system.listen(kept(found))
    phone = staff.ended_at - staff.established_at
    off = [abs(heard.seconds - seconds) * 1000 for seconds in (talk_seconds(found.call), phone)]
    return longest_silence(heard.external, heard.rate) * 1000, off[0], off[1]


def _rows(gaps: Figures, lengths: Figures, by_phone: list[float]) -> list[Row]:
    gap, length, phone = (
        target * 1000 for target in (targets.RENEWAL_GAP, targets.LENGTH, targets.LENGTH_BY_PHONE)
    )
    return [
        *(Row(f"longest silence of the party outside, {way}", "ms", gap, gaps[way]) for way in MEASURED),
        *(Row(f"length against the PBX's clock, {way}", "ms", length, lengths[way]) for way in lengths),
        Row(f"length against the phone's clock, {STAYS}", "ms", phone, by_phone),
    ]


if __name__ == "__main__":
    sys.exit(main())
