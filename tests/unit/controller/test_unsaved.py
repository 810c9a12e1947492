"""What is on its way to the disk: nobody takes it for written before it is."""

from __future__ import annotations

from callrec.controller.unsaved import Unsaved
from callrec.recording.actions import SaveAlert, SaveCall, SaveOpenCall, SpoolAction
from tests.unit.samples import alert, call


def _asked(unsaved: Unsaved, *actions: SpoolAction) -> int:
    for each in actions:
        unsaved.ask(each)
    return unsaved.asked()


def test_a_mark_is_saved_when_all_before_it_is_and_whatever_comes_later() -> None:
    unsaved, first, second = Unsaved(), SaveAlert("a", alert()), SaveAlert("b", alert())
    assert unsaved.is_saved(unsaved.asked())
    mark = _asked(unsaved, first, second)
    later = _asked(unsaved, SaveAlert("c", alert()))
    unsaved.saved(second)
    assert not unsaved.is_saved(mark)
    unsaved.saved(first)
    assert unsaved.is_saved(mark) and not unsaved.is_saved(later)


def test_one_that_was_passed_over_counts_until_the_newer_one_is_saved() -> None:
    unsaved, older, newer = Unsaved(), SaveOpenCall("a", call()), SaveCall("a", call())
    mark = _asked(unsaved, older)
    _asked(unsaved, newer)
    unsaved.saved(older)
    assert not unsaved.is_saved(mark)
    unsaved.saved(newer)
    assert unsaved.is_saved(mark)


def test_the_newest_is_the_last_that_tells_of_its_call() -> None:
    unsaved, older, newer = Unsaved(), SaveOpenCall("a", call()), SaveOpenCall("a", call())
    assert not unsaved.is_newest(older)
    _asked(unsaved, older, SaveAlert("a", alert()), SaveCall("b", call()))
    assert unsaved.is_newest(older)
    _asked(unsaved, newer)
    assert not unsaved.is_newest(older) and unsaved.is_newest(newer)
