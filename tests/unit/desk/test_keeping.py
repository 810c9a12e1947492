"""Who may keep recordings, and whose: managers, of the facilities that took part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import custody, grants, notes, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.desk import wire
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import custody as operations
from callrec.desk.operations import finding, keeping
from callrec.errors import NotAllowed, NotFound, Refused
from callrec.lifecycle import erasure
from callrec.lifecycle.protection import Protection
from callrec.model.access import Caller, Reach, Role, Through
from tests.unit.fakes import LockingStore
from tests.unit.kept_recording import archive, discarded, now_of, request

DAY = timedelta(days=1)


@pytest.fixture
def here(app: App) -> App:
    """The desk of an office with a manager for each facility, and others."""
    store = LockingStore()
    app.__dict__["protection"] = Protection(lambda: store, "governance", DAY)
    app.__dict__["store"] = store
    with app.database.begin() as connection:
        for who, role, facility in (
            ("shiba", Role.MANAGER, "shiba"),
            ("azabu", Role.MANAGER, "azabu"),
            ("auditor", Role.AUDITOR, "shiba"),
            ("handler", Role.HANDLER, "shiba"),
        ):
            grants.grant(connection, who, role, [facility], by="root", at=app.now)
    return app


@pytest.fixture
def kept(here: App) -> ArchivedRecording:
    return archive(here.database, here.__dict__["store"], here.now - DAY)


def ask(here: App, who: str, wanted: Operation[..., Any], *args: Any) -> Any:
    """What somebody is told, after it went through the wire."""
    sent = wire.read_arguments(wanted, wire.arguments(wanted, args, {}))
    found = perform(wanted, here, Caller(who, frozenset(), Through.DESK), **sent)
    each = list(found) if isinstance(found, Iterator) else [found]
    told = [wire.read_line(wanted, wire.value_line(wanted, one)) for one in each]
    return told if isinstance(found, Iterator) else told[0]


def asked(here: App, kept: ArchivedRecording) -> list[tuple[Operation[..., Any], tuple[Any, ...]]]:
    return [
        (keeping.mark_incidents, ([kept.id], "報告")),
        (keeping.clear_incidents, ([kept.id], "誤り")),
        (keeping.add_holds, ([kept.id], "訴訟", None)),
        (keeping.release_holds, ([kept.id], "終結", None)),
        (keeping.retain, ([kept.id], here.now + 4000 * DAY, "苦情")),
        (keeping.add_note, (kept.id, "怒鳴られた")),
    ]


def test_a_manager_of_another_facility_is_told_that_there_is_none(here: App, kept: ArchivedRecording) -> None:
    for wanted, args in asked(here, kept):
        with pytest.raises(NotFound, match="there is no recording or call") as told:
            ask(here, "azabu", wanted, *args)
        assert type(told.value) is NotFound
    assert now_of(here.database, kept) == kept
    with here.database.read() as connection:
        assert [each.action for each in custody.of(connection, kept.id)] == ["refused"] * 6


def test_only_managers_may(here: App, kept: ArchivedRecording) -> None:
    for who in ("handler", "auditor", "nobody"):
        for wanted, args in asked(here, kept):
            with pytest.raises(NotAllowed, match=r"it needs the role manager"):
                ask(here, who, wanted, *args)
    with pytest.raises(NotAllowed, match="it needs the role manager / auditor"):
        ask(here, "handler", keeping.list_holds)
    assert now_of(here.database, kept) == kept


def test_what_is_done_is_in_the_log_with_role_and_way(here: App, kept: ArchivedRecording) -> None:
    for wanted, args in asked(here, kept):
        ask(here, "shiba", wanted, *args)
    with here.database.read() as connection:
        entries = custody.of(connection, kept.id)
        (note,) = notes.of_call(connection, kept.call_id)
    assert (note.who, note.text) == ("shiba", "怒鳴られた")
    assert {(each.who, each.details["role"], each.details["through"]) for each in entries} == {
        ("shiba", "manager", "desk")
    }
    done = [each.action for each in entries if not each.action.startswith("to-be-")]
    assert done == ["marked-incident", "cleared-incident", "held", "released", "retained", "noted"]


def test_holds_are_listed_within_reach(here: App, kept: ArchivedRecording) -> None:
    ask(here, "shiba", keeping.add_holds, [kept.id], "訴訟", None)
    for who, seen in (("shiba", 1), ("auditor", 1), ("azabu", 0)):
        assert len(ask(here, who, keeping.list_holds)) == seen
    with here.database.begin() as connection:
        row = {"call_id": kept.call_id, "facility": "azabu"}
        connection.execute(tables.call_facilities.insert().values(row))
    assert len(ask(here, "azabu", keeping.list_holds)) == 1, "both took part"
    assert ask(here, "azabu", keeping.add_holds, [kept.id], "調査", None)[0].hold


def test_a_request_out_of_reach_is_none(here: App, kept: ArchivedRecording) -> None:
    number = request(here.database, here.now, Reach(frozenset({"azabu"})))
    with pytest.raises(NotFound, match=f"there is no request {number}:") as told:
        ask(here, "shiba", keeping.add_holds, [kept.id], "訴訟", number)
    assert type(told.value) is NotFound and not now_of(here.database, kept).hold


def test_a_hold_for_a_request_out_of_reach_stays_and_its_number_is_not_told(
    here: App, kept: ArchivedRecording
) -> None:
    number = request(here.database, here.now, Reach(frozenset({"azabu"})))
    with here.database.begin() as connection:
        row = {"call_id": kept.call_id, "facility": "azabu"}
        connection.execute(tables.call_facilities.insert().values(row))
    ask(here, "azabu", keeping.add_holds, [kept.id], "調査", number)
    for who, seen in (("azabu", number), ("shiba", None)):
        (held,) = ask(here, who, keeping.list_holds)
        assert (held.hold.reason, held.hold.request) == ("調査", seen)
    (shown,) = ask(here, "handler", finding.show, kept.id).after.holds
    assert (shown.reason, shown.request) == ("調査", None)
    with pytest.raises(Refused) as refused:
        ask(here, "shiba", keeping.release_holds, [kept.id], "終結", None)
    assert number not in str(refused.value)
    with pytest.raises(NotFound, match=f"there is no request {number}:"):
        ask(here, "shiba", keeping.release_holds, [kept.id], "終結", number)
    assert now_of(here.database, kept).hold


def test_a_note_on_a_call_without_a_recording_is_found_by_its_id(here: App) -> None:
    id_ = discarded(here.database, here.now - DAY, None)
    ask(here, "shiba", keeping.add_note, id_, "怒鳴られた")
    (entry,) = ask(here, "auditor", operations.custody_of, id_)
    assert (entry.action, entry.who, entry.details["call"]) == ("noted", "shiba", id_)


def test_nothing_is_written_about_a_call_whose_names_are_gone(here: App) -> None:
    id_ = discarded(here.database, here.now - DAY, None)
    ask(here, "shiba", keeping.add_note, id_, "山田様")
    assert erasure.erase(here.database, here.now, print, who="purger", at=here.now) == 1
    with pytest.raises(Refused, match=f"taken out of call {id_}"):
        ask(here, "shiba", keeping.add_note, id_, "山田様")
    with here.database.read() as connection:
        assert notes.of_call(connection, id_) == []
