"""Requests through the gate: who may do what with them, who sees them, and what is written down."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

from callrec.app import App
from callrec.catalogue import custody, custody_report, facilities, finding, grants, tables
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Database
from callrec.desk import wire
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import finding as show_call
from callrec.desk.operations import requests as operations
from callrec.errors import CallrecError, NotAllowed, NotFound, OutOfSight, Refused, WrongUsage
from callrec.lifecycle.concerns import concerns
from callrec.lifecycle.requests import overdue, permit, persons
from callrec.model.access import EVERYWHERE, Caller, Reach, Role, Through
from callrec.model.office import Facility
from callrec.model.requests import CopyOutcome, Request, RequestKind, RequestState
from callrec.settings import CatalogueSettings, Settings
from tests.filled_catalogue import place
from tests.unit.fakes import MemoryStore

P = ParamSpec("P")
T = TypeVar("T")
NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
TODAY = date(2026, 11, 28)
PEOPLE: dict[str, list[tuple[Role, str | None]]] = {
    "sato": [(Role.HANDLER, "shiba")],
    "ito": [(Role.HANDLER, "azabu")],
    "tanaka": [(Role.MANAGER, "shiba")],
    "abe": [(Role.MANAGER, "azabu")],
    "kondo": [(Role.MANAGER, None), (Role.HANDLER, None)],
    "mori": [(Role.AUDITOR, None)],
    "ueda": [(Role.RULES, None)],
}


class Clock(App):
    """An app whose time stands where a test puts it."""

    moment = NOW

    @property
    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Path:
    """A catalogue in which the people have their roles, made once: a copy is quicker."""
    path = tmp_path_factory.mktemp("granted") / "c.db"
    shutil.copy(empty_catalogue, path)
    database = Database(f"sqlite:///{path}")
    with database.begin() as connection:
        for who, roles in PEOPLE.items():
            for role, facility in roles:
                for_all = [facility] if facility else []
                grants.grant(connection, who, role, for_all, by="root", at=NOW)
    database.close()
    return path


@pytest.fixture
def here(tmp_path: Path, granted: Path) -> Iterator[Clock]:
    """A desk whose bucket is away."""
    shutil.copy(granted, tmp_path / "c.db")
    clock = Clock(Settings(catalogue=CatalogueSettings(url=f"sqlite:///{tmp_path}/c.db")))
    clock.__dict__["store"] = MemoryStore(away=True)
    yield clock
    clock.close()


def ask(here: App, who: str, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return perform(wanted, here, Caller(who, frozenset(), Through.DESK), *args, **kwargs)


def direct(here: App, who: str, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return perform(wanted, here, Caller(who, frozenset(), Through.DIRECT), *args, **kwargs)


def opened(here: App, who: str = "sato", **changes: Any) -> str:
    given: dict[str, Any] = {"for_whom": "三田警察署", "ground": "刑訴法197条2項", **changes}
    return ask(here, who, operations.open_request, RequestKind.POLICE, **given).number


def recording(here: App, facility: str = "shiba") -> str:
    place(here.database, facility, NOW, seconds=3.0, because="key")
    with here.database.read() as connection:
        return finding.recording_ids(connection, reach=EVERYWHERE)[-1]


def log(here: App, recording_id: str = "") -> list[Entry]:
    with here.database.read() as connection:
        return custody.of(connection, recording_id)


def usual(here: App) -> tuple[str, str]:
    """A request of sato's, approved by tanaka, that lists a recording of shiba."""
    number, id_ = opened(here), recording(here)
    ask(here, "sato", operations.add_to_request, number, [id_])
    ask(here, "tanaka", operations.approve_request, number)
    return number, id_


def permitted(here: App, number: str, id_: str, reach: Reach = EVERYWHERE) -> bool:
    with here.database.read() as connection:
        kept = finding.recording(connection, id_, reach=EVERYWHERE)
        try:
            permit(connection, True, number, kept, reach)
        except NotAllowed:
            return False
    return True


def fetched(here: App, id_: str, number: str, sha256: str, kind: str = "mp3") -> None:
    with here.database.begin() as connection:
        said = {"request": number, "sha256": sha256, "format": kind, "clip": "-3s-5s"}
        custody.append(connection, id_, "fetched", who="sato", at=NOW, **said)


def test_the_usual_way_from_opening_to_closing(here: Clock) -> None:
    number, id_ = usual(here)
    assert number == "2026-0001" and permitted(here, number, id_)
    fetched(here, id_, number, "ab" * 32)
    copy = ask(here, "sato", operations.hand_over, number, "三田警察署 刑事課", "DVD-R")
    assert [(each.recording_id, each.sha256, each.format) for each in copy.files] == [(id_, "ab" * 32, "mp3")]
    with pytest.raises(Refused, match=copy.id):
        ask(here, "tanaka", operations.close_request, number)
    (back,) = ask(here, "sato", operations.return_copies, number)
    assert (back.outcome, back.ended_by) == (CopyOutcome.RETURNED, "sato")
    assert ask(here, "mori", operations.show_request, number).request.state is RequestState.RETURNED
    assert not permitted(here, number, id_)
    assert ask(here, "tanaka", operations.close_request, number).state is RequestState.CLOSED
    assert not permitted(here, number, id_)


def test_each_step_is_in_the_custody_log(here: Clock) -> None:
    number, id_ = usual(here)
    ask(here, "sato", operations.hand_over, number, "警察", "USB")
    ask(here, "sato", operations.destroyed_copies, number)
    ask(here, "tanaka", operations.close_request, number)
    of_it, of_recording = log(here), log(here, id_)
    assert [(each.action, each.who) for each in of_it] == [
        ("request-opened", "sato"),
        ("request-approved", "tanaka"),
        ("request-closed", "tanaka"),
    ]
    assert [(each.action, each.who) for each in of_recording] == [
        ("added", "sato"),
        ("handed-over", "sato"),
        ("copy-destroyed", "sato"),
    ]
    assert all(each.details["request"] == number for each in of_it + of_recording)
    assert of_it[1].details["recordings"] == [id_] and of_it[1].details["facilities"] == ["shiba"]
    assert of_recording[1].details["to"] == "警察" and of_recording[1].details["medium"] == "USB"
    with here.database.read() as connection:
        assert custody.broken_at(connection) is None


def test_who_shows_a_call_of_both_learns_nothing_of_the_request_of_the_others(here: Clock) -> None:
    id_, number = recording(here), opened(here, "ito")
    with here.database.begin() as connection:
        call_id = finding.recording(connection, id_, reach=EVERYWHERE).call_id
        connection.execute(tables.call_facilities.insert().values(call_id=call_id, facility="azabu"))
    ask(here, "ito", operations.add_to_request, number, [id_])
    ask(here, "abe", operations.approve_request, number)
    ask(here, "ito", operations.hand_over, number, "三田警察署", "USB")
    theirs, ours = (ask(here, who, show_call.show, id_).entries for who in ("ito", "sato"))
    assert [each.action for each in ours] == [each.action for each in theirs] == ["added", "handed-over"]
    assert theirs[-1].details["to"] == "三田警察署" and theirs[-1].details["request"] == number
    assert not {"request", "copy", "to", "medium"} & {name for each in ours for name in each.details}
    assert ask(here, "kondo", show_call.show, id_).entries == theirs


# --- four eyes


def test_nobody_decides_on_what_they_opened(here: Clock) -> None:
    number = opened(here, "kondo")
    decisions: list[tuple[Operation[..., Any], tuple[str, ...]]] = [
        (operations.approve_request, ()),
        (operations.refuse_request, ("why",)),
    ]
    for wanted, reason in decisions:
        with pytest.raises(NotAllowed, match="somebody else has to decide") as refused:
            ask(here, "kondo", wanted, number, *reason)
        assert refused.value.exit_code == 4
    last = log(here)[-1]
    assert (last.action, last.who, last.details["command"]) == ("refused", "kondo", "request refuse")
    assert ask(here, "mori", operations.show_request, number).request.state is RequestState.OPEN


@pytest.mark.parametrize(
    ("opener", "approver", "may"),
    [
        ("callrec", "callrec", False),
        ("callrec (sudo: sato)", "callrec (sudo: tanaka)", False),
        ("callrec (sudo: sato)", "sato", False),
        ("sato", "callrec (sudo: sato)", False),
        ("callrec", "callrec (sudo: tanaka)", False),
        ("callrec (sudo: sato)", "tanaka", True),
        ("sato", "satoh", True),
        ("sato", "root (sudo: tanaka)", True),
    ],
)
def test_of_who_works_directly_both_names_count(here: Clock, opener: str, approver: str, may: bool) -> None:
    number = direct(here, opener, operations.open_request, RequestKind.AUDIT, "監査委員").number
    if may:
        assert direct(here, approver, operations.approve_request, number).approved_by == approver
    else:
        with pytest.raises(NotAllowed):
            direct(here, approver, operations.approve_request, number)
        assert log(here)[-1].action == "refused"


def test_nobody_lists_a_recording_and_approves_it(here: Clock) -> None:
    """Or a handler who is a manager too would need no other person, but any request that somebody opened."""
    number, id_ = opened(here), recording(here)
    ask(here, "kondo", operations.add_to_request, number, [id_])
    with pytest.raises(NotAllowed, match=f"recording {id_} was listed in request {number} by kondo"):
        ask(here, "kondo", operations.approve_request, number)
    ask(here, "tanaka", operations.approve_request, number)
    ask(here, "kondo", operations.add_to_request, number, [recording(here)])


def test_who_approved_a_request_lists_nothing_in_it(here: Clock) -> None:
    number = opened(here)
    ask(here, "kondo", operations.approve_request, number)
    with pytest.raises(
        NotAllowed, match=f"request {number} was approved by kondo: somebody else has to list"
    ):
        ask(here, "kondo", operations.add_to_request, number, [recording(here)])
    assert ask(here, "sato", operations.add_to_request, number, [recording(here)])


def test_names_of_persons() -> None:
    assert persons("callrec (sudo: tanaka)") == {"callrec", "tanaka"}
    assert persons("a-b_c.d") == {"a-b_c.d"}


def test_a_refusal_has_its_reason_and_nothing_goes_on(here: Clock) -> None:
    number, id_ = opened(here), recording(here)
    ask(here, "sato", operations.add_to_request, number, [id_])
    made = ask(here, "tanaka", operations.refuse_request, number, "照会書がない")
    assert (made.state, made.refusal, made.approved_by) == (RequestState.REFUSED, "照会書がない", None)
    assert not permitted(here, number, id_)
    tries: list[tuple[str, Operation[..., Any], tuple[Any, ...]]] = [
        ("sato", operations.add_to_request, ([id_],)),
        ("sato", operations.hand_over, ("警察", "USB")),
        ("sato", operations.return_copies, ()),
        ("tanaka", operations.approve_request, ()),
        ("tanaka", operations.close_request, ()),
    ]
    for who, wanted, arguments in tries:
        with pytest.raises(Refused, match=f"request {number} is not approved"):
            ask(here, who, wanted, number, *arguments)
    assert ask(here, "mori", operations.show_request, number).request == made


# --- reach


def test_a_request_is_seen_by_who_meets_the_reach_of_who_opened_it(here: Clock) -> None:
    ours, theirs, of_all = opened(here), opened(here, "ito"), opened(here, "kondo")
    numbers = {
        who: [each.request.number for each in ask(here, who, operations.list_requests)]
        for who in ("sato", "ito", "tanaka", "kondo", "mori")
    }
    assert numbers == {
        "sato": [ours, of_all],
        "ito": [theirs, of_all],
        "tanaka": [ours, of_all],
        "kondo": [ours, theirs, of_all],
        "mori": [ours, theirs, of_all],
    }
    for number in (theirs, "2026-0099", "x", ""):
        with pytest.raises(NotFound) as missing:
            ask(here, "sato", operations.show_request, number)
        assert type(missing.value) is NotFound and not isinstance(missing.value, OutOfSight)
        assert missing.value.template == "there is no request {number}: see callrec request list"


def test_a_number_cannot_be_guessed_by_what_is_counted(here: Clock) -> None:
    """The report of a manager counts refusals: of a request out of sight as of none."""
    theirs = opened(here, "ito")
    with here.database.begin() as connection:
        grants.grant(connection, "tanaka", Role.HANDLER, ["shiba"], by="root", at=NOW)

    def counted(reach: Reach) -> int:
        with here.database.read() as connection:
            return custody_report.refusals(connection, NOW, NOW + timedelta(seconds=1), reach)

    shiba = Reach(frozenset({"shiba"}))
    asked: list[Operation[..., Any]] = [operations.show_request, operations.approve_request]
    for wanted in asked:
        for number in (theirs, "2026-0099"):
            with pytest.raises(NotFound):
                ask(here, "tanaka", wanted, number)
    assert (counted(shiba), counted(EVERYWHERE)) == (0, 2)
    refused = [each.details for each in log(here) if each.action == "refused"]
    assert [each["request"] for each in refused] == [theirs, theirs]
    with pytest.raises(NotAllowed):
        ask(here, "ueda", operations.show_request, theirs)
    assert counted(shiba) == 1, "who lacks a role is counted for everybody"


def test_recordings_and_copies_out_of_reach_are_neither_shown_nor_counted(here: Clock) -> None:
    number, shiba, azabu = opened(here, "kondo"), recording(here), recording(here, "azabu")
    ask(here, "kondo", operations.add_to_request, number, [shiba, azabu])
    direct(here, "root", operations.approve_request, number)
    both = ask(here, "kondo", operations.hand_over, number, "警察", "USB")
    assert {each.recording_id for each in both.files} == {shiba, azabu}
    seen = ask(here, "sato", operations.show_request, number)
    assert [each.id for each in seen.recordings] == [shiba]
    assert [file.recording_id for copy in seen.copies for file in copy.files] == [shiba]
    (listed,) = ask(here, "sato", operations.list_requests)
    assert listed == seen


def test_a_handler_adds_only_what_is_in_reach(here: Clock) -> None:
    number, azabu = opened(here), recording(here, "azabu")
    with pytest.raises(NotFound, match="there is no recording or call") as missing:
        ask(here, "sato", operations.add_to_request, number, [azabu])
    assert type(missing.value) is NotFound
    assert log(here, azabu)[-1].action == "refused"
    assert ask(here, "mori", operations.show_request, number).recordings == ()


def test_approving_needs_the_reach_of_all_that_is_listed(here: Clock) -> None:
    number, shiba, azabu = opened(here, "kondo"), recording(here), recording(here, "azabu")
    ask(here, "kondo", operations.add_to_request, number, [shiba, azabu])
    with pytest.raises(NotAllowed, match="a manager for all of them"):
        ask(here, "tanaka", operations.approve_request, number)
    with here.database.begin() as connection:  # both took part in the call: either covers it
        call_id = finding.recording(connection, azabu, reach=EVERYWHERE).call_id
        connection.execute(tables.call_facilities.insert().values(call_id=call_id, facility="shiba"))
    assert ask(here, "tanaka", operations.approve_request, number).approved_for == Reach(frozenset({"shiba"}))


def test_what_is_added_after_the_approval_must_be_within_it(here: Clock) -> None:
    number, _ = usual(here)
    with here.database.begin() as connection:  # sato may do more than tanaka
        grants.grant(connection, "sato", Role.HANDLER, ["azabu"], by="root", at=NOW)
    shiba, azabu = recording(here), recording(here, "azabu")
    assert ask(here, "sato", operations.add_to_request, number, [shiba, shiba]) == [shiba]
    with pytest.raises(NotAllowed, match="open another request"):
        ask(here, "sato", operations.add_to_request, number, [azabu])
    assert permitted(here, number, shiba) and not permitted(here, number, azabu)


@pytest.mark.parametrize(
    ("who", "wanted", "arguments"),
    [
        ("sato", operations.approve_request, ()),
        ("sato", operations.refuse_request, ("x",)),
        ("mori", operations.open_request, ("x",)),
        ("mori", operations.add_to_request, (["x"],)),
        ("mori", operations.return_copies, ()),
        ("mori", operations.destroyed_copies, ()),
        ("mori", operations.close_request, ()),
        ("mori", operations.approve_request, ()),
        ("mori", operations.hand_over, ("x", "y")),
        ("ueda", operations.show_request, ()),
        ("nobody", operations.show_request, ()),
    ],
)
def test_who_has_no_role_for_it_is_refused(
    here: Clock, who: str, wanted: Operation[..., Any], arguments: tuple[Any, ...]
) -> None:
    number, _ = usual(here)
    with pytest.raises(NotAllowed):
        ask(here, who, wanted, number, *arguments)
    assert (log(here)[-1].action, log(here)[-1].who) == ("refused", who)


def test_whoever_decides_may_do_the_rest_and_whoever_handles_may_close(here: Clock) -> None:
    number, id_ = opened(here), recording(here)
    assert ask(here, "tanaka", operations.add_to_request, number, [id_]) == [id_]
    ask(here, "kondo", operations.approve_request, number)
    copy = ask(here, "tanaka", operations.hand_over, number, "三田警察署", "CD-R")
    (back,) = ask(here, "tanaka", operations.return_copies, number)
    assert back.id == copy.id
    assert ask(here, "sato", operations.close_request, number).state is RequestState.CLOSED


# --- copies


def test_what_was_not_fetched_counts_as_the_file_in_the_archive(here: Clock) -> None:
    number, id_ = usual(here)
    with here.database.begin() as connection:
        connection.execute(tables.recordings.update().values(sha256="cd" * 32))
    fetched(here, id_, "2026-0777", "ee" * 32)
    (file,) = ask(here, "sato", operations.hand_over, number, "警察", "USB").files
    assert (file.sha256, file.format, file.clip) == ("cd" * 32, "flac", "")
    fetched(here, id_, " ２０２６ー０００１ ", "ab" * 32)
    fetched(here, id_, number, "ab" * 32)
    fetched(here, id_, number, "ac" * 32, "wav")
    again = ask(here, "sato", operations.hand_over, number, "検察庁", "DVD-R").files
    assert [each.sha256 for each in again] == ["ab" * 32, "ac" * 32]


def test_nothing_listed_or_nothing_there_is_not_handed_over(here: Clock) -> None:
    number = opened(here)
    with pytest.raises(Refused, match="not decided yet"):
        ask(here, "sato", operations.hand_over, number, "警察", "USB")
    ask(here, "tanaka", operations.approve_request, number)
    with pytest.raises(Refused, match="lists no recording"):
        ask(here, "sato", operations.hand_over, number, "警察", "USB")
    ask(here, "sato", operations.add_to_request, number, [recording(here)])
    with here.database.begin() as connection:
        connection.execute(tables.recordings.update().values(state="destroyed", destroyed_at=NOW))
    with pytest.raises(Refused, match="lists no recording"):
        ask(here, "sato", operations.hand_over, number, "警察", "USB")
    with pytest.raises(NotFound, match="was destroyed"):
        (shown,) = ask(here, "mori", operations.show_request, number).recordings
        ask(here, "sato", operations.add_to_request, number, [shown.id])


def test_copies_end_one_by_one_or_all_at_once(here: Clock) -> None:
    number, _ = usual(here)
    first, second, third = (
        ask(here, "sato", operations.hand_over, number, "警察", f"USB {n}") for n in range(3)
    )
    for wrong in ("", "x", "00000000"):
        with pytest.raises(NotFound, match="is out"):
            ask(here, "sato", operations.return_copies, number, wrong)
    with pytest.raises(WrongUsage, match="fits several copies"):
        ask(here, "sato", operations.return_copies, number, first.id[:1])
    assert [each.id for each in ask(here, "sato", operations.return_copies, number, second.id)] == [second.id]
    with pytest.raises(NotFound):
        ask(here, "sato", operations.destroyed_copies, number, second.id)
    found = ask(here, "sato", operations.show_request, number)
    assert found.request.state is RequestState.HANDED_OVER
    ended = ask(here, "sato", operations.destroyed_copies, number)
    assert [(each.id, each.outcome) for each in ended] == [
        (first.id, CopyOutcome.DESTROYED),
        (third.id, CopyOutcome.DESTROYED),
    ]
    assert ask(here, "sato", operations.show_request, number).request.state is RequestState.RETURNED


def test_a_copy_that_is_given_for_good_is_never_missed(here: Clock) -> None:
    number, id_ = opened(here, due=TODAY), recording(here)
    ask(here, "sato", operations.add_to_request, number, [id_])
    ask(here, "tanaka", operations.approve_request, number)
    copy = ask(here, "sato", operations.hand_over, number, "本人", "CD-R", for_good=True)
    assert (copy.outcome, copy.ended_by, copy.ended_at) == (CopyOutcome.GIVEN, "sato", copy.handed_at)
    assert log(here, id_)[-1].details["for_good"] is True
    here.moment = NOW + timedelta(days=2)
    assert ask(here, "mori", operations.list_requests, True) == []
    with pytest.raises(NotFound, match="is out"):
        ask(here, "sato", operations.return_copies, number)
    assert ask(here, "sato", operations.show_request, number).request.state is RequestState.HANDED_OVER
    assert permitted(here, number, id_)
    lent = ask(here, "sato", operations.hand_over, number, "警察", "USB")
    with pytest.raises(Refused, match=lent.id) as refused:
        ask(here, "tanaka", operations.close_request, number)
    assert copy.id not in str(refused.value)
    (back,) = ask(here, "sato", operations.return_copies, number)
    assert back.id == lent.id
    (given, _) = ask(here, "sato", operations.show_request, number).copies
    assert given == copy


@pytest.mark.parametrize("for_good", [False, True])
def test_a_hand_over_that_was_a_mistake_is_withdrawn_and_written_anew(here: Clock, for_good: bool) -> None:
    """Wrongly for good or not: neither is there a way to say so by what came back."""
    number, id_ = usual(here)
    wrong = ask(here, "sato", operations.hand_over, number, "本人", "CD-R", for_good=for_good)
    here.moment = NOW + timedelta(hours=1)
    ask(here, "sato", operations.withdraw_copy, number, wrong.id[:13], "--for-good を誤った")
    right = ask(here, "sato", operations.hand_over, number, "本人", "CD-R", for_good=not for_good)
    found = ask(here, "mori", operations.show_request, number)
    (first, second) = found.copies
    assert second == right and found.request.state is RequestState.HANDED_OVER
    assert (first.to_whom, first.files, first.handed_at) == (wrong.to_whom, wrong.files, NOW)
    assert (first.outcome, first.ended_by, first.ended_at) == (CopyOutcome.MISTAKEN, "sato", here.moment)
    assert [each.action for each in log(here, id_)][1:] == ["handed-over", "copy-mistaken", "handed-over"]
    assert log(here, id_)[2].details["reason"] == "--for-good を誤った"
    assert log(here, id_)[2].details["copy"] == wrong.id
    if not for_good:
        assert ask(here, "tanaka", operations.close_request, number).state is RequestState.CLOSED
    else:
        assert ask(here, "sato", operations.return_copies, number)[0].id == right.id


def test_only_what_stands_can_be_withdrawn(here: Clock) -> None:
    number, _ = usual(here)
    with pytest.raises(Refused, match="there is no hand-over to withdraw"):
        ask(here, "sato", operations.withdraw_copy, number, "01a20000-0000", "x")
    back, wrong = (ask(here, "sato", operations.hand_over, number, "警察", f"USB {n}") for n in range(2))
    ask(here, "sato", operations.return_copies, number, back.id)
    ask(here, "sato", operations.withdraw_copy, number, wrong.id, "x")
    for copy in (back.id, wrong.id, "", "x"):
        with pytest.raises(NotFound, match="is out"):
            ask(here, "sato", operations.withdraw_copy, number, copy, "x")
    with pytest.raises(WrongUsage, match="--reason"):
        ask(here, "sato", operations.withdraw_copy, number, wrong.id, " ")


def test_a_request_of_which_all_was_given_for_good_can_be_closed(here: Clock) -> None:
    number, id_ = usual(here)
    ask(here, "sato", operations.hand_over, number, "本人", "CD-R", for_good=True)
    assert ask(here, "tanaka", operations.close_request, number).state is RequestState.CLOSED
    assert not permitted(here, number, id_)


def test_what_is_over_is_not_closed_again(here: Clock) -> None:
    number, _ = usual(here)
    ask(here, "tanaka", operations.close_request, number)
    with pytest.raises(Refused, match=f"request {number} is closed: there is nothing left to close"):
        ask(here, "tanaka", operations.close_request, number)


def test_a_copy_still_out_after_the_day_is_overdue(here: Clock) -> None:
    number, id_ = opened(here, due=TODAY), recording(here)
    ask(here, "sato", operations.add_to_request, number, [id_])
    ask(here, "tanaka", operations.approve_request, number)
    ask(here, "sato", operations.hand_over, number, "警察", "USB")

    def late(reach: Reach = EVERYWHERE) -> list[str]:
        with here.database.read() as connection:
            at = here.now.astimezone(here.settings.office.zone)
            told = concerns(connection, at, reach)
            found = [each.number for each in overdue(connection, at.date(), reach)]
        assert [each.values["number"] for each in told if "number" in each.values] == found
        if reach == EVERYWHERE:
            listed = ask(here, "mori", operations.list_requests, True)
            assert [each.request.number for each in listed] == found
        return found

    assert late() == []
    here.moment = NOW + timedelta(hours=12, seconds=1)  # the day is over in Tokyo, and not in UTC
    assert late() == [number] and late(Reach(frozenset({"azabu"}))) == []
    ask(here, "sato", operations.return_copies, number)
    assert late() == []


# --- bad input


@pytest.mark.parametrize(
    "changes",
    [
        {"for_whom": ""},
        {"for_whom": "　 "},
        {"for_whom": "a" * 201},
        {"for_whom": "a\nb"},
        {"for_whom": "a\x1b[31m"},
        {"for_whom": "a\u202eb"},
        {"for_whom": "\0"},
        {"for_whom": "\udc8e"},
        {"ground": "a" * 2001},
        {"ground": "a\tb"},
        {"due": TODAY - timedelta(days=1)},
    ],
)
def test_what_cannot_be_written_down_is_wrong_usage(here: Clock, changes: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage) as wrong:
        opened(here, **changes)
    assert wrong.value.exit_code == 2 and len(str(wrong.value)) < 200
    assert ask(here, "mori", operations.list_requests) == []


def test_the_longest_that_can_be_written_down(here: Clock) -> None:
    number = opened(here, for_whom="警" * 200, ground="法" * 2000, due=date.max)
    assert ask(here, "mori", operations.show_request, number).request.due == date.max


@pytest.mark.parametrize("number", ["", "0001", "2026-0099", "\0", "%", "2026-%", "9" * 999, "'; --"])
def test_a_number_that_is_none_is_not_found_by_any_step(here: Clock, number: str) -> None:
    opened(here)
    tries: list[tuple[str, Operation[..., Any], tuple[Any, ...]]] = [
        ("mori", operations.show_request, ()),
        ("tanaka", operations.approve_request, ()),
        ("tanaka", operations.refuse_request, ("why",)),
        ("tanaka", operations.close_request, ()),
        ("sato", operations.add_to_request, (["x"],)),
        ("sato", operations.hand_over, ("x", "y")),
        ("sato", operations.return_copies, ()),
    ]
    for who, wanted, arguments in tries:
        with pytest.raises(NotFound, match="there is no request"):
            ask(here, who, wanted, number, *arguments)


def test_a_step_that_fails_changes_nothing(here: Clock) -> None:
    number, id_ = usual(here)
    before = ask(here, "mori", operations.show_request, number)
    with pytest.raises(CallrecError):
        ask(here, "sato", operations.add_to_request, number, [recording(here), "00000000"])
    assert ask(here, "mori", operations.show_request, number) == before
    assert isinstance(before.request, Request) and replace(before) == before
    assert [each.id for each in before.recordings] == [id_]


def test_a_request_comes_through_the_socket_as_it_is(here: Clock) -> None:
    number, _ = usual(here)
    ask(here, "sato", operations.hand_over, number, "警察", "USB")
    shown = ask(here, "mori", operations.show_request, number)
    line = wire.value_line(operations.show_request, shown)
    assert wire.read_line(operations.show_request, line) == shown
    asked = wire.arguments(operations.open_request, (RequestKind.COURT, "裁判所", "", TODAY), {})
    given = wire.read_arguments(operations.open_request, asked)
    assert given == {"kind": RequestKind.COURT, "for_whom": "裁判所", "ground": "", "due": TODAY}


def test_the_facilities_of_an_approval_have_names(here: Clock) -> None:
    number, _ = usual(here)
    assert ask(here, "mori", operations.show_request, number).approved_for == ("shiba",)
    with here.database.begin() as connection:
        new = Facility("shiba", "芝地区総合支所")
        facilities.add_facility(connection, new, who="root", at=NOW)
    assert ask(here, "mori", operations.show_request, number).approved_for == ("芝地区総合支所",)
    everywhere = opened(here, "kondo")
    direct(here, "root", operations.approve_request, everywhere)
    assert ask(here, "mori", operations.show_request, everywhere).approved_for is None
