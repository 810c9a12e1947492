"""Whoever was away finds that another has taken over, before a link and before a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.controller.ownership import FAMILY, FROZEN_SECONDS, Ownership, Reign, is_of, remember
from callrec.errors import PbxUnreachable
from callrec.pbx.transport import TakenOver
from tests.unit.controller.astdb import AstDbInMemory


@dataclass
class Machine:
    """A controller's hold on a PBX; its clock goes on by itself only in `beat`."""

    database: AstDbInMemory
    name: str = "one"
    now: float = 100.0
    linked: bool = False
    ended: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hold = Ownership(
            self.database.open, "callrec", self.name, lambda: self.linked, clock=lambda: self.now
        )
        self.hold.lost = lambda: self.ended.append(self.name)

    def claim(self, known: Reign | None = None) -> Machine:
        self.hold.claim(known or Reign())
        self.hold.beat()
        return self

    def beat(self, seconds: float = 0.5) -> None:
        self.now += seconds
        self.hold.beat()


def test_who_goes_on_commands_without_a_look() -> None:
    one = Machine(AstDbInMemory()).claim()
    looks = one.database.looks
    for _ in range(100):
        one.beat()
        one.hold.before_command()
    assert one.database.looks == looks


def test_one_that_stood_still_finds_the_other_before_its_next_command() -> None:
    """Also where the command comes before the beat, as other threads go on at the same moment."""
    for beats_first in (False, True):
        one = Machine(AstDbInMemory()).claim()
        Machine(one.database, "other").claim()
        one.hold.before_command()  # it could not know yet
        if beats_first:
            one.beat(FROZEN_SECONDS + 1)
        else:
            one.now += FROZEN_SECONDS + 1
        for _ in range(2):
            with pytest.raises(TakenOver, match="on other"):
                one.hold.before_command()
        assert one.ended == ["one"]


def test_one_that_stood_still_and_was_not_taken_over_from_goes_on() -> None:
    one = Machine(AstDbInMemory()).claim()
    looks = one.database.looks
    one.beat(FROZEN_SECONDS + 1)
    one.hold.before_command()
    one.hold.before_command()
    assert one.database.looks == looks + 1 and not one.ended


def test_one_whose_link_was_lost_looks_before_the_next_and_before_commands() -> None:
    one = Machine(AstDbInMemory()).claim()
    one.hold.before_link()
    Machine(one.database, "other").claim()
    one.beat()
    one.hold.doubt()
    with pytest.raises(TakenOver):
        one.hold.before_command()
    with pytest.raises(TakenOver):
        one.hold.before_link()


def test_without_ami_nobody_is_thrown_out_and_calls_are_recorded_all_the_same() -> None:
    one = Machine(AstDbInMemory()).claim()
    one.database.away = True
    one.beat()
    one.hold.doubt()
    one.hold.before_command()
    one.beat()
    one.hold.before_link()
    one.linked = True
    one.hold.before_command()  # by itself
    with pytest.raises(PbxUnreachable, match="which one cannot be known"):
        one.hold.before_link()
    assert not one.hold.is_ours(), "who is thrown out then was taken over from, as far as it knows"


def test_another_may_come_between_the_look_and_the_link() -> None:
    one = Machine(AstDbInMemory()).claim()
    one.hold.before_link()
    Machine(one.database, "other").claim()
    one.now += 0.1
    with pytest.raises(TakenOver):
        one.hold.before_command()


def test_of_two_that_take_the_pbx_at_once_one_has_it() -> None:
    one, other = Machine(AstDbInMemory()), Machine(AstDbInMemory(), "other")
    one.claim()
    other.claim()  # each had found nobody
    one.database.entries = other.database.entries
    other.hold.look()
    with pytest.raises(TakenOver):
        one.hold.look()


def test_a_pbx_that_lost_its_database_is_told_again() -> None:
    one = Machine(AstDbInMemory()).claim(Reign(7, "x", "before"))
    assert one.hold.reign.epoch == 8 and one.hold.before == Reign(7, "x", "before")
    for lost in ({}, {FAMILY: {"callrec": "7|x|before"}}, {FAMILY: {"callrec": "what|is|this"}}):
        one.database.entries = dict(lost)
        one.hold.look()
        assert one.database.tree(FAMILY) == {"callrec": str(one.hold.reign)}


def test_before_it_has_the_pbx_it_forbids_nothing() -> None:
    one = Machine(AstDbInMemory({FAMILY: {"callrec": "7|x|other"}}))
    one.hold.doubt()
    one.hold.before_command()
    one.hold.before_link()
    assert not one.hold.is_ours()


@given(st.text())
def test_whatever_the_entry_says_it_is_read(text: str) -> None:
    found = Reign.parse(text)
    assert found == Reign() or Reign.parse(str(found)) == found


def test_a_spool_knows_whether_it_was_its_controller(tmp_path: Path) -> None:
    ours, theirs = Reign(1, "ours"), Reign(2, "theirs")
    assert is_of(tmp_path, Reign()) and not is_of(tmp_path, ours)
    remember(tmp_path, ours)
    assert is_of(tmp_path, ours) and not is_of(tmp_path, theirs)
    (tmp_path / "owner.json").write_text("[1]")
    assert is_of(tmp_path, Reign()) and not is_of(tmp_path, ours)
