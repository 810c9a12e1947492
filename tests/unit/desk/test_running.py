"""Answers that are on their way end when who asked may have them no longer, and the custody log says how far
they came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import calls, custody, grants, requests
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.desk import operation
from callrec.desk.client import RemoteDesk
from callrec.desk.download import CHUNK, Download, Terms
from callrec.desk.operation import Operation, Session, perform
from callrec.desk.operations import giving
from callrec.errors import NotAllowed
from callrec.model.access import Caller, Role, Through
from callrec.model.requests import RequestState
from callrec.settings import CatalogueSettings, EvidenceSettings, Settings
from tests.unit.bench import BenchAfter, archive_one, believe
from tests.unit.desk.raw import ME, Sized, give_roles, offered
from tests.unit.desk.server_thread import serving
from tests.unit.kept_recording import request
from tests.unit.samples import RECORDING_ID, START

SATO = Caller("sato", frozenset(), Through.DESK)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each piece it is looked."""
    monkeypatch.setattr(operation, "CHECK_SECONDS", 0)


@pytest.fixture
def desk(bench_after: BenchAfter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An app on the database of the bench, with a recording of ten seconds in its archive."""
    bench = bench_after(archive_one)
    believe(tmp_path / "evidence")
    made = App(
        Settings(
            catalogue=CatalogueSettings(url=f"sqlite:///{bench.database.file}"),
            evidence=EvidenceSettings(keys=tmp_path / "evidence"),
        )
    )
    monkeypatch.setattr(App, "store", bench.store)
    yield made
    made.close()


def _give(app: App, role: Role, *codes: str, who: str = "sato") -> None:
    with app.database.begin() as connection:
        grants.grant(connection, who, role, codes, by="test", at=app.now)


def _take(app: App, role: Role, *codes: str, who: str = "sato") -> None:
    with app.database.begin() as connection:
        grants.revoke(connection, who, role, codes, by="test", at=app.now)


def _last(app: App, recording_id: str = RECORDING_ID) -> Entry:
    with app.database.read() as connection:
        return custody.of(connection, recording_id)[-1]


def _kept(app: App) -> ArchivedRecording:
    with app.database.read() as connection:
        found = calls.find_recording(connection, RECORDING_ID)
    assert found
    return found


def test_a_role_that_is_revoked_ends_what_is_being_heard(desk: App) -> None:
    _give(desk, Role.HANDLER, "shiba")
    with perform(giving.play, desk, SATO, RECORDING_ID, 2.0) as sound:
        pieces = iter(sound)
        sent = len(next(pieces))
        _take(desk, Role.HANDLER)
        with pytest.raises(NotAllowed, match="it needs the role handler"):
            next(pieces)
    refused, bytes_per_s = _last(desk), sound.about.size / (_kept(desk).duration_s - 2)
    assert (refused.action, refused.who) == ("refused", "sato")
    assert refused.details["command"] == "play"
    assert refused.details["sent"] == f"{2 + sent / bytes_per_s:.0f}s" == "3s"


def test_a_facility_that_is_taken_away_ends_it_too(desk: App) -> None:
    _give(desk, Role.HANDLER, "shiba", "azabu")
    with perform(giving.fetch, desk, SATO, RECORDING_ID, "wav") as file:
        pieces = iter(file)
        next(pieces)
        _give(desk, Role.HANDLER, "akasaka")
        next(pieces)
        _take(desk, Role.HANDLER, "shiba")
        with pytest.raises(NotAllowed, match="sato has lost a role meanwhile"):
            next(pieces)
    assert _last(desk).details["sent"] == f"{100 * 2 * CHUNK // file.about.size}%"


@pytest.mark.parametrize("through", [Through.DESK, Through.DIRECT])
def test_a_request_that_is_closed_ends_what_is_heard_under_it(desk: App, through: Through) -> None:
    desk.settings = desk.settings.model_copy(
        update={"desk": desk.settings.desk.model_copy(update={"requests": "required"})}
    )
    _give(desk, Role.HANDLER)
    number = request(desk.database, desk.now)
    with desk.database.begin() as connection:
        requests.add(connection, number, RECORDING_ID, by="suzuki", at=START)
        decided = {"decided_by": "tanaka", "decided_at": START}
        requests.change(connection, number, RequestState.APPROVED, **decided)
    caller = replace(SATO, through=through)
    with perform(giving.play, desk, caller, RECORDING_ID, request=number) as sound:
        pieces = iter(sound)
        next(pieces)
        with desk.database.begin() as connection:
            requests.change(connection, number, RequestState.CLOSED)
        with pytest.raises(NotAllowed, match="is closed: under it nothing can be heard"):
            next(pieces)
    said = _last(desk).details
    assert (said["request"], said["sent"], said["through"]) == (number, "1s", through)


def test_what_is_still_allowed_comes_whole(desk: App) -> None:
    _give(desk, Role.HANDLER, "shiba")
    with perform(giving.play, desk, SATO, RECORDING_ID) as sound:
        assert sum(map(len, sound)) == sound.about.size
    assert _last(desk).action == "heard"


def counted(session: Session, /, to: int) -> Iterator[int]:
    yield from range(to)


def given_file(session: Session, /, size: int) -> Download[Sized]:
    data = bytes(size)
    terms = Terms("r-1", lambda session: None, str)
    return Download(Sized(size, hashlib.sha256(data).hexdigest()), BytesIO(data), terms)


@pytest.mark.parametrize(("function", "much"), [(counted, 1_000_000), (given_file, 10_000_000)])
def test_who_asks_the_desk_is_told_why_it_ends(
    desk: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Any, much: int
) -> None:
    wanted: Operation[..., Any] = offered(monkeypatch, function)
    give_roles(desk, Role.HANDLER)
    with serving(desk, tmp_path / "desk.sock") as socket:
        answer = RemoteDesk(socket).do(wanted, much)
        came = iter(answer)
        next(came)
        _take(desk, Role.HANDLER, who=ME)
        with pytest.raises(NotAllowed, match="may not use callrec test"):
            for _ in came:
                pass
        answer.close()
    refused = _last(desk, "r-1" if function is given_file else "")
    assert refused.action == "refused" and refused.who == ME
    assert function is counted or CHUNK <= int(refused.details["sent"]) < much
