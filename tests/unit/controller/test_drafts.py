"""The copy of what is being recorded in the PBX's own database, and what another machine makes of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from callrec.controller.drafts import FAMILY, PART, DraftMirror
from callrec.controller.taking_up import bring_up
from callrec.model.calls import CallRecord, remark
from callrec.model.captures import Checkpoint
from callrec.problems import Problems
from callrec.spool.directory import Spool
from tests.unit.controller.astdb import AstDbInMemory
from tests.unit.samples import checkpoint

OTHER_ID = "01a20000-0000-7000-8000-000000000002"


def _mirror(database: AstDbInMemory) -> DraftMirror:
    return DraftMirror(database.open, lambda: True, Problems())


def _long(draft: Checkpoint, notes: int) -> Checkpoint:
    """With so much in it that cannot be made smaller."""
    words = (hashlib.sha512(f"{number}".encode()).hexdigest() for number in range(notes))
    told = tuple(remark("told {word}", word=word) for word in words)
    return replace(draft, call=replace(draft.call, notes=told))


def test_a_copy_is_small_and_says_all() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(checkpoint())
    mirror.copy()
    ((key, value),) = database.tree(FAMILY).items()
    assert len(key) + len(value) < 900
    assert _mirror(database).there() == [checkpoint()]


def test_a_long_one_has_parts_which_go_when_it_gets_short_again() -> None:
    database, long = AstDbInMemory(), _long(checkpoint(), 60)
    mirror = _mirror(database)
    mirror.note(long)
    mirror.copy()
    parts = database.tree(FAMILY)
    assert len(parts) > 2 and all(len(each) < PART + 10 for each in parts.values())
    assert _mirror(database).there() == [long]
    mirror.note(checkpoint())
    mirror.copy()
    assert len(database.tree(FAMILY)) == 1 and _mirror(database).there() == [checkpoint()]


def test_it_goes_with_the_capture_and_is_written_only_where_it_changes() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(checkpoint())
    mirror.copy()
    database.away = True
    mirror.copy()  # there is nothing to do
    database.away = False
    mirror.forget(checkpoint().capture.recording_id)
    mirror.copy()
    assert not database.tree(FAMILY)


def test_what_is_there_and_not_taken_up_goes_and_what_is_taken_up_stays() -> None:
    database, other = AstDbInMemory(), _other()
    first = _mirror(database)
    for each in (checkpoint(), other):
        first.note(each)
    first.copy()
    second = _mirror(database)
    assert second.there() == [checkpoint(), other]
    second.note(other)
    second.copy()
    assert _mirror(database).there() == [other]


def test_what_cannot_be_read_is_passed_over() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(_long(checkpoint(), 60))
    mirror.note(_other())
    mirror.copy()
    whole = database.tree(FAMILY)
    part = sorted(whole)[1]
    for damage in ("", "9", "9:", "x:x", "3:AAAA", whole[part][:-9]):
        database.entries[FAMILY] = {**whole, part: damage}
        assert _mirror(database).there() == [_other()]
    del database.entries[FAMILY][part]
    assert _mirror(database).there() == [_other()]


@dataclass
class Catalogue:
    """What is known of others."""

    ended: set[str] = field(default_factory=set)
    recordings: set[str] = field(default_factory=set)

    def has_ended(self, call: CallRecord) -> bool:
        return call.id in self.ended

    def has_recording(self, recording_id: str) -> bool:
        return recording_id in self.recordings


def test_another_machine_takes_up_what_is_not_done(tmp_path: Path) -> None:
    spool, done = Spool(tmp_path), replace(_other(), call=replace(_other().call, id="done"))
    bring_up(spool, lambda: [checkpoint(), done], Catalogue(ended={"done"}))
    assert spool.checkpoints() == [checkpoint()]


def test_one_that_comes_back_drops_what_was_ended_elsewhere(tmp_path: Path) -> None:
    """And of what goes on it believes the newer copy; what nobody else knew of it keeps."""
    spool, newer = Spool(tmp_path), _long(checkpoint(), 1)
    third = _other("3")
    for each in (checkpoint(), _other(), third):
        spool.save_checkpoint(each)
    open_calls = [replace(checkpoint().call, id=name) for name in ("ended", "unknown")]
    for call in open_calls:
        spool.save_open_call(call)
    known = Catalogue(ended={"ended"}, recordings={_other().capture.recording_id})
    bring_up(spool, lambda: [newer], known)
    assert spool.checkpoints() == [newer, third]
    assert [each.id for each in spool.open_calls()] == ["unknown"]


def _other(last: str = "2") -> Checkpoint:
    id_ = OTHER_ID[:-1] + last
    made = checkpoint()
    return Checkpoint(replace(made.call, id=f"call-{last}"), replace(made.capture, recording_id=id_))
