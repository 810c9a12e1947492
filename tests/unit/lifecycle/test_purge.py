"""Destruction in steps: ended at any of them, stopped by holds and locks; a store that refuses or lies."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec.archive.store import StoredVersion
from callrec.catalogue import custody, destructions, statements, tables
from callrec.catalogue.database import Database
from callrec.errors import CheckFailed, EvidenceBroken, Refused, StoreUnreachable, WrongConfiguration
from callrec.lifecycle.concerns import concerns
from callrec.lifecycle.destruction import Outcome
from callrec.lifecycle.purge import require_done
from callrec.model.access import EVERYWHERE, Reach
from tests.unit.lifecycle.bucket import (
    NOW,
    WHO,
    Bucket,
    Killed,
    KilledDatabase,
    Steps,
    archived,
    intent,
    purge,
    row,
    run,
    told,
)

HOLD = {"at": NOW, "who": "kanri", "reason": "court"}


def _problems(database: Database, reach: Reach = EVERYWHERE) -> list[str]:
    with database.read() as connection:
        return [str(each) for each in concerns(connection, NOW, reach)]


def _change(database: Database, id_: str, **values: Any) -> None:
    with database.begin() as connection:
        changed = tables.recordings.update().where(tables.recordings.c.id == id_)
        connection.execute(changed.values(**values))


def test_all_of_it_goes_and_what_stays_says_so(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    kept = archived(database, bucket, retain_until=NOW + timedelta(seconds=1))
    (verdict,) = run(database, bucket)
    assert verdict.outcome is Outcome.DESTROYED and verdict.recording.id == id_
    found = row(database, id_)
    assert (found.state, found.destroyed_at, found.silences) == ("destroyed", NOW, None)
    assert all(kept in key for key in bucket.left) and len(bucket.left) == 2
    assert row(database, kept).state == "archived" and intent(database, kept) is None
    assert bucket.removed == [found.key, found.key, found.key.replace(".flac", ".manifest.json")]
    with database.read() as connection:
        begun, destroyed = custody.of(connection, id_)
        assert custody.broken_at(connection) is None
    assert (begun.action, destroyed.action) == ("destruction-begun", "destroyed")
    assert destroyed.who == WHO and destroyed.details == {
        "rule": 1,
        "version": 1,
        "because": "rule",
        "retain_until": found.retain_until.isoformat(),
        "sha256": "a" * 64,
        "manifest_sha256": "b" * 64,
        "key": found.key,
        "role": "",
        "through": "direct",
        "statement": destroyed.details["statement"],
    }
    assert list(bucket.stated.values()) == ["destruction-begun", "destroyed"]
    assert run(database, bucket) == [] and told(database, id_) == ["destruction-begun", "destroyed"]


def _beside(database: Database, bucket: Bucket, id_: str, **protection: Any) -> list[str]:
    """What was said of a recording, and a copy of it with parts covered."""
    base = row(database, id_).key.removesuffix(".flac")
    keys = [f"{base}.redacted/1.flac", f"{base}.statements/1.json"]
    bucket.there |= {key: [StoredVersion("1", **protection)] for key in keys}
    return keys


def test_what_lies_beside_goes_after_the_sound_and_before_the_manifest(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    beside, found = _beside(database, bucket, id_), row(database, id_)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED] and not bucket.left
    assert bucket.removed == [found.key, found.key, *beside, found.key.replace(".flac", ".manifest.json")]
    assert list(bucket.stated.values()) == ["destruction-begun", "destroyed"]


def test_what_was_said_of_late_is_locked_and_keeps_all_without_being_a_problem(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket, retain_until=NOW - timedelta(hours=1))
    _beside(database, bucket, id_, retain_until=NOW + timedelta(hours=1))
    (verdict,) = run(database, bucket)
    assert verdict.outcome is Outcome.LOCKED and len(bucket.left) == 4 and _problems(database) == []
    require_done([verdict])
    assert intent(database, id_) is None, "somebody may still hold it"
    assert told(database, id_) == ["destruction-begun", "destruction-withdrawn"]
    later = NOW + timedelta(hours=2)
    assert [each.outcome for each in run(database, bucket, later)] == [Outcome.DESTROYED] and not bucket.left


def test_nothing_is_deleted_before_the_bucket_says_why(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    work = purge(database, bucket)
    work._tombstones.away = True  # type: ignore[attr-defined]
    with pytest.raises(WrongConfiguration):
        list(work.destroy(work.verdicts()))
    assert len(bucket.left) == 2 and not bucket.removed and row(database, id_).state == "archived"
    with database.read() as connection:
        assert destructions.is_stopped(connection, id_), "somebody may still hold it"
    assert "the signing key" in _problems(database)[0]
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED]


def test_one_that_the_bucket_cannot_be_told_to_be_destroyed_keeps_no_other(database: Database) -> None:
    """What is to be said of it waits for the controller."""
    bucket = Bucket()
    ids = {archived(database, bucket), archived(database, bucket)}
    work = purge(database, bucket)
    put = work._tombstones.put

    def refuses(id_: str) -> None:
        if row(database, id_).state == "destroyed":
            raise EvidenceBroken("{key} reads back different from what was put", key=id_)
        put(id_)

    work._tombstones.put = refuses  # type: ignore[method-assign, assignment]
    found = list(work.destroy(work.verdicts()))
    assert [each.outcome for each in found] == [Outcome.DESTROYED] * 2
    assert {row(database, id_).state for id_ in ids} == {"destroyed"}
    with database.read() as connection:
        assert [each.action for each in statements.waiting(connection)] == ["destroyed"] * 2


def test_what_is_put_beside_meanwhile_is_told_of_and_goes_with_the_next_run(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)

    def put(key: str) -> None:
        if key.endswith(".manifest.json"):
            _beside(database, bucket, id_)

    bucket.after = put
    assert [each.outcome for each in run(database, bucket)] == [Outcome.FAILED]
    (problem,) = _problems(database)
    assert "put beside it" in problem and row(database, id_).state == "archived"
    bucket.after = lambda key: None
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED] and not bucket.left


GONE_BEFORE = {"nothing": (), "the sound": (".flac",), "the manifest": (".manifest.json",)}


@pytest.mark.parametrize("gone", GONE_BEFORE.values(), ids=GONE_BEFORE)
def test_ended_at_any_step_the_next_run_finishes(
    tmp_path: Path, empty_catalogue: Path, gone: tuple[str, ...]
) -> None:
    last = 0
    while True:
        last += 1
        path = tmp_path / f"{last}.db"
        shutil.copy(empty_catalogue, path)
        steps = Steps()
        bucket, database = Bucket(), KilledDatabase(f"sqlite:///{path}", steps)
        id_ = archived(database, bucket)
        bucket.there = {key: each for key, each in bucket.there.items() if not key.endswith(gone or "-")}
        whole = len(bucket.left)
        bucket.steps, steps.last, steps.done = steps, last, 0
        try:
            run(database, bucket)
        except Killed:
            _check_explained(database, bucket, id_, whole)
        steps.last = -1
        run(database, bucket)
        assert row(database, id_).state == "destroyed" and not bucket.left
        assert told(database, id_) == ["destruction-begun", "destroyed"]
        assert intent(database, id_).finished_at is not None
        database.close()
        if steps.done < last:
            break
    assert last > 10, "each step was tried"


def _check_explained(database: Database, bucket: Bucket, id_: str, whole: int) -> None:
    """Whatever is missing, it says why; and no voice is left without what says whose it is."""
    begun = intent(database, id_)
    if len(bucket.left) < whole:
        assert begun is not None and told(database, id_)[0] == "destruction-begun"
        assert not any(key.endswith(".flac") for key in bucket.left)
    if row(database, id_).state == "destroyed":
        assert not bucket.left and told(database, id_)[-1] == "destroyed"


@pytest.mark.parametrize("way", ["flag", "row"])
def test_a_hold_keeps_it_and_no_intent_is_written(database: Database, way: str) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket, hold=way == "flag")
    if way == "row":
        with database.begin() as connection:
            connection.execute(tables.holds.insert().values(id="h", recording_id=id_, **HOLD))
    assert [each.outcome for each in run(database, bucket)] == [Outcome.HELD]
    assert len(bucket.left) == 2 and intent(database, id_) is None and told(database, id_) == []
    assert _problems(database) == []
    with database.begin() as connection:
        connection.execute(tables.holds.update().values(released_at=NOW))
    _change(database, id_, hold=False)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [({"hold": True}, Outcome.HELD), ({"retain_until": NOW + timedelta(days=9)}, Outcome.LOCKED)],
)
def test_kept_between_intent_and_deletion_it_stays_whole(
    database: Database, change: dict[str, Any], outcome: Outcome
) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    bucket.steps.last = 1  # the intent is written, S3 is about to be asked
    with pytest.raises(Killed):
        run(database, bucket)
    assert intent(database, id_) is not None
    _change(database, id_, **change)
    assert [each.outcome for each in run(database, bucket)] == [outcome]
    assert len(bucket.left) == 2 and intent(database, id_) is None and _problems(database) == []
    assert told(database, id_) == ["destruction-begun", "destruction-withdrawn"]


def test_a_hold_that_came_halfway_keeps_what_is_left_and_is_told(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    bucket.after = lambda key: _change(database, id_, hold=True)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.HELD]
    (left,) = bucket.left
    assert left.endswith(".manifest.json")
    (problem,) = _problems(database)
    assert id_ in problem and ".flac was deleted before" in problem
    assert [each.outcome for each in run(database, bucket)] == [Outcome.HELD] and bucket.left == {left}
    _change(database, id_, hold=False)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED]
    assert _problems(database) == [] and not bucket.left


@pytest.mark.parametrize("suffix", [".flac", ".manifest.json"])
@pytest.mark.parametrize(
    ("protection", "outcome", "said"),
    [
        ({"legal_hold": True}, Outcome.HELD, "legal hold"),
        ({"retain_until": NOW + timedelta(days=3)}, Outcome.LOCKED, "locks"),
    ],
)
def test_what_s3_protects_keeps_both_objects_and_is_a_problem_until_it_went(
    database: Database, suffix: str, protection: dict[str, Any], outcome: Outcome, said: str
) -> None:
    """Also where the catalogue thinks otherwise, and whichever of many versions it is."""
    bucket = Bucket()
    id_ = archived(database, bucket)
    (key,) = [key for key in bucket.there if key.endswith(suffix)]
    bucket.there[key].append(StoredVersion("0", **protection))
    (verdict,) = run(database, bucket)
    assert verdict.outcome is outcome and len(bucket.left) == 2 and not bucket.removed
    (problem,) = _problems(database)
    assert id_ in problem and said in problem
    with pytest.raises(CheckFailed):
        require_done([verdict])
    bucket.there[key][-1] = StoredVersion("0")
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED]
    assert _problems(database) == []


@pytest.mark.parametrize(
    ("fault", "said"), [("lies", "still has it"), ("hides", "still has it"), ("refuses", "(No)")]
)
def test_a_store_that_does_not_delete_is_told_of_and_tried_again(
    database: Database, fault: str, said: str
) -> None:
    bucket = Bucket()
    setattr(bucket, fault, True)
    first, second = archived(database, bucket), archived(database, bucket)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.FAILED] * 2
    (problem,) = _problems(database)
    assert problem.startswith("2 recordings") and said in problem
    assert row(database, first).state == "archived" == row(database, second).state
    assert _problems(database, Reach(frozenset({"azabu"}))) == []
    assert len(_problems(database, Reach(frozenset({"shiba"})))) == 1
    setattr(bucket, fault, False)
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED] * 2
    assert _problems(database) == []


def test_a_store_that_went_away_ends_the_run_and_is_told(database: Database) -> None:
    bucket = Bucket(away=True)
    archived(database, bucket)
    with pytest.raises(StoreUnreachable):
        run(database, bucket)
    assert "the store is away" in _problems(database)[0]


def test_what_no_purge_has_taken_is_told_of(database: Database) -> None:
    bucket = Bucket()
    fresh = archived(database, bucket, retain_until=NOW - timedelta(hours=36))
    assert _problems(database) == [], "the next daily run takes it"
    _change(database, fresh, retain_until=NOW - timedelta(hours=36, seconds=1))
    late = archived(database, bucket, retain_until=NOW - timedelta(days=9))
    (problem,) = _problems(database)
    assert problem.startswith("2 recordings") and f"{NOW - timedelta(days=9):%Y-%m-%d}" in problem
    assert _problems(database, Reach(frozenset({"azabu"}))) == []
    _change(database, late, hold=True)
    assert _problems(database)[0].startswith("1 recordings")
    bucket.refuses = True
    run(database, bucket)
    assert "could not be destroyed" in "".join(_problems(database)) and len(_problems(database)) == 1
    bucket.refuses = False
    run(database, bucket)
    assert _problems(database) == []


def test_what_was_begun_comes_first(database: Database) -> None:
    bucket = Bucket()
    begun = archived(database, bucket, retain_until=NOW - timedelta(hours=1))
    bucket.steps.last = 1
    with pytest.raises(Killed):
        run(database, bucket)
    older = archived(database, bucket)
    assert [each.recording.id for each in purge(database, bucket).verdicts()] == [begun, older]


def test_what_nobody_knows_the_time_of_stays(database: Database) -> None:
    bucket = Bucket()
    archived(database, bucket, retain_until=None)
    assert run(database, bucket) == [] and len(bucket.left) == 2


def test_one_purge_at_a_time(database: Database) -> None:
    first, second = purge(database, Bucket()).alone(), purge(database, Bucket()).alone()
    with first, pytest.raises(Refused, match="another callrec purge"), second:
        pass
    with purge(database, Bucket()).alone():
        pass


def test_two_runs_over_the_same_list_destroy_once(database: Database) -> None:
    bucket = Bucket()
    id_ = archived(database, bucket)
    work = purge(database, bucket)
    seen = work.verdicts()
    assert [each.outcome for each in run(database, bucket)] == [Outcome.DESTROYED]
    assert [each.outcome for each in work.destroy(seen)] == [Outcome.DESTROYED]
    assert told(database, id_) == ["destruction-begun", "destroyed"]


def test_an_intent_can_be_asked_for(database: Database) -> None:
    bucket = Bucket(refuses=True)
    id_, other = archived(database, bucket), archived(database, bucket, hold=True)
    run(database, bucket)
    with database.read() as connection:
        assert destructions.is_begun(connection, id_) and not destructions.is_begun(connection, other)
        assert destructions.is_stopped(connection, id_) and not destructions.is_stopped(connection, other)
        begun = connection.execute(sa.select(tables.destructions)).one()
    assert begun.begun_by == WHO and begun.begun_at == NOW and begun.reason["because"] == "rule"


def test_a_run_that_goes_on_is_stopped_by_nothing_yet(database: Database) -> None:
    """Who wants to keep it meanwhile is told that it is too late."""
    bucket = Bucket(refuses=True)
    id_ = archived(database, bucket)
    run(database, bucket)
    bucket.refuses, seen = False, []

    def look(key: str) -> None:
        with database.read() as connection:
            seen.append((destructions.is_begun(connection, id_), destructions.is_stopped(connection, id_)))

    bucket.after = look
    run(database, bucket)
    assert set(seen) == {(True, False)}


def test_a_problem_is_read_in_the_language_of_who_asks(database: Database) -> None:
    bucket = Bucket(lies=True)
    id_ = archived(database, bucket)
    run(database, bucket)
    with database.read() as connection:
        ((found, problem),) = destructions.problems(connection, EVERYWHERE)
    assert found == id_ and problem.template == "the S3 server says that {key} is deleted, and still has it"
    assert replace(bucket, lies=False).left == bucket.left


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=23)])
def test_a_clock_that_is_ahead_destroys_nothing_early(
    database: Database, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    """The clock that is behind all others counts, and goes on by one that nobody sets."""
    bucket = Bucket(now=NOW)
    kept = archived(database, bucket, retain_until=NOW + timedelta(minutes=30))
    made = purge(database, bucket, NOW + ahead)
    assert [each.outcome for each in made.verdicts()] == [Outcome.WOULD_DESTROY], "by its own clock alone"
    made.require_clocks()
    assert list(made.destroy(made.verdicts())) == [] and row(database, kept).state == "archived"
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + 1801)
    (done,) = made.destroy(made.verdicts())
    assert done.outcome is Outcome.DESTROYED
