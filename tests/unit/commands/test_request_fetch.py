"""Recordings are fetched under a request, and what was fetched is what was handed over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec import account
from callrec.app import App
from callrec.catalogue import custody
from tests.unit.bench import Bench, BenchAfter, archive_a_second, believe
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID

Office = Callable[..., Done]
WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")


@pytest.fixture
def office(
    run: Office,
    bench_after: BenchAfter,
    tmp_path: Path,
    empty_office: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """The program on the bench's database, spool and store, in which there is a recording."""
    bench = bench_after(archive_a_second)
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    believe(tmp_path / "evidence")
    monkeypatch.setattr(App, "store", bench.store)
    monkeypatch.setattr(account, "acting", lambda: "sato")
    return run


def test_under_a_request_what_was_fetched_is_handed_over(
    office: Office, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESK__REQUESTS", "required")
    refused = office("fetch", RECORDING_ID)
    assert refused.code == 4 and "--request" in refused.complaint
    number = office("request", "open", "--kind", "police", "--for", "三田警察署", "--quiet").out.strip()
    fetching = ("fetch", RECORDING_ID, "--format", "wav", "-o", "out", "--request", number)
    said = [office(*fetching)]
    office("request", "add", number, RECORDING_ID)
    said.append(office(*fetching))
    assert [each.code for each in said] == [4, 4] and not (tmp_path / "out").exists()
    assert [each.complaint for each in said] == [
        f"callrec: request {number} is not decided yet: under it nothing can be heard or given out"
    ] * 2
    monkeypatch.setattr(account, "acting", lambda: "tanaka")
    assert office("request", "approve", number).code == 0
    assert office(*fetching[:-1], f"「{number}」".translate(WIDE)).code == 0
    given = tmp_path / "out" / f"{RECORDING_ID}.wav"
    assert office("request", "hand-over", number, "--to", "刑事課", "--medium", "DVD-R").code == 0
    (copy,) = json.loads(office("request", "show", number, "--json").out)["copies"]
    (file,) = copy["files"]
    assert (file["format"], file["sha256"]) == ("wav", hashlib.sha256(given.read_bytes()).hexdigest())
    assert office(*fetching).code == 0
    assert office("request", "destroyed", number).code == office("request", "close", number).code == 0
    closed = office(*fetching)
    assert closed.code == 4 and "is closed" in closed.complaint
    with bench.database.read() as connection:
        entries = custody.of(connection, RECORDING_ID)
    fetches = [each for each in entries if each.action == "fetched"]
    refusals = [each.details for each in entries if each.action == "refused"]
    assert [each["command"] for each in refusals] == ["fetch"] * 4
    assert [each.get("request") for each in refusals] == [None, number, number, number]
    assert [each.details["request"] for each in fetches] == [number] * 2


def test_where_a_request_is_optional_one_that_is_given_is_checked(office: Office) -> None:
    assert office("fetch", RECORDING_ID).code == 0
    missing = office("fetch", RECORDING_ID, "--request", "2026-0007")
    assert missing.code == 4 and "there is no request 2026-0007" in missing.complaint
