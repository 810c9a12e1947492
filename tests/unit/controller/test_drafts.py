"""The copy of what is captured in the PBX's own database, and what another machine makes of it."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.catalogue.calls import save_call
from callrec.controller.drafts import FAMILY, PART, Draft, DraftMirror, State
from callrec.controller.ownership import Reign
from callrec.controller.taking_up import bring_up
from callrec.model.calls import CallRecord, Participant, remark
from callrec.model.captures import Checkpoint
from callrec.problems import Problems
from callrec.spool.directory import Spool
from tests.unit.controller.astdb import AstDbInMemory
from tests.unit.samples import START, captured_call, checkpoint

OTHER_ID = "01a20000-0000-7000-8000-000000000002"
WAITING: set[str] = set()


def _mirror(database: AstDbInMemory, waiting: set[str] = WAITING) -> DraftMirror:
    """`waiting` are the captures that are over and still in the spool."""
    return DraftMirror(database.open, lambda: True, Problems(), lambda id_: id_ in waiting)


def _open(captured: Checkpoint | None = None) -> Draft:
    captured = captured or checkpoint()
    return Draft(State.OPEN, captured.call, captured.capture)


def _long(draft: Checkpoint, notes: int) -> Checkpoint:
    """With so much in it that cannot be made smaller."""
    words = (hashlib.sha512(f"{number}".encode()).hexdigest() for number in range(notes))
    told = tuple(remark("told {word}", word=word) for word in words)
    return replace(draft, call=replace(draft.call, notes=told))


def test_a_copy_is_small_and_says_all() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(State.OPEN, checkpoint())
    mirror.copy()
    ((key, value),) = database.tree(FAMILY).items()
    assert len(key) + len(value) < 900
    assert _mirror(database).there() == [_open()]


def test_a_long_one_has_parts_which_go_when_it_gets_short_again() -> None:
    database, long = AstDbInMemory(), _long(checkpoint(), 60)
    mirror = _mirror(database)
    mirror.note(State.OPEN, long)
    mirror.copy()
    parts = database.tree(FAMILY)
    assert len(parts) > 2 and all(len(each) < PART + 10 for each in parts.values())
    assert _mirror(database).there() == [_open(long)]
    mirror.note(State.OPEN, checkpoint())
    mirror.copy()
    assert len(database.tree(FAMILY)) == 1 and _mirror(database).there() == [_open()]


def test_it_is_written_only_where_it_changes() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(State.OPEN, checkpoint())
    mirror.copy()
    database.away = True
    mirror.copy()  # there is nothing to do


def test_what_is_noted_while_it_looks_is_not_taken_away() -> None:
    """Some of a recording is destroyed, and the rest of it handed over at that moment."""
    database, over = AstDbInMemory(), captured_call()

    def hand_over(_id: str) -> bool:
        mirror.note(State.KEPT, over)
        return False

    mirror = DraftMirror(database.open, lambda: True, Problems(), hand_over)
    mirror.note(State.DISCARDED, over)
    mirror.look()
    mirror.copy()
    assert [each.state for each in _mirror(database).there()] == [State.KEPT]


def test_it_stays_until_the_spool_lets_go() -> None:
    """A machine that is lost between hang-up and archive has the only word of what its tracks are."""
    over = captured_call()
    for state in (State.KEPT, State.DISCARDED):
        database, waiting = AstDbInMemory(), {over.capture.recording_id}
        mirror = _mirror(database, waiting)
        mirror.note(State.OPEN, checkpoint())
        mirror.copy()
        mirror.note(state, over)
        mirror.copy()
        assert _mirror(database).there() == [Draft(state, over.call, over.capture)]
        waiting.clear()
        mirror.look()
        mirror.copy()
        assert not database.tree(FAMILY)


def test_it_stays_while_the_spool_is_away(tmp_path: Path) -> None:
    """Its disk may be gone for good: then nobody else knows what its tracks are."""
    database, spool, over = AstDbInMemory(), Spool(tmp_path / "spool"), captured_call()
    mirror = DraftMirror(database.open, lambda: True, Problems(), spool.is_waiting)
    spool.hand_over(over)
    mirror.note(State.KEPT, over)
    mirror.copy()
    spool.directory.rename(tmp_path / "disk")
    spool.directory.mkdir()
    mirror._look_safely()
    mirror.copy()
    assert _mirror(database).there() == [Draft(State.KEPT, over.call, over.capture)]


def test_a_disk_that_hangs_holds_up_no_copy() -> None:
    """It is the only one that a machine leaves behind which is then switched off."""
    database, asked, on = AstDbInMemory(), threading.Event(), threading.Event()

    def hangs(id_: str) -> bool:
        asked.set()
        return on.wait(60)

    mirror = DraftMirror(database.open, lambda: True, Problems(), hangs)
    mirror.note(State.KEPT, captured_call())
    threads = [threading.Thread(target=each.run) for each in (mirror, mirror.looking)]
    for thread in threads:
        thread.start()
    try:
        assert asked.wait(60)
        mirror.note(State.OPEN, _other())
        assert _eventually(lambda: _open(_other()) in _mirror(database).there())
    finally:
        on.set()
        for each in (mirror, mirror.looking):
            each.stop()
        for thread in threads:
            thread.join()


def _eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


def test_what_is_there_and_not_taken_up_goes_and_what_is_taken_up_stays() -> None:
    database, other = AstDbInMemory(), _other()
    first = _mirror(database)
    for each in (checkpoint(), other):
        first.note(State.OPEN, each)
    first.copy()
    second = _mirror(database)
    assert second.there() == [_open(), _open(other)]
    second.note(State.OPEN, other)
    second.copy()
    assert _mirror(database).there() == [_open(other)]


def test_what_cannot_be_read_is_passed_over() -> None:
    database = AstDbInMemory()
    mirror = _mirror(database)
    mirror.note(State.OPEN, _long(checkpoint(), 60))
    mirror.note(State.OPEN, _other())
    mirror.copy()
    whole = database.tree(FAMILY)
    part = sorted(whole)[1]
    for damage in ("", "9", "9:", "x:x", "3:AAAA", whole[part][:-9]):
        database.entries[FAMILY] = {**whole, part: damage}
        assert _mirror(database).there() == [_open(_other())]
    del database.entries[FAMILY][part]
    assert _mirror(database).there() == [_open(_other())]


@dataclass
class Catalogue:
    """What is known of others."""

    ended: set[str] = field(default_factory=set)
    recordings: set[str] = field(default_factory=set)
    discarded: set[str] = field(default_factory=set)

    def has_ended(self, call: CallRecord, captured: str = "") -> bool:
        return call.id in self.ended

    def has_recording(self, recording_id: str) -> bool:
        return recording_id in self.recordings

    def was_discarded(self, call_id: str) -> bool:
        return call_id in self.discarded


def test_another_machine_takes_up_what_is_not_done(tmp_path: Path) -> None:
    spool, done = Spool(tmp_path), _on_standby(replace(_other(), call=replace(_other().call, id="done")))
    bring_up(spool, [_open(), _open(done)], Catalogue(ended={"done"}))
    assert spool.checkpoints() == [checkpoint()]


@pytest.mark.parametrize(("together", "taken"), [(False, True), (True, False)])
def test_a_row_of_those_who_went_to_talk_apart_does_not_end_the_call(
    app: App, tmp_path: Path, together: bool, taken: bool
) -> None:
    """They have its linked id. Where the captured one took part, it is the call, begun anew."""
    standby = _on_standby(checkpoint())
    apart = replace(standby.call, id=standby.call.id.replace("a", "b"), ended_at=START)
    if not together:
        apart = replace(apart, participants=(Participant("1.7", "2102", "2102", START),))
    with app.database.begin() as connection:
        save_call(connection, apart)
    spool = Spool(tmp_path / "another")
    bring_up(spool, [_open(standby)], ControllerAssembly(app))
    assert (spool.checkpoints() == [standby]) is taken


def test_what_is_to_be_kept_is_taken_though_the_row_of_its_call_is_there(tmp_path: Path) -> None:
    """The row is written at once; the machine was lost before it said that the capture is over."""
    kept, left = checkpoint(), _other()
    ended = Catalogue(ended={kept.call.id, left.call.id})
    spool = Spool(tmp_path)
    spool.save_checkpoint(left)  # its own, of which nobody else had a copy
    bring_up(spool, [_open(kept)], ended)
    assert {each.call.id for each in spool.checkpoints()} == {kept.call.id, left.call.id}
    ended.recordings = {kept.capture.recording_id}
    ended.discarded = {left.call.id}
    bring_up(spool, [], ended)
    assert spool.checkpoints() == []


def test_what_was_over_is_archived_or_destroyed_though_its_row_is_there(tmp_path: Path) -> None:
    names = ("kept", "archived", "discarded", "destroyed")
    over = {name: captured_call(recording_id=name, call={"id": f"call of {name}"}) for name in names}
    states = (State.KEPT, State.KEPT, State.DISCARDED, State.DISCARDED)
    left = [
        Draft(state, over[name].call, over[name].capture) for name, state in zip(names, states, strict=True)
    ]
    rows = {each.call.id for each in over.values()}
    spool = Spool(tmp_path)
    bring_up(spool, left, Catalogue(rows, {"archived"}, {"call of destroyed"}))
    assert spool.waiting() == ["kept"] and spool.captured_call("kept") == over["kept"]
    assert spool.discards() == ["discarded"] and spool.discard_of("discarded").whole


def test_what_the_disk_does_not_take_stays_for_the_next_start(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would know any more whose the tracks on the PBX are. It is told until then."""
    database, problems, assembly = AstDbInMemory(), Problems(), ControllerAssembly(app)
    _left_by_another(database)
    assembly.ownership.before = Reign(3, "another", "rec1")
    for full in (True, False):
        mirror = DraftMirror(database.open, lambda: True, problems, app.spool.is_waiting)
        with monkeypatch.context() as patched:
            if full:
                patched.setattr(Spool, "save_checkpoint", _refuse)
            problems.attempt("drafts", partial(assembly.bring_up, mirror, problems))
        mirror.work()
        assert _mirror(database).there() == ([_open()] if full else [])
        assert app.spool.checkpoints() == ([] if full else [checkpoint()])
    assert ["the disk is full" in text for text in problems.texts()] == [True]


def _left_by_another(database: AstDbInMemory) -> None:
    mirror = _mirror(database)
    mirror.note(State.OPEN, checkpoint())
    mirror.copy()


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_is_kept_here_or_there_is_not_destroyed_on_the_word_of_the_other(tmp_path: Path) -> None:
    """One of the two has heard a key that the other has not."""
    spool = Spool(tmp_path)
    names = ("open", "destroyed there", "unannounced", "kept there", "archived there")
    over = {name: captured_call(recording_id=name, call={"id": f"call of {name}"}) for name in names}
    for name in names[:3]:
        spool.hand_over(over[name])
    for name in names[3:]:
        spool.discard(over[name], whole=True)
    barred = replace(over["unannounced"].call, unannounced_at=over["unannounced"].call.started_at)
    left = [
        Draft(State.OPEN, over["open"].call, replace(over["open"].capture, kept_because=None)),
        Draft(State.DISCARDED, over["destroyed there"].call, over["destroyed there"].capture),
        Draft(State.DISCARDED, barred, over["unannounced"].capture),
        Draft(State.KEPT, over["kept there"].call, over["kept there"].capture),
    ]
    bring_up(spool, left, Catalogue(recordings={"archived there"}))
    assert spool.checkpoints() == [] and spool.discards() == ["unannounced"]
    assert spool.waiting() == sorted(names[:4])


def test_a_key_that_only_this_spool_knows_of_is_not_forgotten(tmp_path: Path) -> None:
    spool, standby = Spool(tmp_path), _on_standby(checkpoint())
    spool.save_checkpoint(checkpoint())
    for state in (State.OPEN, State.DISCARDED):
        bring_up(spool, [Draft(state, standby.call, standby.capture)], Catalogue())
        assert spool.checkpoints() == [checkpoint()] and spool.discards() == []


def test_one_that_comes_back_drops_what_was_ended_elsewhere(tmp_path: Path) -> None:
    """And of what goes on it believes the newer copy; what nobody else knew of it keeps."""
    spool, newer = Spool(tmp_path), _long(checkpoint(), 1)
    third = _other("3")
    for each in (checkpoint(), _other(), third):
        spool.save_checkpoint(each)
    for name in ("archived", "waiting"):
        spool.hand_over(captured_call(recording_id=name))
    for name in ("ended", "unknown"):
        spool.save_open_call(replace(checkpoint().call, id=name))
    known = Catalogue(ended={"ended"}, recordings={_other().capture.recording_id, "archived"})
    bring_up(spool, [_open(newer)], known)
    assert spool.checkpoints() == [newer, third] and spool.waiting() == ["waiting"]
    assert [each.id for each in spool.open_calls()] == ["unknown"]


def _on_standby(made: Checkpoint) -> Checkpoint:
    return replace(made, capture=replace(made.capture, kept_because=None))


def _other(last: str = "2") -> Checkpoint:
    id_ = OTHER_ID[:-1] + last
    made = checkpoint()
    return Checkpoint(replace(made.call, id=f"call-{last}"), replace(made.capture, recording_id=id_))
