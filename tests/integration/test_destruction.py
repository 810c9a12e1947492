"""Destruction on a real S3 server with Object Lock, and both databases: locks, holds, clocks, and a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError
from pydantic import SecretStr

from callrec import ids
from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.catalogue import calls, custody, destructions
from callrec.catalogue.statements import TOMBSTONES
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import CONTROLLER, DESK, PURGE, DemoS3
from callrec.desk.operation import perform
from callrec.desk.operations import keeping
from callrec.evidence.statement import Statement, read
from callrec.model.access import EVERYWHERE, Caller, Through
from callrec.model.captures import Track
from callrec.settings import ArchiveSettings
from callrec.settings_file import load
from tests.fake_clock import clear_left_over
from tests.integration.conftest import DATABASES
from tests.integration.s3_between import S3Between
from tests.integration.system import eventually
from tests.told import told_by
from tests.unit.bench import make_bench
from tests.unit.samples import DECISION, captured_call, segment

LOCKS_S = (3, 10, 30)
"""The first one that lasts until it was seen to keep something; a machine can be busy."""
on_one = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what does not depend on the database."""


@pytest.fixture(scope="module")
def s3(scratch: Path) -> Iterator[DemoS3]:
    """An S3 server of its own, with keys for each."""
    server = DemoS3(scratch / "s3-destruction")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module", params=DATABASES)
def office(request: pytest.FixtureRequest, scratch: Path, s3: DemoS3) -> Iterator[Office]:
    """A configuration and an empty catalogue, once on each database."""
    home = scratch / f"destruction-{request.param}"
    home.mkdir()
    url = f"sqlite:///{home}/catalogue.db"
    if request.param == "postgresql":
        url = _another_database(request.getfixturevalue("postgresql"))
    keys = s3.keys[CONTROLLER]
    write_file(
        home / "callrec.toml",
        Answers(
            database_url=url,
            spool=str(home / "spool"),
            s3_url=s3.endpoint_url,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
        ),
    )
    app = App(load(str(home / "callrec.toml")))
    app.database.upgrade()
    app.make_spool()
    app.keys.first("test", app.now)
    yield Office(home, app, s3)
    app.close()


def _another_database(url: str) -> str:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE destruction")
    engine.dispose()
    return sa.make_url(url).set(database="destruction").render_as_string(hide_password=False)


@dataclass
class Office:
    """Where recordings are archived and destroyed; the purge is a process of its own, with its own keys."""

    home: Path
    app: App
    s3: DemoS3

    @property
    def admin(self) -> Any:
        return self.s3.client()

    def archive(self, tmp_path: Path, lock_s: int = 1) -> str:
        """A recording that an archiver put into the bucket, whose retention is over; returns its id."""
        store: Any = self.app.store
        # S3 leaves fractions out: of a second alone nothing may be left when it arrives.
        bench = make_bench(tmp_path, self.app.database, store, timedelta(seconds=lock_s + 0.5))
        id_, begin = ids.new(), self.app.now - timedelta(days=3)
        end = begin + timedelta(seconds=10)
        tracks = [Track(f"callrec/{id_}-1-{side}", begin, end) for side in ("external", "staff")]
        for track in tracks:
            bench.track(track.name, 500)
        talk = {
            "id": ids.new(),
            "started_at": begin,
            "answered_at": begin,
            "ended_at": end,
            "participants": (),
            "decision": replace(DECISION, retain_days=1),
        }
        segments = (segment(external=tracks[0], staff=tracks[1]),)
        bench.spool.hand_over(
            captured_call(recording_id=id_, segments=segments, started_at=begin, ended_at=end, call=talk)
        )
        bench.archiver.work()
        assert self.row(id_).key in self.there(id_), told_by(bench.archiver)
        return id_

    def row(self, id_: str) -> calls.ArchivedRecording:
        with self.app.database.read() as connection:
            found = calls.find_recording(connection, id_)
        assert found is not None
        return found

    def there(self, id_: str) -> list[str]:
        """The key of each version and each delete marker of a recording that is in the bucket, but for what
        says how it was destroyed."""
        return [key for key in self._keys(id_) if not self._is_tombstone(key)]

    def stated(self, id_: str) -> list[str]:
        """What the bucket says of how a recording was destroyed."""
        found = [self._said(key) for key in self._keys(id_) if self._is_tombstone(key)]
        assert all(each.details["call"]["number"] is None for each in found)
        return [each.action for each in sorted(found, key=lambda each: each.id)]

    def _keys(self, id_: str) -> list[str]:
        found = self.admin.list_object_versions(Bucket="callrec", Prefix="recordings/")
        every = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return [each["Key"] for each in every if id_ in each["Key"]]

    def _is_tombstone(self, key: str) -> bool:
        return ".statements/" in key and self._said(key).action in TOMBSTONES

    def _said(self, key: str) -> Statement:
        body = self.admin.get_object(Bucket="callrec", Key=key)["Body"].read()
        return read(body, self.app.keys.public)

    def told(self, id_: str) -> list[str]:
        with self.app.database.read() as connection:
            assert custody.broken_at(connection) is None
            return [each.action for each in custody.of(connection, id_)]

    def problems(self) -> list[str]:
        with self.app.database.read() as connection:
            return [str(problem) for _, problem in destructions.problems(connection, EVERYWHERE)]

    def start(self, *before: str, **variables: str) -> subprocess.Popen[str]:
        """callrec purge, as its unit runs it."""
        keys = self.s3.keys[PURGE]
        given = {"CALLREC_DESTRUCTION__ACCESS_KEY": keys.access_key, "CALLREC_LANG": "en"}
        given["CALLREC_DESTRUCTION__SECRET_KEY"] = keys.secret_key
        config = str(self.home / "callrec.toml")
        return subprocess.Popen(
            [*before, sys.executable, "-m", "callrec", "--config", config, "purge", "--json"],
            env={**os.environ, **given, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def purge(self, *before: str, **variables: str) -> tuple[int, dict[str, str], str]:
        """The exit code, the outcome of each recording, and what was said beside."""
        process = self.start(*before, **variables)
        out, err = process.communicate(timeout=60)
        rows = json.loads(out) if out else []
        return process.returncode, {each["id"]: each["outcome"] for each in rows}, err.strip()

    def purge_here(self, name: str = PURGE, url: str | None = None) -> dict[str, str]:
        """The outcome of each recording, of a run in this process, which is quicker."""
        settings = self.settings(name, url)
        here = App(self.app.settings.model_copy(update={"archive": settings}))
        try:
            purge = here.purge()
            return {each.recording.id: each.outcome.value for each in purge.destroy(purge.verdicts())}
        finally:
            here.close()

    def with_short_locks(self) -> App:
        """The same, where what is put into the bucket is locked for a second."""
        archive = self.app.settings.archive.model_copy(update={"shortest_lock_s": 1.5})
        return App(self.app.settings.model_copy(update={"archive": archive}))

    def settings(self, name: str, url: str | None = None) -> ArchiveSettings:
        keys, archive = self.s3.keys[name], self.app.settings.archive
        wanted = {"access_key": SecretStr(keys.access_key), "secret_key": SecretStr(keys.secret_key)}
        return archive.model_copy(update={**wanted, "endpoint_url": url or archive.endpoint_url})


def test_a_lock_keeps_it_until_it_ends_and_then_all_versions_go(office: Office, tmp_path: Path) -> None:
    id_ = _seen_locked(office, tmp_path)
    assert len(office.there(id_)) == 4 and "locks" in office.problems()[0]
    _unlocked(office, id_)
    assert office.purge() == (0, {id_: "destroyed"}, "")
    assert office.there(id_) == [] and office.problems() == []
    row = office.row(id_)
    assert row.state == "destroyed" and row.destroyed_at
    assert office.told(id_)[-2:] == ["destruction-begun", "destroyed"]
    assert office.stated(id_) == ["destruction-begun", "destroyed"]
    assert office.purge_here() == {}


@on_one
def test_what_was_said_of_a_recording_goes_with_it(office: Office, tmp_path: Path) -> None:
    """Notes are about people: what stays says that there was a call, and nothing else."""
    id_ = office.archive(tmp_path)
    caller = Caller("sato", frozenset(), Through.DIRECT)
    perform(keeping.add_note, office.with_short_locks(), caller, id_, "怒鳴られた")
    row = office.row(id_)
    beside = [key for key in office.there(id_) if key not in (row.key, row.manifest_key)]
    assert len(beside) == 1 and ".statements/" in beside[0]
    _unlocked(office, id_, *beside)
    assert office.purge_here() == {id_: "destroyed"}
    assert office.there(id_) == [] and office.stated(id_) == ["destruction-begun", "destroyed"]


@on_one
def test_without_a_key_to_sign_with_nothing_is_deleted(office: Office, tmp_path: Path) -> None:
    id_ = office.archive(tmp_path)
    _unlocked(office, id_)
    signing = office.app.keys.folder / "signing.pem"
    with _moved_away(signing):
        code, _, err = office.purge()
        assert code == 2 and str(signing) in err and len(office.there(id_)) == 2
    assert office.purge_here() == {id_: "destroyed"}


@pytest.mark.parametrize(("number", "way"), [(1, "after"), (2, "before")])
def test_killed_in_the_middle_the_next_run_finishes(
    office: Office, tmp_path: Path, number: int, way: str
) -> None:
    """The first deletion is that of the sound, the second that of the manifest."""
    id_ = office.archive(tmp_path)
    _unlocked(office, id_)
    with S3Between(office.s3.port, way, number) as between:
        process = office.start(CALLREC_ARCHIVE__ENDPOINT_URL=between.url)
        try:
            assert between.reached.wait(30), process.communicate()
        finally:
            process.kill()
            process.communicate()
    assert office.there(id_) == [office.row(id_).manifest_key]
    assert office.told(id_)[-1] == "destruction-begun" and office.row(id_).state == "archived"
    assert office.purge_here() == {id_: "destroyed"}
    assert office.there(id_) == [] and office.told(id_)[-2:] == ["destruction-begun", "destroyed"]


def test_one_purge_at_a_time_on_each_database(office: Office) -> None:
    with office.app.purge().alone():
        code, _, err = office.purge()
    assert code == 4 and "another callrec purge" in err


@on_one
def test_a_legal_hold_in_the_bucket_alone_keeps_both_objects(office: Office, tmp_path: Path) -> None:
    """The catalogue knows nothing of it: an admin of the S3 server has set it."""
    id_ = office.archive(tmp_path)
    row = office.row(id_)
    held = {"Bucket": "callrec", "Key": row.manifest_key, "VersionId": row.manifest_version}
    office.admin.put_object_legal_hold(**held, LegalHold={"Status": "ON"})
    _unlocked(office, id_)
    assert office.purge_here() == {id_: "held"}
    assert len(office.there(id_)) == 2 and "legal hold" in office.problems()[0]
    office.admin.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    assert office.purge_here() == {id_: "destroyed"}
    assert office.there(id_) == [] and office.problems() == []


@on_one
def test_a_server_that_lies_or_refuses_is_told_of(office: Office, tmp_path: Path) -> None:
    """Refused are the keys of the desk, which may not delete."""
    id_ = office.archive(tmp_path)
    _unlocked(office, id_)
    with S3Between(office.s3.port, "lie") as between:
        assert office.purge_here(url=between.url) == {id_: "failed"}
    assert len(office.there(id_)) == 2 and office.row(id_).state == "archived"
    assert "still has it" in office.problems()[0]
    for way, said in (("hide", "still has it"), ("nowhere", "refused list_object_versions")):
        with S3Between(office.s3.port, way) as between:
            assert office.purge_here(url=between.url) == {id_: "failed"}
        assert len(office.there(id_)) == 2 and said in office.problems()[0]
    assert office.purge_here(DESK) == {id_: "failed"} and len(office.there(id_)) == 2
    assert "(AccessDenied)" in office.problems()[0]
    with S3Between(office.s3.port, "twice") as between:  # somebody else was quicker, each time
        assert office.purge_here(url=between.url) == {id_: "destroyed"}
    assert office.there(id_) == [] and office.problems() == []


@on_one
def test_a_clock_that_is_wrong_destroys_nothing(office: Office, tmp_path: Path) -> None:
    id_ = office.archive(tmp_path)
    clear_left_over()
    for shift, said in (("-2d", "behind the custody log"), ("+2d", "more than a day apart")):
        code, outcomes, err = office.purge("faketime", "-f", shift, FAKETIME_DONT_FAKE_MONOTONIC="1")
        assert code == 4 and outcomes == {} and said in err and len(err.splitlines()) == 1
    assert len(office.there(id_)) == 2 and office.told(id_)[-1] == "archived"
    _unlocked(office, id_)
    assert office.purge_here() == {id_: "destroyed"}


@on_one
def test_of_three_keys_one_can_delete_and_it_can_put_nothing(office: Office, tmp_path: Path) -> None:
    id_ = office.archive(tmp_path)
    row = office.row(id_)
    _unlocked(office, id_)
    asked = {"Bucket": "callrec", "Key": row.key, "VersionId": row.version}
    clients = {name: S3Store(office.settings(name))._s3 for name in (CONTROLLER, DESK, PURGE)}
    for name in (CONTROLLER, DESK):
        with pytest.raises(ClientError, match="AccessDenied"):
            clients[name].delete_object(**asked)
    with pytest.raises(ClientError, match="AccessDenied"):
        clients[PURGE].put_object(Bucket="callrec", Key=row.key, Body=b"x")
    clients[PURGE].delete_object(**asked)
    assert office.there(id_) == [row.manifest_key]
    assert office.purge_here() == {id_: "destroyed"}


def _seen_locked(office: Office, tmp_path: Path) -> str:
    """A recording that a purge has left for its lock; above its sound lie another version and a marker."""
    for lock_s in LOCKS_S:
        id_ = office.archive(tmp_path, lock_s=lock_s)
        key, end = office.row(id_).key, _locked_until(office, id_)
        office.admin.put_object(Bucket="callrec", Key=key, Body=b"put over it")
        office.admin.delete_object(Bucket="callrec", Key=key)
        assert sorted(office.there(id_)) == [key, key, key, office.row(id_).manifest_key]
        outcomes = office.purge_here()
        if outcomes == {id_: "locked"}:
            return id_
        # The time of a server is told in whole seconds.
        assert outcomes == {id_: "destroyed"} and office.app.destruction_store.time() >= end
    raise AssertionError("no lock lasted until the purge")


@contextmanager
def _moved_away(path: Path) -> Iterator[None]:
    other = path.with_suffix(".away")
    path.rename(other)
    try:
        yield
    finally:
        other.rename(path)


def _locked_until(office: Office, id_: str, *beside: str) -> datetime:
    row, store = office.row(id_), office.app.destruction_store
    every = [each for key in (row.key, row.manifest_key, *beside) for each in store.versions(key)]
    return max(each.retain_until for each in every if each.retain_until)


def _unlocked(office: Office, id_: str, *beside: str) -> None:
    """Waits until the locks of both objects and of what lies beside have ended, by the server's clock."""
    end, store = _locked_until(office, id_, *beside), office.app.destruction_store
    eventually(lambda: store.time() > end, what="the end of the locks")
