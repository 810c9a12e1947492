"""What may be done under a request."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from callrec.catalogue import finding, requests, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import Refused
from callrec.lifecycle.requests import permit
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.requests import (
    REQUEST,
    Request,
    RequestKind,
    RequestState,
    RequestStep,
)
from callrec.recording.states import IllegalTransition, advance
from tests.filled_catalogue import place

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
SHIBA, AZABU = Reach(frozenset({"shiba"})), Reach(frozenset({"azabu"}))


def kept(database: Database, facility: str = "shiba") -> ArchivedRecording:
    place(database, facility, NOW, seconds=3.0, because="key")
    with database.read() as connection:
        return finding.recording(
            connection, finding.recording_ids(connection, reach=EVERYWHERE)[-1], reach=EVERYWHERE
        )


def opened(database: Database, reach: Reach = EVERYWHERE, year: int = 2026) -> Request:
    with database.begin() as connection:
        return requests.open_(
            connection,
            RequestKind.POLICE,
            for_whom="三田警察署",
            ground="刑事訴訟法197条2項",
            due=None,
            reach=reach,
            by="sato",
            at=NOW,
            year=year,
        )


def approved(database: Database, listed: ArchivedRecording | None, reach: Reach = EVERYWHERE) -> str:
    number = opened(database).number
    with database.begin() as connection:
        if listed:
            requests.add(connection, number, listed.id, by="sato", at=NOW)
        given = {"decided_at": NOW, "decided_by": "tanaka", "approved_for": reach.as_list()}
        requests.change(connection, number, RequestState.APPROVED, **given)
    return number


def refusal(
    database: Database,
    number: str | None,
    wanted: ArchivedRecording,
    reach: Reach = EVERYWHERE,
    required: bool = False,
) -> str:
    with database.read() as connection, pytest.raises(Refused) as refused:
        permit(connection, required, number, wanted, reach)
    assert refused.value.exit_code == 4
    return str(refused.value)


def test_without_a_number_it_depends_on_whether_one_is_required(database: Database) -> None:
    wanted = kept(database)
    with database.read() as connection:
        permit(connection, False, None, wanted, SHIBA)
        permit(connection, False, "", wanted, SHIBA)
    for none in (None, ""):
        assert "--request" in refusal(database, none, wanted, required=True)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("state", RequestState)
def test_only_what_is_approved_and_not_over_permits(
    database: Database, required: bool, state: RequestState
) -> None:
    wanted = kept(database)
    number = approved(database, wanted)
    with database.begin() as connection:
        requests.change(connection, number, state)
    if state in (RequestState.APPROVED, RequestState.HANDED_OVER):
        with database.read() as connection:
            permit(connection, required, number, wanted, SHIBA)
            permit(connection, required, "「２０２６－０００１」", wanted, SHIBA)
    else:
        said = refusal(database, number, wanted, required=required)
        assert said.startswith(f"request {number} is ") and "nothing can be heard" in said


@pytest.mark.parametrize("number", ["2026-0099", "0001", "x", "\0", "2026-0001\n2", "9" * 500, "%"])
def test_a_number_that_is_none_is_refused(database: Database, number: str) -> None:
    wanted = kept(database)
    approved(database, wanted)
    assert "there is no request" in refusal(database, number, wanted)


def test_a_request_out_of_sight_is_refused_as_one_that_is_not_there(database: Database) -> None:
    wanted = kept(database)
    number = opened(database, AZABU).number
    assert refusal(database, number, wanted, SHIBA) == refusal(database, "2026-0099", wanted, SHIBA).replace(
        "2026-0099", number
    )


def test_only_what_is_listed_is_permitted(database: Database) -> None:
    wanted, other = kept(database), kept(database)
    number = approved(database, other)
    assert refusal(database, number, wanted) == (
        f"request {number} does not list recording {wanted.id}: callrec request add lists it"
    )


def test_only_what_its_approver_reaches_is_permitted(database: Database) -> None:
    wanted = kept(database, "azabu")
    number = approved(database, wanted, SHIBA)
    assert "no role for the facilities" in refusal(database, number, wanted)
    with database.begin() as connection:  # a call in which both took part
        both = {"call_id": wanted.call_id, "facility": "shiba"}
        connection.execute(tables.call_facilities.insert().values(**both))
        permit(connection, True, number, wanted, SHIBA)


def test_a_request_opened_everywhere_covers_a_call_of_no_facility_only_if_approved_everywhere(
    database: Database,
) -> None:
    wanted = kept(database)
    with database.begin() as connection:
        connection.execute(tables.call_facilities.delete())
    assert "no role" in refusal(database, approved(database, wanted, SHIBA), wanted)
    everywhere = approved(database, wanted)
    with database.read() as connection:
        permit(connection, True, everywhere, wanted, EVERYWHERE)


def test_numbers_count_by_year_and_go_past_9999(database: Database) -> None:
    assert [opened(database).number for _ in range(3)] == ["2026-0001", "2026-0002", "2026-0003"]
    assert opened(database, year=2027).number == "2027-0001"
    with database.begin() as connection:
        connection.execute(
            tables.requests.update().values(number="2026-9999").where(tables.requests.c.number == "2026-0003")
        )
    assert opened(database).number == "2026-10000"
    assert opened(database).number == "2026-10001"
    assert opened(database, year=2027).number == "2027-0002"


@pytest.mark.parametrize(("state", "step"), list(product(RequestState, RequestStep)))
def test_a_step_that_the_table_lacks_raises(state: RequestState, step: RequestStep) -> None:
    if step in REQUEST[state]:
        assert advance(REQUEST, state, step) is REQUEST[state][step]
    else:
        with pytest.raises(IllegalTransition):
            advance(REQUEST, state, step)


def test_the_table_lets_nothing_out_before_approval_or_after_the_end() -> None:
    gives = {RequestStep.FETCH, RequestStep.HAND_OVER}
    giving = {state for state, steps in REQUEST.items() if gives & steps.keys()}
    assert giving == {RequestState.APPROVED, RequestState.HANDED_OVER}
    assert REQUEST[RequestState.CLOSED] == REQUEST[RequestState.REFUSED] == {}
    closing = {state for state, steps in REQUEST.items() if RequestStep.CLOSE in steps}
    assert closing == {*giving, RequestState.OPEN, RequestState.RETURNED}
