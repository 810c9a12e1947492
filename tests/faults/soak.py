"""Faults by chance, one after the other, while ten calls at a time go on: `make soak`.

After each fault the checker judges all that happened, and what the processes hold is written down; at the end
it must not have grown. With the same seed the same faults come in the same order.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import datetime

from tests.faults.checker import violations
from tests.faults.growth import Held, growth, held
from tests.faults.rows import POSTGRESQL, ROWS, SQLITE, FaultRow
from tests.faults.scenario import live_through
from tests.faults.small_disk import separate_mounts
from tests.faults.systems import whole_system
from tests.integration.system import SystemUnderTest

MORE_CALLS = 2
"""How many calls there are beside those of the cast."""
RESTART_SHARE = 0.06
"""How often a fault may be one in which the controller ends: what it holds is seen over its life."""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=1800)
    asked.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    asked.add_argument("--database", choices=[SQLITE, POSTGRESQL], default=SQLITE)
    given = asked.parse_args()
    print(f"seed {given.seed}, {given.seconds:g} s, {given.database}", flush=True)
    separate_mounts()
    with whole_system(given.database) as system:
        found = soak(system, given.database, given.seconds, random.Random(given.seed))
    print("\n".join(found or ["nothing lost, kept unwanted, cut or untrue; nothing grew"]))
    return int(bool(found))


def soak(system: SystemUnderTest, database: str, seconds: float, chance: random.Random) -> list[str]:
    """Returns every violation, and what grew."""
    until, seen, wrong = time.monotonic() + seconds, list[Held](), list[str]()
    while time.monotonic() < until:
        row = _chosen(database, chance)
        before = _life(system)
        told = violations(live_through(system, row, more=MORE_CALLS))
        seen += _held(system)
        wrong += [f"{row.what}: {each}" for each in told]
        _tell(row, told, seen[-3:], restarted=before != _life(system))
    return [*wrong, *growth(seen), *_channels(system)]


def _chosen(database: str, chance: random.Random) -> FaultRow:
    rows = [row for row in ROWS if row.on == database]
    while True:
        row = chance.choice(rows)
        if not row.restarts or chance.random() < RESTART_SHARE:
            return row


def _life(system: SystemUnderTest) -> int:
    assert system.demo.controller
    return system.demo.controller.pid


def _held(system: SystemUnderTest) -> list[Held]:
    demo = system.demo
    parts = {"controller": demo.controller, "asterisk": demo.pbx.child, "s3": demo.s3.child}
    return [held(name, child.pid) for name, child in parts.items() if child]


def _channels(system: SystemUnderTest) -> list[str]:
    """Returns the channels that the PBX still has, where all calls are over."""
    return [f"asterisk: channel {each.name} is left" for each in system.app.pbx.channels()]


def _tell(row: FaultRow, told: list[str], seen: list[Held], *, restarted: bool) -> None:
    figures = ", ".join(
        f"{each.name} {each.megabytes} MB {each.threads} threads {each.descriptors} fds" for each in seen
    )
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    print(f"{at} {row.what}{' (restarted)' if restarted else ''}: {figures}", flush=True)
    for each in told:
        print(f"    {each}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
