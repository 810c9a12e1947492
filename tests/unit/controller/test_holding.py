"""A PBX that is taken late, for AMI was away at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrec.catalogue.database import Database
from callrec.controller.holding import Holding
from callrec.controller.ownership import FAMILY, Ownership, Reign, remember, remembered
from callrec.controller.pbx_identity import PbxIdentity
from callrec.problems import Problems
from tests.unit.controller.astdb import AstDbInMemory
from tests.unit.samples import START

BEFORE = Reign(3, "before", "host1")


@pytest.mark.parametrize("last", ["before", "another"])
def test_its_spool_knows_that_it_has_it(tmp_path: Path, database: Database, last: str) -> None:
    """Else the next start would take its own drafts for another machine's, and a PBX that has lost its
    database meanwhile for another PBX. What another has left is taken up by the next start."""
    pbx, problems = AstDbInMemory({FAMILY: {"callrec": f"3|{last}|host"}}, away=True), Problems()
    hold = Ownership(pbx.open, "callrec", "host1", lambda: True)
    identity = PbxIdentity(pbx.open, database, "pbx", lambda: START)
    holding = Holding(hold, identity, tmp_path, lambda: True, problems)
    remember(tmp_path, BEFORE)
    holding.take(new_pbx=False)
    assert remembered(tmp_path) == "before" and problems.all()
    pbx.away = False
    holding.work()
    assert hold.reign.epoch == 4 and not problems.all()
    assert remembered(tmp_path) == (hold.reign.owner if last == "before" else "before")
