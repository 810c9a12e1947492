"""callrec purge, as a person or a timer runs it; the bucket is one in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import rebuilding
from callrec.catalogue.columns import Id
from callrec.catalogue.database import Database
from callrec.catalogue.locks import one_purge
from callrec.errors import StoreUnreachable
from callrec.evidence import statements as evidence
from tests.unit.lifecycle.bucket import Bucket, Tombs, archived, row
from tests.unit.program import Done, table

KEYS = ["id", "facility", "rule", "version", "ended_at", "retain_until", "outcome"]


@pytest.fixture
def place(
    office: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """An office whose purge has keys, and a bucket."""
    bucket = Bucket(now=datetime.now(UTC))
    database = Database(f"sqlite:///{tmp_path}/c.db")
    monkeypatch.setattr(App, "destruction_store", bucket)
    monkeypatch.setattr(evidence, "BucketTombstones", lambda *_: Tombs(database, bucket))
    monkeypatch.setenv("CALLREC_DESTRUCTION__ACCESS_KEY", "purge")
    monkeypatch.setenv("CALLREC_DESTRUCTION__SECRET_KEY", "secret")
    yield SimpleNamespace(run=office, bucket=bucket, database=database)
    database.close()


def _outcomes(done: Done) -> dict[str, str]:
    rows: list[dict[str, Any]] = json.loads(done.out)
    assert all(list(each) == KEYS for each in rows)
    return {each["id"]: each["outcome"] for each in rows}


def _over() -> dict[str, Any]:
    return {"retain_until": datetime.now(UTC) - timedelta(hours=1)}


def test_a_dry_run_shows_and_destroys_nothing(place: SimpleNamespace) -> None:
    first, second = (
        archived(place.database, place.bucket, **_over()),
        archived(place.database, place.bucket, **_over(), hold=True),
    )
    done = place.run("purge", "--dry-run", "--json")
    assert (done.code, done.err) == (0, "")
    assert _outcomes(done) == {first: "would-destroy", second: "held"}
    shown = place.run("purge", "--dry-run")
    assert shown.code == 0 and "1@1" in shown.out and "would be destroyed" in shown.out
    counts = shown.out.splitlines()
    assert "recordings" in counts[0] and first not in counts[2]
    assert len(place.bucket.left) == 4 and row(place.database, first).state == "archived"


def test_a_real_run_prints_the_same_with_what_came_of_it(place: SimpleNamespace) -> None:
    first, second = (
        archived(place.database, place.bucket, **_over()),
        archived(place.database, place.bucket, **_over(), hold=True),
    )
    done = place.run("purge", "--json")
    assert (done.code, done.err) == (0, "") and _outcomes(done) == {first: "destroyed", second: "held"}
    assert len(place.bucket.left) == 2 and row(place.database, first).state == "destroyed"
    (gone,) = (line for line in place.run("search").out.splitlines() if "destroyed" in line)
    assert gone.startswith(first)
    (left,) = table(place.run("purge", "--csv").out)
    assert list(left) == KEYS and (left["id"], left["outcome"]) == (second, "held")


def test_nothing_to_do_is_no_failure(place: SimpleNamespace) -> None:
    done = place.run("purge")
    assert (done.code, done.out, done.err.strip()) == (0, "", "nothing is past its time")
    assert place.run("purge", "--json").out.strip() == "[]"


def test_without_keys_it_is_a_dry_run_that_says_so(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CALLREC_DESTRUCTION__ACCESS_KEY")
    monkeypatch.delenv("CALLREC_DESTRUCTION__SECRET_KEY")
    id_ = archived(place.database, place.bucket, **_over())
    done = place.run("purge", "--json")
    assert done.code == 0 and _outcomes(done) == {id_: "would-destroy"}
    assert "destruction.access_key" in done.complaint and len(place.bucket.left) == 2


def test_what_could_not_go_is_exit_code_1(place: SimpleNamespace) -> None:
    place.bucket.lies = True
    id_ = archived(place.database, place.bucket, **_over())
    done = place.run("purge", "--json")
    assert done.code == 1 and _outcomes(done) == {id_: "failed"} and "callrec status" in done.complaint
    assert "still has it" in place.run("purge").out


@pytest.mark.parametrize("away", [False, True])
def test_a_refusal_destroys_nothing(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    archived(place.database, place.bucket, **_over())
    place.bucket.now, place.bucket.away = datetime.now(UTC) - timedelta(days=2), away
    done = place.run("purge", "--yes-all")
    assert done.code == (3 if away else 4) and done.out == "" and done.complaint
    assert len(place.bucket.left) == 2


def test_more_than_at_most_goes_only_when_told(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESTRUCTION__AT_MOST", "1")
    for _ in range(2):
        archived(place.database, place.bucket, **_over())
    shown, refused = place.run("purge", "--dry-run", "--json"), place.run("purge")
    assert shown.code == 0 and "--yes-all" in shown.complaint
    assert refused.code == 4 and "2 recordings would be destroyed, of 2" in refused.complaint
    assert len(place.bucket.left) == 4
    assert place.run("purge", "--yes-all").code == 0 and not place.bucket.left


def test_another_purge_at_work_is_a_refusal(place: SimpleNamespace) -> None:
    with one_purge(place.database):
        assert place.run("purge").code == 4
        assert place.run("purge", "--dry-run").code == 0


def test_what_was_done_is_printed_before_a_part_failed(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (archived(place.database, place.bucket, **_over()) for _ in range(2))

    def away(key: str) -> None:
        if key.endswith(".manifest.json"):
            monkeypatch.setattr(place.bucket, "versions", _gone)

    def _gone(key: str) -> None:
        if second in key:
            raise StoreUnreachable("the store is away")

    place.bucket.after = away
    done = place.run("purge", "--json")
    assert done.code == 3 and _outcomes(done) == {first: "destroyed"}
    again = place.run("purge")
    assert again.code == 3 and "the store is away" in again.complaint


def test_numbers_go_and_their_count_is_told(place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_RETENTION__CALL_ROWS_DAYS", "1")
    long_ago = datetime.now(UTC) - timedelta(days=2)
    archived(place.database, place.bucket, **_over(), call={"started_at": long_ago, "ended_at": long_ago})
    assert "out of" not in place.run("purge", "--dry-run").out  # its recording is there yet
    done = place.run("purge")
    assert done.code == 0 and "numbers and names were taken out of 1 calls" in done.out
    archived(place.database, place.bucket, state="destroyed", call={"ended_at": long_ago})
    shown = place.run("purge", "--dry-run", "--json")
    assert shown.out.strip() == "[]" and "would be taken out of 1 calls" in shown.err


def test_a_damaged_row_is_named_and_keeps_no_other_from_going(place: SimpleNamespace) -> None:
    damaged, other = (archived(place.database, place.bucket, **_over()) for _ in range(2))
    with place.database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE recordings SET retained_because = 'x' WHERE id = ?", (Id.to_bytes(damaged),)
        )
    for more, outcome in (["--dry-run"], "would-destroy"), ([], "destroyed"):
        done = place.run("purge", "--json", *more)
        assert _outcomes(done) == {other: outcome}
        assert done.code == 5 and f"row {damaged} of table recordings" in done.complaint
    assert all(damaged in key for key in place.bucket.left) and len(place.bucket.left) == 2


def test_a_catalogue_that_lacks_what_the_bucket_says_destroys_nothing(place: SimpleNamespace) -> None:
    """Put back from a backup, it does not know who has held what since."""
    first = archived(place.database, place.bucket, **_over())
    with place.database.begin() as connection:
        rebuilding.go_on_after(connection, "", datetime.now(UTC))
    done = place.run("purge")
    assert done.code == 4 and "callrec catalogue rebuild to its end first" in done.complaint
    with place.database.begin() as connection:
        rebuilding.ended(connection)
    assert _outcomes(place.run("purge", "--json")) == {first: "destroyed"}
