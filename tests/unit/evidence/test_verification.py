"""What bucket, manifest, custody log and catalogue say of a recording: whatever differs is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec.catalogue import calls, custody, holds, notes, retention, tables
from callrec.errors import NotFound, StoreUnreachable, Unreachable
from callrec.evidence.comparison import NOT_COMPARED
from callrec.evidence.keys import SigningKey
from callrec.manifest import ClockState, Manifest
from callrec.model.captures import RetainedBecause
from tests.edited_columns import EDITED, edited
from tests.tampering import altered
from tests.unit.evidence.verified import LATER, Place, destroy
from tests.unit.fakes import LockingStore
from tests.unit.samples import RECORDING_ID, START

ALL = ["custody", "manifest", "signature", "sound", "content", "versions", "lock", "row"]


def test_what_nobody_touched_is_whole(place: Place) -> None:
    found = place.verify(decode=True)
    assert (found.problems, found.remarks, found.covered) == ([], [], [])
    assert sorted(found.checked) == sorted([*ALL, "decoded"])
    with place.database.read() as connection:
        last = custody.of(connection, RECORDING_ID)[-1]
    assert (last.action, last.details) == ("verified", {})


# --- the catalogue


@pytest.mark.parametrize(("table", "column"), EDITED)
def test_each_edited_column_is_named(place: Place, table: str, column: str) -> None:
    with edited(place.database, place.kept, table, column):
        told = "; ".join(place.problems())
    named = {"participants": "participants: ", "rules": "rule"}.get(table, f"{table}.{column}")
    assert named in told and (" in the database, " in told or "is damaged" in told)
    assert place.problems() == []


def test_what_is_not_compared_is_there_and_has_its_reason() -> None:
    for (table, column), why in NOT_COMPARED.items():
        assert column in tables.metadata.tables[table].c and why


def test_numbers_that_were_made_comparable_otherwise_are_no_difference(place: Place) -> None:
    """As by an older callrec, or with the numbering plans of another year: nobody has touched the row."""
    place.change("calls", more_numbers="+81398760014 0398760014")
    assert place.problems() == []


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("recordings", "silences", "{broken"),
        ("calls", "details", "{}"),
        ("calls", "details", "[" * 5000),
        ("calls", "started_at", "gestern"),
        ("recordings", "retain_until", "gestern"),
        ("recordings", "kept_because", "x"),
        ("recordings", "duration_s", "long"),
        ("rules", "mode", "x"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(place: Place, table: str, column: str, value: str) -> None:
    with place.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
    (told, *_) = place.problems()
    assert table.removesuffix("s") in told and column in told


def test_details_name_the_place_that_differs(place: Place) -> None:
    row = place.kept
    with edited(place.database, row, "calls", "details"):
        assert place.problems() == [
            "calls.details.number: +81300000000 in the database, +81312345678 in the manifest"
        ]


@pytest.mark.parametrize("table", ["participants", "call_facilities"])
def test_one_who_never_took_part_is_named(place: Place, table: str) -> None:
    """A search by that extension would find the call, or somebody there would reach it."""
    extra: dict[str, dict[str, Any]] = {
        "participants": {"extension": "2999", "started_at": START},
        "call_facilities": {"facility": "x"},
    }
    with place.database.begin() as connection:
        row = {"call_id": place.kept.call_id, **extra[table]}
        connection.execute(tables.metadata.tables[table].insert().values(**row))
    (told,) = place.problems()
    assert told.startswith(table) and told.endswith("— in the manifest")


def test_rows_that_were_deleted_are_named(place: Place) -> None:
    with place.database.begin() as connection:
        for table in (tables.recordings, tables.participants, tables.call_facilities):
            connection.execute(table.delete())
        connection.execute(tables.calls.delete())
    told = place.problems()
    assert told[0] == f"the database has no row {RECORDING_ID} in table recordings"
    assert "in table calls" in told[1] and place.verify().checked.count("sound") == 1


def test_a_row_without_custody_is_named(place: Place) -> None:
    with place.database.begin() as connection, altered(connection):
        connection.execute(tables.custody.delete())
    assert any("does not say that recording" in each for each in place.problems())


def test_what_is_nowhere_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.verify("01a20000-0000-7000-8000-000000000009")


# --- what was done afterwards


def test_what_custody_tells_of_afterwards_is_no_difference(place: Place) -> None:
    until, longer = START + timedelta(days=500), START + timedelta(days=900)
    with place.database.begin() as connection:
        holds.add(connection, RECORDING_ID, "訴訟", "R-1", who="sato", at=LATER)
    place.log("held", reason="訴訟", request="R-1")
    assert any("legal hold" in each for each in place.problems()), "the bucket does not hold it"
    place.store.held = set(place.store.locked)
    assert place.problems() == []
    place.log("retained", reason="x", before="", until=until.isoformat())
    place.log("marked-incident", reason="x", before=until.isoformat(), until=longer.isoformat())
    told = "; ".join(place.problems())
    for name in ("retain_until", "retained_because", "incident"):
        assert f"recordings.{name}" in told
    assert "locked until" in told and "calls.incident" in told
    place.store.locked = dict.fromkeys(place.store.locked, ("governance", longer))
    place.change("recordings", retain_until=longer, retained_because=RetainedBecause.INCIDENT)
    with place.database.begin() as connection:
        kept = calls.find_recording(connection, RECORDING_ID)
        assert kept
        retention.mark(connection, kept, incident=True)
    assert place.problems() == []


@pytest.mark.parametrize("begun", ["to-be-held", "to-be-released"])
def test_a_hold_that_was_broken_off_is_no_difference(place: Place, begun: str) -> None:
    """The bucket was asked, and the custody log does not know yet."""
    place.store.held = set(place.store.locked)
    assert len(place.problems()) == 2
    place.log(begun, reason="訴訟", request="")
    assert place.problems() == []


def test_what_is_done_meanwhile_is_no_difference(place: Place) -> None:
    """Somebody holds it while its sound is read: what was read before and after does not fit."""
    store = place.store

    class Slow(LockingStore):
        def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
            if key.endswith(".flac") and place.store is self:
                place.store = store
                with place.database.begin() as connection:
                    holds.add(connection, RECORDING_ID, "訴訟", None, who="sato", at=LATER)
                place.log("held", reason="訴訟", request="")
                self.held = set(self.locked)
            return super().read(key, version)

    place.store = Slow(store.versions, store.until, locked=store.locked)
    assert place.problems() == []


def test_a_hold_that_nobody_asked_for_is_named(place: Place) -> None:
    with place.database.begin() as connection:
        holds.add(connection, RECORDING_ID, "訴訟", None, who="sato", at=LATER)
    told = "; ".join(place.problems())
    assert "holds: 訴訟 sato in the database, — in the custody log" in told and "recordings.hold" in told


@pytest.mark.parametrize("logged", [True, False])
def test_notes_are_those_of_the_custody_log(place: Place, logged: bool) -> None:
    with place.database.begin() as connection:
        new = notes.add(connection, place.kept.call_id, "怒鳴られた", who="sato", at=LATER)
    if logged:
        place.log("noted", call=new.call_id, note=new.id)
    assert [each.split(":")[0] for each in place.problems()] == ([] if logged else ["notes"])
    if logged:
        place.change("notes", who="tanaka")
        assert place.problems() == ["notes.who: tanaka in the database, sato in the custody log"]


def test_another_recording_of_the_call_tells_of_it_too(place: Place) -> None:
    """It was destroyed: its note stays, and that the call is an incident."""
    other = RECORDING_ID[:-1] + "7"
    with place.database.begin() as connection:
        row = connection.execute(sa.select(tables.recordings)).one()._asdict()
        gone = {"id": other, "key": "x", "state": "destroyed", "incident": True}
        connection.execute(tables.recordings.insert().values({**row, **gone}))
        new = notes.add(connection, place.kept.call_id, "怒鳴られた", who="sato", at=LATER)
        custody.append(connection, other, "noted", who="sato", at=LATER, call=new.call_id, note=new.id)
        found = calls.find_recording(connection, other)
        assert found
        retention.mark(connection, found, incident=True)
    assert place.problems() == []


def test_what_was_destroyed_answers_to_the_custody_log(place: Place) -> None:
    destroy(place)
    place.state()
    found = place.verify()
    assert found.gone and found.problems == []
    for values in ({"state": "archived"}, {"retain_until": LATER}, {"sha256": "0" * 64}, {"key": "x"}):
        before = {name: getattr(place.kept, name) for name in values}
        place.change("recordings", **values)
        assert [each.split(":")[0] for each in place.problems()] == [f"recordings.{name}" for name in values]
        place.change("recordings", **before)


def test_a_row_that_says_destroyed_without_the_custody_log_is_named(place: Place) -> None:
    place.change("recordings", state="destroyed", destroyed_at=LATER)
    told = "; ".join(place.problems())
    assert "recordings.state: destroyed in the database, archived in the custody log" in told


def test_what_is_being_destroyed_is_no_broken_evidence(place: Place) -> None:
    place.log("destruction-begun", retain_until=None)
    del place.store.versions[place.kept.key]
    with pytest.raises(NotFound, match="is being destroyed"):
        place.verify()


# --- the bucket


def test_another_pair_to_which_the_row_points_is_named(place: Place) -> None:
    """The forged pair fits its own row in all; what was archived is what is read."""
    kept = place.kept
    for key in (kept.key, kept.manifest_key):
        place.store.put_over(key, place.store.objects[key] + b" ")
    place.change("recordings", version="1", manifest_version="1", sha256="1" * 64, manifest_sha256="2" * 64)
    told = place.problems()
    assert f"recordings.sha256: {'1' * 64} in the database, {kept.sha256} in the custody log" in told
    assert any(each.startswith("recordings.manifest_sha256: 2222") for each in told)
    assert place.verify().covered == [kept.key, kept.manifest_key]


@pytest.mark.parametrize("which", ["key", "manifest_key"])
def test_a_flipped_byte_and_a_missing_object_are_named(place: Place, which: str) -> None:
    key = getattr(place.kept, which)
    data = place.store.versions[key][0]
    place.store.versions[key] = [data[:-1] + bytes([data[-1] ^ 1])]
    assert "is not the one that was archived: SHA-256" in place.problems()[0]
    del place.store.versions[key]
    assert f"{key} is missing from the archive" in place.problems()


def test_lock_and_hold_are_part_of_it(place: Place) -> None:
    kept = place.kept
    del place.store.locked[kept.key, "0"]
    (told,) = place.problems()
    assert told.startswith(f"{kept.key}, locked until: — in the bucket, 20")
    place.mode = "off"
    found = place.verify()
    assert found.problems == [] and "lock" not in found.checked


def test_a_key_of_somebody_else_is_named(place: Place) -> None:
    stranger = SigningKey(Ed25519PrivateKey.generate())
    place.sign_anew(lambda manifest: manifest, stranger)
    told = "; ".join(place.problems())
    assert f"signed by key {stranger.key_id}, which is none of ours" in told
    place.keys[stranger.key_id] = stranger.public_key
    assert not any("signed" in each for each in place.problems())


def _day_off(manifest: Manifest) -> Manifest:
    return replace(manifest, created_at=manifest.created_at + timedelta(days=1))


def _clock_off(manifest: Manifest) -> Manifest:
    return replace(manifest, clocks=ClockState(START, False, None, 86400.0, 0.0))


@pytest.mark.parametrize(("change", "words"), [(_day_off, "created_at: "), (_clock_off, "86400 s ahead")])
def test_a_clock_that_was_off_is_named(
    place: Place, change: Callable[[Manifest], Manifest], words: str
) -> None:
    place.sign_anew(change)
    assert any(words in each for each in place.problems())


@pytest.mark.parametrize("older", [True, False])
def test_unsigned_manifests_are_those_from_before_the_first_key(place: Place, older: bool) -> None:
    plain = json.loads(place.store.objects[place.kept.manifest_key])
    for name in ("facilities", "rules", "announced", "clocks", "key_id", "signature"):
        del plain[name]
    data = json.dumps({**plain, "schema": "callrec-manifest/2"}).encode()
    place.put(data)
    place.since = datetime.now(UTC) + timedelta(days=1 if older else -1)
    found = place.verify()
    assert ("signature" in found.checked) is not older and bool(found.problems) is not older
    assert bool(found.remarks) is older


# --- what is in the way


class Refusing(LockingStore):
    """Gives all but one object. `asked`: whether the bucket itself answers."""

    key, answers = "", True

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        if key == self.key:
            raise StoreUnreachable("it does not answer ({problem})", problem="FlexibleChecksumError")
        return super().read(key, version)

    def check(self) -> None:
        if not self.answers:
            raise Unreachable("the bucket is away")


def test_bytes_that_are_not_given_are_told_of_that_recording(place: Place) -> None:
    store = Refusing(place.store.versions, place.store.until, locked=place.store.locked)
    store.key, place.store = place.kept.key, store
    assert place.problems() == [
        f"the S3 server answers, and does not give {store.key}: FlexibleChecksumError"
    ]
    with place.database.read() as connection:
        assert custody.of(connection, RECORDING_ID)[-1].action == "broken"
    store.answers = False
    with pytest.raises(Unreachable, match="the bucket is away"):
        place.verify()
