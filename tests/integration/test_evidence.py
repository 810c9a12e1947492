"""Evidence that was touched does not verify, and is not handed out as if it did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import ids
from callrec.catalogue import calls, finding, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.columns import Id
from callrec.demo.s3 import DemoS3
from callrec.desk.operations import keeping
from callrec.evidence.keys import SigningKey
from callrec.files import file_sha256
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery
from callrec.numbers import normalise
from tests.edited_columns import EDITED, edited
from tests.integration.conftest import DATABASES
from tests.integration.desk_office import own_database
from tests.integration.forgery import FIRST, SECOND, Archive
from tests.integration.system import SystemUnderTest
from tests.tampering import altered
from tests.unit.samples import START


@pytest.fixture
def kept(system: SystemUnderTest) -> ArchivedRecording:
    """A recording in the archive."""
    return system.record_call("0311130001")


def test_the_locked_object_cannot_be_deleted(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    (version,) = system.s3.list_object_versions(Bucket=system.demo.s3.bucket, Prefix=kept.key)["Versions"]
    with pytest.raises(system.s3.exceptions.ClientError, match="AccessDenied"):
        system.s3.delete_object(Bucket=system.demo.s3.bucket, Key=kept.key, VersionId=version["VersionId"])
    assert system.callrec("verify", kept.id).returncode == 0


@pytest.mark.parametrize("key", ["key", "manifest_key"])
def test_what_was_put_over_it_is_not_what_is_shown(
    system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path, key: str
) -> None:
    """The version that was archived is read; that there is a later one is said."""
    covered = getattr(kept, key)
    system.s3.put_object(Bucket=system.demo.s3.bucket, Key=covered, Body=b"somebody's")
    done = system.callrec("verify", kept.id, "--json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 1 and row["ok"] and covered in row["problems"][0]
    assert system.callrec("fetch", kept.id, "-o", str(tmp_path)).returncode == 0
    assert file_sha256(tmp_path / f"{kept.id}.flac") == kept.sha256
    assert file_sha256(tmp_path / f"{kept.id}.manifest.json") == kept.manifest_sha256


def test_a_deletion_that_only_hides_it_is_said(
    system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path
) -> None:
    system.s3.delete_object(Bucket=system.demo.s3.bucket, Key=kept.key)
    done = system.callrec("verify", kept.id)
    assert done.returncode == 1 and kept.key in done.stdout
    assert system.callrec("fetch", kept.id, "-o", str(tmp_path)).returncode == 0


def test_an_altered_custody_log_is_noticed(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    row = "recording_id = :id AND action = 'archived'"
    change = sa.text(f"UPDATE custody SET who = :who WHERE {row}")  # noqa: S608
    with system.app.database.begin() as connection, altered(connection):
        connection.execute(change, {"who": "somebody", "id": Id.to_bytes(kept.id)})
    try:
        done = system.callrec("verify", kept.id)
        assert done.returncode == 5 and "the custody log was altered" in done.stderr
    finally:
        with system.app.database.begin() as connection, altered(connection):
            connection.execute(change, {"who": "callrec", "id": Id.to_bytes(kept.id)})
    assert system.callrec("verify", kept.id).returncode == 0


def test_ids_and_numbers_of_any_form(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    """On both databases: a beginning finds it, nonsense is refused, a number of 700 digits has its row."""
    for length in (13, 14, 35, 36):
        done = system.callrec("show", kept.id[:length], "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["id"] == kept.id
    assert system.callrec("show", "%%%%%%%%").returncode == 2
    with system.app.database.begin() as connection:
        call = finding.call(connection, kept.call_id, reach=EVERYWHERE)
        long = normalise("9" * 700)
        calls.save_call(connection, replace(call, number=long))
        assert (
            finding.search(connection, SearchQuery(number=long, sort="longest"), reach=EVERYWHERE)[0].call.id
            == call.id
        )
        calls.save_call(connection, call)


def test_a_sample_verifies(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    done = system.callrec("verify", "--sample", "1", "--csv")
    assert (
        done.stdout.splitlines()[0] == "\ufeffid,ok,problems,checked" and len(done.stdout.splitlines()) == 2
    )


# --- forged


@pytest.fixture(scope="module", params=DATABASES)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    home = tmp_path_factory.mktemp(f"forged-{request.param}")
    url = f"sqlite:///{home}/c.db"
    if request.param == "postgresql":
        url = own_database(request.getfixturevalue("postgresql"))
    s3 = DemoS3(home / "s3")
    s3.start()
    made = Archive(home, url, s3)
    yield made
    made.app.close()
    s3.stop()


WHOLE: dict[str, list[str]] = {FIRST: [], SECOND: []}


def test_all_of_it_is_looked_at(archive: Archive) -> None:
    done = archive.callrec("verify", "--all", "--decode", "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0 and [each["id"] for each in rows] == [FIRST, SECOND]
    bucket = {"manifest", "signature", "sound", "content", "decoded", "versions", "lock"}
    assert all({*each["checked"]} == {"custody", "row", *bucket} for each in rows)
    (beyond,) = archive.verify(after=FIRST)
    assert beyond == SECOND and archive.verify(since=START - timedelta(days=365)) == WHOLE
    assert archive.verify(since=archive.app.now + timedelta(days=1)) == {}
    assert len(archive.verify(everything=False, sample=1)) == 1


def test_each_edited_column_is_named(archive: Archive) -> None:
    kept = archive.kept()
    for table, column in EDITED:
        with edited(archive.app.database, kept, table, column):
            told = "; ".join(archive.verify(FIRST)[FIRST])
        named = {"participants": "participants: ", "rules": "rule"}.get(table, f"{table}.{column}")
        assert named in told, (table, column)
    with edited(archive.app.database, kept, "calls", "number"):
        done = archive.callrec("verify", FIRST)
    assert done.returncode == 5 and "calls.number: 081312345678 in the database" in done.stdout
    assert archive.verify(FIRST) == {FIRST: []}, "all is put back"


def test_what_people_do_with_it_is_no_difference(archive: Archive) -> None:
    """By the real operations: holds, longer retention, incidents and notes are in all places alike."""
    until = archive.app.now + timedelta(days=200)
    for wanted, *args in (
        (keeping.add_holds, [SECOND], "訴訟", None),
        (keeping.add_note, SECOND, "怒鳴られた"),
        (keeping.mark_incidents, [SECOND], "カスハラ"),
        (keeping.retain, [SECOND], until + timedelta(days=4000), "請求"),
        (keeping.clear_incidents, [SECOND], "誤り"),
        (keeping.release_holds, [SECOND], "終結", None),
    ):
        archive.do(wanted, *args)
        assert archive.verify(SECOND) == {SECOND: []}, wanted
    with edited(archive.app.database, archive.kept(SECOND), "recordings", "retained_because"):
        (told,) = archive.verify(SECOND)[SECOND]
    assert told.startswith("recordings.retained_because: ") and told.endswith("person in the custody log")


def test_a_forged_pair_is_named_with_both_hashes(archive: Archive, tmp_path: Path) -> None:
    kept, other = archive.kept(), archive.kept(SECOND)
    sound, manifest = archive.get(other.key), archive.get(other.manifest_key)
    versions = {"version": archive.put(kept.key, sound)}
    versions["manifest_version"] = archive.put(kept.manifest_key, manifest)
    hashes = {"sha256": other.sha256, "manifest_sha256": other.manifest_sha256}
    row = tables.recordings.update().where(tables.recordings.c.id == FIRST)
    archive.change(row.values(**versions, **hashes))
    try:
        told = f"recordings.sha256: {other.sha256} in the database, {kept.sha256} in the custody log"
        assert told in archive.verify(FIRST)[FIRST]
        assert archive.callrec("fetch", FIRST, "-o", str(tmp_path)).returncode == 5
        assert not list(tmp_path.iterdir()), "nothing is handed out"
    finally:
        names = ("version", "manifest_version", "sha256", "manifest_sha256")
        archive.change(row.values(**{name: getattr(kept, name) for name in names}))
        archive.delete(kept.key, versions["version"])
        archive.delete(kept.manifest_key, versions["manifest_version"])
    assert archive.verify(FIRST) == {FIRST: []}


def test_deleted_rows_are_named(archive: Archive) -> None:
    call_id, missing = archive.kept(SECOND).call_id, f"the database has no row {SECOND} in table recordings"
    with archive.without_row(SECOND):
        assert missing in archive.verify()[SECOND] and missing in archive.verify(call_id)[SECOND]
        done = archive.callrec("verify", SECOND, "--json")
        (told,) = json.loads(done.stdout)
        assert done.returncode == 5 and missing in told["problems"] and "sound" in told["checked"]
        assert archive.last(SECOND).action == "broken"
    assert archive.verify() == WHOLE


def test_what_lies_there_without_a_row_is_named(archive: Archive) -> None:
    key = f"recordings/shiba/2026/11/22/{ids.new()}.flac"
    version = archive.put(key, b"somebody's")
    told = f"{key}: in the bucket, and neither catalogue nor custody log know of it"
    assert archive.verify() == {**WHOLE, key[-41:-5]: [told]}
    archive.delete(key, version)


def test_a_byte_on_the_stores_disk_is_named_and_the_run_goes_on(archive: Archive) -> None:
    if archive.app.database.file is None:  # the server tries for 20 seconds to read it: once is enough
        return
    archive.without_retries()
    kept = archive.kept()
    with archive.flipped(archive.get(kept.key)):
        told = f"the S3 server answers, and does not give {kept.key}: the S3 server refused get_object"
        found = archive.verify()
        assert found[FIRST][0].startswith(told) and found[SECOND] == []
        assert archive.last(FIRST).action == "broken"
    assert archive.verify() == WHOLE


def test_locks_and_holds_are_compared(archive: Archive) -> None:
    kept = archive.kept()
    which = {"Bucket": archive.s3.bucket, "Key": kept.key, "VersionId": kept.version}
    archive.client.put_object_legal_hold(**which, LegalHold={"Status": "ON"})
    told = f"{kept.key}, legal hold: true in the bucket, false in the custody log"
    assert archive.verify(FIRST) == {FIRST: [told]}
    archive.client.put_object_legal_hold(**which, LegalHold={"Status": "OFF"})
    assert kept.retain_until
    for days in (30, 0):
        shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": kept.retain_until - timedelta(days=days)}
        archive.client.put_object_retention(**which, Retention=shorter, BypassGovernanceRetention=True)
        problems = archive.verify(FIRST)[FIRST]
        assert [each.split(":")[0] for each in problems] == [f"{kept.key}, locked until"][: bool(days)]


DAMAGE: list[tuple[str, str, Any]] = [
    ("recordings", "kept_because", "x"),
    ("recordings", "silences", "{broken"),
    ("calls", "details", "{}"),
    ("calls", "started_at", "gestern"),
]
"""What no column is for; the last one only SQLite lets in."""


@pytest.mark.parametrize(("table", "column", "value"), DAMAGE)
def test_a_row_that_makes_no_sense_ends_no_run(archive: Archive, table: str, column: str, value: str) -> None:
    sqlite, kept = archive.app.database.file is not None, archive.kept()
    if not sqlite and column == "started_at":
        return
    id_ = {"calls": kept.call_id, "recordings": FIRST}[table]
    with edited(archive.app.database, kept, table, column):
        with archive.app.database.begin() as connection:
            change = f"UPDATE {table} SET {column} = {'?' if sqlite else '%s'}"  # noqa: S608
            mark = "?" if sqlite else "%s"
            connection.exec_driver_sql(f"{change} WHERE id = {mark}", (value, Id.to_bytes(id_)))
        found = archive.verify()
        assert found[SECOND] == [] and found[FIRST][0].startswith(f"{table}.{column}")
        assert archive.verify(FIRST)[FIRST] == found[FIRST]
        done = archive.callrec("search", "2026-11-22", "--json")
    assert [each["id"] for each in json.loads(done.stdout)] == [SECOND]
    assert "bug" not in done.stderr and done.returncode in (0, 5)


def test_what_a_stranger_signed_is_named(archive: Archive) -> None:
    stranger = SigningKey(Ed25519PrivateKey.generate())
    id_ = archive.record_third(stranger)
    assert f"signed by key {stranger.key_id}, which is none of ours" in archive.verify(id_)[id_][0]


def test_what_is_gone_or_an_older_copy_is_named(archive: Archive) -> None:
    """Last: a version that is gone does not come back."""
    kept = archive.kept(SECOND)
    data = archive.get(kept.key)
    assert kept.version
    archive.delete(kept.key, kept.version)
    copy = archive.put(kept.key, data)
    assert f"{kept.key} is missing from the archive" in archive.verify(SECOND)[SECOND]
    archive.change(tables.recordings.update().where(tables.recordings.c.id == SECOND).values(version=copy))
    told = f"recordings.version: {copy} in the database, {kept.version} in the custody log"
    assert told in archive.verify(SECOND)[SECOND]
