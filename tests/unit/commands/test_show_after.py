"""callrec show: what people did about a call when it was over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.catalogue import holds, notes, requests
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.requests import RequestKind
from tests.unit.bench import Bench
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, RECORDING_ID, START

SHIBA, AZABU = Reach(frozenset({"shiba"})), Reach(frozenset({"azabu"}))


@pytest.fixture
def worked(
    bench: Bench, office: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """An office with a recording that has a note, two holds, and two requests, each of another facility."""
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    _work(bench.database)
    monkeypatch.setenv("CALLREC_CATALOGUE__URL", f"sqlite:///{tmp_path}/catalogue.db")
    return office


def _work(database: Database) -> None:
    with database.begin() as connection:
        notes.add(connection, CALL_ID, "窓口で怒鳴られた", who="sato", at=START)
        for reason, request in (("police", "2026-0001"), ("claim", None)):
            holds.add(connection, RECORDING_ID, reason, request, who="tanaka", at=START)
        (first, _) = holds.of_recording(connection, RECORDING_ID)
        holds.release(connection, RECORDING_ID, [first], "no longer", who="suzuki", at=START)
        for reach in (SHIBA, AZABU):
            made = requests.open_(
                connection, RequestKind.POLICE, for_whom="x", ground="", due=None,
                reach=reach, by="sato", at=START, year=2026,
            )  # fmt: skip
            requests.add(connection, made.number, RECORDING_ID, by="sato", at=START)


def test_what_people_did_is_shown(worked: Callable[..., Done]) -> None:
    lines = worked("show", RECORDING_ID).out.splitlines()
    when = "2026-11-22 10:00:00"
    for line in (
        f"note: {when}  窓口で怒鳴られた  (sato)",
        f"legal hold: {when}  police  (tanaka, 2026-0001); released {when}  no longer  (suzuki)",
        f"legal hold: {when}  claim  (tanaka)",
        "requests: 2026-0001, 2026-0002",
    ):
        assert line in lines
    found = json.loads(worked("show", CALL_ID, "--json").out)
    assert [(each["who"], each["text"]) for each in found["notes"]] == [("sato", "窓口で怒鳴られた")]
    assert [(each["reason"], each["released_by"]) for each in found["holds"]] == [
        ("police", "suzuki"),
        ("claim", None),
    ]
    assert found["requests"] == ["2026-0001", "2026-0002"]


def test_requests_are_those_within_reach(bench: Bench, worked: Callable[..., Done]) -> None:
    with bench.database.read() as connection:
        for reach, expected in ((SHIBA, ["2026-0001"]), (AZABU, ["2026-0002"]), (Reach(frozenset()), [])):
            assert requests.numbers_of(connection, RECORDING_ID, reach=reach) == expected
        assert len(requests.numbers_of(connection, RECORDING_ID, reach=EVERYWHERE)) == 2
