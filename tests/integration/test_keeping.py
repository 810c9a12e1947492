"""Holds, longer retention and incidents on a real bucket with Object Lock, and on both databases. No PBX."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError
from pydantic import SecretStr

from callrec import ids
from callrec.app import App
from callrec.archive.store import StoredObject
from callrec.catalogue import custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.s3 import DemoS3
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import keeping
from callrec.errors import StoreUnreachable
from callrec.model.access import Caller, Through
from callrec.settings import ArchiveSettings, CatalogueSettings, Settings
from tests.integration.conftest import DATABASES
from tests.integration.system import eventually
from tests.unit.kept_recording import archive, now_of, request

SHORT = timedelta(seconds=3)
"""How long the bucket locks what is put there."""
WEAK = ["Read", "Write", "List", "Tagging", "PutObjectRetention"]
"""What an account may do that may hold nothing."""


@dataclass
class Bucket(DemoS3):
    """A server with a second account, which may lock, but not hold."""

    weak_access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    weak_secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))

    def _identities(self) -> dict[str, Any]:
        made: dict[str, Any] = super()._identities()
        keys = [{"accessKey": self.weak_access_key, "secretKey": self.weak_secret_key}]
        return {"identities": [*made["identities"], {"name": "weak", "credentials": keys, "actions": WEAK}]}


@dataclass
class Office:
    """An app with a database of its own, and the bucket."""

    app: App
    s3: Bucket

    def recording(self, folder: Path) -> ArchivedRecording:
        """A recording whose objects are in the bucket, locked for a few seconds."""
        until, key = datetime.now(UTC) + SHORT, f"recordings/shiba/{ids.new()}.flac"
        row: dict[str, Any] = {"key": key, "retain_until": until.replace(microsecond=0)}
        for name, column in ((key, "version"), (key.replace(".flac", ".manifest.json"), "manifest_version")):
            (folder / "x").write_bytes(name.encode())
            digest = hashlib.sha256(name.encode()).hexdigest()
            self.app.store.put(name, folder / "x", digest, "text/plain", until)
            row[column] = self.app.store.head(name).version
            assert row[column]
        return archive(self.app.database, None, datetime.now(UTC) - timedelta(minutes=1), **row)

    def do(self, wanted: Operation[..., Any], *args: Any) -> None:
        list(perform(wanted, self.app, Caller("sato", frozenset(), Through.DIRECT), *args))

    def objects(self, kept: ArchivedRecording) -> list[StoredObject]:
        versions = ((kept.key, kept.version), (kept.manifest_key, kept.manifest_version))
        return [self.app.store.head(*each) for each in versions]

    def log(self, kept: ArchivedRecording) -> list[str]:
        with self.app.database.read() as connection:
            return [each.action for each in custody.of(connection, kept.id)]

    def delete(self, kept: ArchivedRecording) -> int:
        """Tries to delete both for good, as the account with all rights can; how many are gone."""
        gone = 0
        for each in self.objects(kept):
            with suppress(ClientError):
                client: Any = self.s3.client()
                client.delete_object(Bucket=self.s3.bucket, Key=each.key, VersionId=each.version)
                gone += 1
        return gone


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    made = Bucket(tmp_path_factory.mktemp("keeping") / "s3")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=DATABASES)
def office(
    request: pytest.FixtureRequest, s3: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path_factory.mktemp('keeping')}/c.db"
    if request.param == "postgresql":
        url = _new_database(request.getfixturevalue("postgresql"))
    bucket = ArchiveSettings(
        endpoint_url=s3.endpoint_url,
        bucket=s3.bucket,
        access_key=SecretStr(s3.access_key),
        secret_key=SecretStr(s3.secret_key),
        shortest_lock_s=1,
    )
    app = App(Settings(archive=bucket, catalogue=CatalogueSettings(url=url)))
    app.database.upgrade()
    app.make_spool()
    yield Office(app, s3)
    app.close()


def _new_database(url: str) -> str:
    """One that no other test looks into; its URL."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE keeping")
    engine.dispose()
    return sa.make_url(url).set(database="keeping").render_as_string(hide_password=False)


def test_what_is_held_cannot_be_deleted_until_it_is_released(office: Office, tmp_path: Path) -> None:
    kept = office.recording(tmp_path)
    office.do(keeping.add_holds, [kept.id], "訴訟", None)
    assert [each.legal_hold for each in office.objects(kept)] == [True, True]
    assert now_of(office.app.database, kept).hold and office.log(kept) == ["to-be-held", "held"]
    over = kept.retain_until
    assert over
    eventually(lambda: datetime.now(UTC) > over + timedelta(seconds=1), 20, "the end of the lock")
    assert office.delete(kept) == 0, "only the hold keeps them now"
    office.do(keeping.release_holds, [kept.id], "終結", None)
    assert [each.legal_hold for each in office.objects(kept)] == [False, False]
    assert not now_of(office.app.database, kept).hold
    assert office.delete(kept) == 2


def test_several_at_once_leave_bucket_and_catalogue_agreed(office: Office, tmp_path: Path) -> None:
    kept = office.recording(tmp_path)
    numbers = [request(office.app.database, datetime.now(UTC)) for _ in range(4)]
    with ThreadPoolExecutor(len(numbers)) as pool:
        list(pool.map(lambda each: office.do(keeping.add_holds, [kept.id], "調査", each), numbers))
        assert now_of(office.app.database, kept).hold and office.log(kept).count("held") == len(numbers)
        list(pool.map(lambda each: office.do(keeping.release_holds, [kept.id], "終結", each), numbers))
    assert not now_of(office.app.database, kept).hold and office.log(kept).count("released") == len(numbers)
    assert [each.legal_hold for each in office.objects(kept)] == [False, False]
    with office.app.database.read() as connection:
        assert custody.broken_at(connection) is None


def test_longer_retention_and_incidents_lock_both_objects_for_longer(office: Office, tmp_path: Path) -> None:
    kept = office.recording(tmp_path)
    until = datetime.now(UTC) + timedelta(days=30)
    office.do(keeping.retain, [kept.id], until, "苦情")
    locks = [(each.lock_mode, each.retain_until) for each in office.objects(kept)]
    assert locks[0] == locks[1] and locks[0][0] == "governance"
    assert locks[0][1] and timedelta(0) <= locks[0][1] - until < timedelta(seconds=1)
    office.do(keeping.mark_incidents, [kept.id], "課長報告")
    now = now_of(office.app.database, kept)
    assert now.incident and now.retain_until and now.retain_until > until + timedelta(days=1700)
    assert all(each.retain_until and each.retain_until >= now.retain_until for each in office.objects(kept))
    office.do(keeping.clear_incidents, [kept.id], "人違い")
    assert not now_of(office.app.database, kept).incident
    assert all(each.retain_until and each.retain_until >= now.retain_until for each in office.objects(kept))
    assert office.delete(kept) == 0


def test_a_server_that_refuses_to_hold_is_said_and_nothing_claimed(office: Office, tmp_path: Path) -> None:
    kept = office.recording(tmp_path)
    settings = office.app.settings
    keys = {
        "access_key": SecretStr(office.s3.weak_access_key),
        "secret_key": SecretStr(office.s3.weak_secret_key),
    }
    weak = Office(
        App(settings.model_copy(update={"archive": settings.archive.model_copy(update=keys)})), office.s3
    )
    weak.do(keeping.retain, [kept.id], datetime.now(UTC) + timedelta(days=1), "苦情")
    with pytest.raises(StoreUnreachable, match=r"does not let us use bucket .*AccessDenied"):
        weak.do(keeping.add_holds, [kept.id], "訴訟", None)
    weak.app.close()
    assert not now_of(office.app.database, kept).hold and office.log(kept)[-1] == "to-be-held"
    assert [each.legal_hold for each in office.objects(kept)] == [False, False]
    office.do(keeping.add_holds, [kept.id], "訴訟", None)
    assert office.log(kept)[-1] == "held" and now_of(office.app.database, kept).hold
