"""Evidence that was touched does not verify, and is not handed out as if it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from callrec.archive.archiver import manifest_key
from callrec.catalogue.calls import Kept
from tests.integration.stage import Stage


@pytest.fixture
def kept(stage: Stage) -> Kept:
    """A recording in the archive."""
    return stage.record_call("0311130001")


def test_the_locked_object_cannot_be_deleted(stage: Stage, kept: Kept) -> None:
    (version,) = stage.s3.list_object_versions(Bucket=stage.world.s3.bucket, Prefix=kept.key)["Versions"]
    with pytest.raises(stage.s3.exceptions.ClientError, match="AccessDenied"):
        stage.s3.delete_object(Bucket=stage.world.s3.bucket, Key=kept.key, VersionId=version["VersionId"])
    assert stage.callrec("verify", kept.id).returncode == 0


def test_sound_that_was_put_over_it_does_not_verify(stage: Stage, kept: Kept, tmp_path: Path) -> None:
    original = stage.s3.get_object(Bucket=stage.world.s3.bucket, Key=kept.key)["Body"].read()
    stage.s3.put_object(Bucket=stage.world.s3.bucket, Key=kept.key, Body=original[:-1] + b"\0")
    done = stage.callrec("verify", kept.id, "--json")
    assert done.returncode == 5
    (row,) = json.loads(done.stdout)
    assert not row["verified"] and "is not the one that was archived" in row["problem"]
    fetched = stage.callrec("fetch", kept.id, "-o", str(tmp_path))
    assert fetched.returncode == 5 and not list(tmp_path.iterdir()), "nothing is handed out"
    shown = stage.callrec("show", kept.id)
    assert shown.stdout.count("does not verify") == 2, "that it was tried is on record"


def test_a_manifest_that_was_put_over_it_does_not_verify(stage: Stage, kept: Kept) -> None:
    key = manifest_key(kept.key)
    original = stage.s3.get_object(Bucket=stage.world.s3.bucket, Key=key)["Body"].read()
    stage.s3.put_object(
        Bucket=stage.world.s3.bucket, Key=key, Body=original.replace(b"+81311130001", b"+81311130002")
    )
    done = stage.callrec("verify", kept.id)
    assert done.returncode == 5 and "is not the one that was archived" in done.stdout


def test_an_altered_custody_log_is_noticed(stage: Stage, kept: Kept) -> None:
    row = "recording_id = :id AND action = 'archived'"
    change = sa.text(f"UPDATE custody SET who = :who WHERE {row}")  # noqa: S608
    with stage.app.database.begin() as connection:
        connection.execute(change, {"who": "somebody", "id": kept.id})
    try:
        done = stage.callrec("verify", kept.id)
        assert done.returncode == 5 and "the custody log was altered" in done.stderr
    finally:
        with stage.app.database.begin() as connection:
            connection.execute(change, {"who": "callrec", "id": kept.id})
    assert stage.callrec("verify", kept.id).returncode == 0


def test_a_sample_verifies(stage: Stage, kept: Kept) -> None:
    done = stage.callrec("verify", "--sample", "1", "--csv")
    assert done.stdout.splitlines()[0] == "id,verified,problem" and len(done.stdout.splitlines()) == 2
