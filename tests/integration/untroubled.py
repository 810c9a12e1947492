"""Calls of which nothing is left, and of which nothing is to be told to people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from callrec.desk.operations.status import collect
from tests.integration.system import SystemUnderTest


@contextmanager
def untroubled(system: SystemUnderTest) -> Iterator[None]:
    """Afterwards PBX and spool are empty, the log has no error, and `callrec status` knows no problem."""
    system.wait_until_clean()  # what a test before has left is told of that one
    system.app.spool.flaws.forget()
    log = system.demo.home / "controller.log"
    before = log.stat().st_size
    yield
    system.wait_until_clean()
    lines = [json.loads(line) for line in log.read_bytes()[before:].splitlines()]
    errors = [each for each in lines if each["level"] not in ("info", "warning") or "exception" in each]
    assert not errors, errors
    found = collect(system.app)
    told = [*(str(each.said) for each in found.problems), *found.flaws, *found.concerns]
    assert not told, told
