"""Evidence that was touched does not verify, and is not handed out as if it did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from callrec.archive.archiver import file_sha256
from callrec.catalogue import calls, finding
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchQuery
from callrec.model.access import EVERYWHERE
from callrec.numbers import normalise
from tests.integration.system import SystemUnderTest
from tests.tampering import altered


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


@pytest.mark.parametrize(("key", "problem"), [("key", "the sound of"), ("manifest_key", "the manifest of")])
def test_without_versions_what_was_put_over_it_does_not_verify(
    system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path, key: str, problem: str
) -> None:
    """As from a store that has none: the newest is read, and is not handed out."""
    with system.app.database.begin() as connection:
        change = sa.text("UPDATE recordings SET version = NULL, manifest_version = NULL WHERE id = :id")
        connection.execute(change, {"id": kept.id})
    original = system.s3.get_object(Bucket=system.demo.s3.bucket, Key=getattr(kept, key))["Body"].read()
    system.s3.put_object(Bucket=system.demo.s3.bucket, Key=getattr(kept, key), Body=original[:-2] + b"\0\0")
    done = system.callrec("verify", kept.id, "--json")
    assert done.returncode == 5
    (row,) = json.loads(done.stdout)
    assert not row["ok"] and row["problems"][0].startswith(problem)
    fetched = system.callrec("fetch", kept.id, "-o", str(tmp_path))
    assert fetched.returncode == 5 and not list(tmp_path.iterdir()), "nothing is handed out"
    shown = system.callrec("show", kept.id)
    assert shown.stdout.count("does not verify") == 2, "that it was tried is on record"


def test_an_altered_custody_log_is_noticed(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    row = "recording_id = :id AND action = 'archived'"
    change = sa.text(f"UPDATE custody SET who = :who WHERE {row}")  # noqa: S608
    with system.app.database.begin() as connection, altered(connection):
        connection.execute(change, {"who": "somebody", "id": kept.id})
    try:
        done = system.callrec("verify", kept.id)
        assert done.returncode == 5 and "the custody log was altered" in done.stderr
    finally:
        with system.app.database.begin() as connection, altered(connection):
            connection.execute(change, {"who": "callrec", "id": kept.id})
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
