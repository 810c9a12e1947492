"""Two PBXs of one name on one catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from callrec.catalogue.database import Database
from callrec.controller.ownership import Reign
from callrec.controller.pbx_identity import FAMILY, OUT_OF_USE, PbxIdentity
from callrec.errors import Refused
from tests.unit.controller.astdb import AstDbInMemory
from tests.unit.samples import START

HERE, THERE = Reign(1, "here", "host1"), Reign(1, "there", "host2")


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


def _identity(
    catalogue: Database, clock: Clock, pbx: AstDbInMemory | None = None, name: str = "pbx"
) -> PbxIdentity:
    return PbxIdentity((pbx or AstDbInMemory()).open, catalogue, name, clock)


def _recorded(catalogue: Database, clock: Clock) -> AstDbInMemory:
    """A PBX that is in use."""
    pbx = AstDbInMemory()
    _identity(catalogue, clock, pbx).note(HERE)
    return pbx


def test_the_same_pbx_is_known_again_whoever_controls_it(database: Database) -> None:
    clock = Clock()
    pbx = _recorded(database, clock)
    again = _identity(database, clock, pbx)
    again.require(new=False)
    again.note(THERE)
    assert again.known() == THERE and len(pbx.tree(FAMILY)) == 1


def test_another_of_the_same_name_is_refused(database: Database) -> None:
    clock = Clock()
    _recorded(database, clock)
    with pytest.raises(Refused, match="another PBX is named pbx in this catalogue, and host1 recorded it"):
        _identity(database, clock).require(new=False)
    with pytest.raises(Refused):
        _identity(database, clock).note(THERE)
    _identity(database, clock, name="pbx2").require(new=False)


def test_one_that_was_not_seen_for_a_while_gives_its_name_away(database: Database) -> None:
    """Also where it was seen in a future that never comes."""
    for later in (OUT_OF_USE, -OUT_OF_USE, -timedelta(days=3650)):
        clock = Clock()
        _recorded(database, clock)
        clock.now += later
        made_anew = _identity(database, clock)
        made_anew.require(new=False)
        made_anew.note(THERE)


def test_somebody_who_knows_may_say_that_it_is_new(database: Database) -> None:
    clock = Clock()
    before = _recorded(database, clock)
    new = _identity(database, clock)
    new.require(new=True)
    new.note(THERE)
    with pytest.raises(Refused, match="host2"):
        _identity(database, clock, before).note(HERE)
    new.note(THERE)


def test_its_own_controller_goes_on_with_what_stands_at_the_same_address(database: Database) -> None:
    """A pair of PBXs, of which the other one has taken over."""
    clock = Clock()
    _recorded(database, clock)
    _identity(database, clock).note(HERE)


def test_one_that_lost_its_database_is_recorded_at_once_by_who_had_it(database: Database) -> None:
    """A machine that is started anew, with a PBX that keeps no database: each time no call was recorded for
    a quarter of an hour."""
    clock = Clock()
    _recorded(database, clock)
    anew = _identity(database, clock)
    with pytest.raises(Refused):
        anew.require(new=False, before="another")
    anew.require(new=False, before=HERE.owner)
    anew.note(Reign(2, "after", "host1"))
    assert anew.known().owner == "after"


def test_while_the_catalogue_is_away_it_cannot_be_known() -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")
    identity = _identity(away, Clock())
    identity.require(new=False)
    assert identity.known() == Reign()
