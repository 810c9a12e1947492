"""What somebody does to the custody log is found by the anchors in the bucket: on a real S3 server, with a
real authority of time-stamps, on both databases.

An office without a PBX, with a bucket and a database of its own for each test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import ids
from callrec.app import App
from callrec.catalogue import custody, tables
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.evidence import anchor as documents
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchors import FoundAnchor, day_of
from callrec.evidence.keys import SigningKey
from callrec.settings import EvidenceSettings
from callrec.settings_file import load
from tests.authority import Authority, answering, authority
from tests.integration.conftest import DATABASES
from tests.integration.desk_office import own_database
from tests.integration.system import SystemUnderTest, callrec, eventually
from tests.tampering import altered
from tests.told import told_by
from tests.unit.kept_recording import archive

DAY = timedelta(days=1)
Row = dict[str, Any]


class Office:
    """A custody log, a bucket, and recordings that both tell of."""

    def __init__(self, home: Path, url: str, s3: DemoS3) -> None:
        client: Any = s3.client()
        self.s3, self.bucket = client, f"office-{ids.new()}"
        client.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        self.config = home / "callrec.toml"
        answers = Answers(
            database_url=url,
            spool=str(home / "spool"),
            s3_url=s3.endpoint_url,
            bucket=self.bucket,
            access_key=s3.access_key,
            secret_key=s3.secret_key,
        )
        write_file(self.config, answers)
        self.app = App(load(str(self.config)))
        self.app.database.upgrade()
        self.app.make_spool()
        self.app.keys.new("test", datetime.now(UTC))
        self.at = datetime.now(UTC) - 30 * DAY

    def day(self) -> FoundAnchor:
        """The next day: a recording, and an anchor some hours later."""
        self.at += DAY
        kept = archive(self.app.database, None, self.at, manifest_sha256=os.urandom(32).hex())
        with self.app.database.begin() as connection:
            custody.append(connection, kept.id, "captured", who="callrec", at=self.at)
            sha256 = kept.manifest_sha256
            custody.append(connection, kept.id, "archived", who="callrec", at=self.at, manifest_sha256=sha256)
        return self.anchor()

    def anchor(self) -> FoundAnchor:
        return self.app.anchorer().anchor(AnchorReason.EXPORT, "callrec", self.at + DAY / 4)

    def problems(self) -> list[str]:
        return [str(each) for each in self.app.custody_check().problems()]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return callrec("--config", str(self.config), *arguments, LANG="C.UTF-8", **variables)

    # --- what somebody does who may do anything to the database

    def copy(self) -> tuple[list[Row], list[Row]]:
        """What the database has of the log and of recordings."""
        with self.app.database.read() as connection:
            log, kept = (
                connection.execute(sa.select(each)).mappings() for each in (tables.custody, tables.recordings)
            )
            return [dict(each) for each in log], [dict(each) for each in kept]

    def restore(self, copy: tuple[list[Row], list[Row]]) -> None:
        """An older copy of the database takes the place of the one there is."""
        with self.app.database.begin() as connection, altered(connection):
            for table, rows in zip((tables.custody, tables.recordings), copy, strict=True):
                connection.execute(table.delete())
                connection.execute(table.insert(), rows)

    def rewrite(self, seq: int) -> None:
        """One row says something else, and every hash after it is computed anew."""
        log, _ = self.copy()
        with self.app.database.begin() as connection, altered(connection):
            connection.execute(tables.custody.delete())
            for row in sorted(log, key=lambda row: row["seq"]):
                who = "nobody" if row["seq"] == seq else row["who"]
                said = (row["recording_id"], row["action"])
                custody.append(connection, *said, who=who, at=row["at"], **row["details"])

    def cut(self, seq: int) -> None:
        with self.app.database.begin() as connection, altered(connection):
            connection.execute(tables.custody.delete().where(tables.custody.c.seq > seq))


@pytest.fixture(scope="module")
def s3(scratch: Path) -> Iterator[DemoS3]:
    made = DemoS3(scratch / "anchors-s3")
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=DATABASES)
def office(request: pytest.FixtureRequest, tmp_path: Path, s3: DemoS3) -> Iterator[Office]:
    """An office with an anchor on each of three days."""
    if request.param == "postgresql":
        url = own_database(request.getfixturevalue("postgresql"))
    else:
        url = f"sqlite:///{tmp_path}/catalogue.db"
    made = Office(tmp_path, url, s3)
    for _ in range(3):
        made.day()
    yield made
    made.app.close()


def test_a_rewritten_chain(office: Office) -> None:
    assert not office.problems()
    with office.app.database.begin() as connection:
        custody.append(connection, "", "refused", who="nobody", at=office.at + DAY / 2)
    office.rewrite(7)
    assert not office.problems(), "what was written since the last anchor is under none"
    office.rewrite(4)
    done = office.run("custody", "verify")
    assert done.returncode == 5, done.stdout
    assert "the custody log was rewritten after" in done.stdout
    with office.app.database.read() as connection:
        assert custody.broken_at(connection) is None, "in itself it is whole"


def test_a_tail_that_was_cut_off(office: Office) -> None:
    office.cut(3)
    (found,) = office.problems()
    assert found.startswith("the custody log was cut off at its end after") and "rows 4 to 6" in found
    assert "still has 2 recordings" in found


def test_an_older_copy_of_the_database_that_went_on(office: Office) -> None:
    copy = office.copy()
    lost = office.day()
    office.restore(copy)
    older, one = office.problems()
    assert older.startswith("the database is an older copy, taken back after") and lost.key in older
    assert "neither in the catalogue nor in the bucket" in one
    office.day()
    went_on, _ = office.problems()
    assert went_on.startswith("the database was taken back to an older copy between")
    office.anchor()
    assert len(office.problems()) == 2, "an anchor does not make it good"
    done = office.run("custody", "anchor", "--note", "failover to the other machine")
    assert done.returncode == 0 and done.stdout.count("known by its note") == 2
    done = office.run("custody", "verify", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert [each["known"]["note"] for each in rows] == ["failover to the other machine"] * 2
    assert rows[0]["anchors"] == [lost.key]


def test_anchors_that_somebody_touched(office: Office) -> None:
    first, second, third = office.app.anchors().all()
    versions = office.s3.list_object_versions(Bucket=office.bucket, Prefix=second.key)["Versions"]
    with pytest.raises(office.s3.exceptions.ClientError, match="AccessDenied"):
        office.s3.delete_object(Bucket=office.bucket, Key=second.key, VersionId=versions[0]["VersionId"])
    stranger = SigningKey(Ed25519PrivateKey.generate())
    forged = documents.write(replace(second.believed, custody_hash="0" * 64), stranger)
    office.s3.put_object(Bucket=office.bucket, Key=second.key, Body=forged)
    office.s3.delete_object(Bucket=office.bucket, Key=third.key)
    name = replace(third.name, nth=2)
    office.s3.put_object(Bucket=office.bucket, Key=name.key, Body=forged)
    office.s3.put_object(Bucket=office.bucket, Key=first.name.leaves_key, Body=b"{}")
    assert [each.split(": ", 1) for each in office.problems()] == [
        [second.key, "something was put over it, or it was deleted"],
        [third.key, "something was put over it, or it was deleted"],
        [
            name.key,
            f"it is signed by key {stranger.key_id}, which is none of ours: see callrec evidence key list",
        ],
    ]
    found = list(office.app.anchors().all())
    assert [each.data for each in found[:3]] == [first.data, second.data, third.data], "they are there still"
    assert office.day().believed.number == 4, "and it goes on"


def test_several_processes_make_one_chain(office: Office) -> None:
    command = [
        sys.executable,
        "-m",
        "callrec",
        "--config",
        str(office.config),
        "custody",
        "anchor",
        "--quiet",
    ]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    keys = {child.communicate()[0].strip() for child in children}
    assert len(keys) == 3 and all(child.returncode == 0 for child in children)
    assert [each.believed.number for each in office.app.anchors().all()] == [*range(1, 7)]
    assert not office.problems()


@contextmanager
def _asked(office: Office, made: Authority) -> Iterator[None]:
    """The office asks this authority."""
    with answering(made) as url:
        evidence = {"keys": office.app.settings.evidence.keys, "tsa_url": url, "tsa_ca_file": made.root}
        settings = office.app.settings.model_copy(update={"evidence": EvidenceSettings(**evidence)})
        before, office.app.settings = office.app.settings, settings
        yield
        office.app.settings = before


def test_time_stamps(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tsa = authority(tmp_path / "tsa")
    newest = list(office.app.anchors().all())[-1]
    with _asked(office, tsa):
        tsa.faketime = "+2h"
        told = _stamped(office)
        assert told and "127.0.0.1 stamps with the time" in told[0] and not office.app.anchors().stamps()
        tsa.faketime, tsa.away = "", True
        assert not _stamped(office), "it is waited for"
        tsa.away = False
        assert not _stamped(office) and not office.problems()
        assert [*office.app.anchors().stamps().values()] == [[1]] * 4, "that of today is there by now"
        locked = office.app.store.head(newest.name.stamp_key()).retain_until
        assert locked and locked > datetime.now(UTC) + 3650 * DAY
        soon = datetime.now(UTC) + 340 * DAY
        monkeypatch.setattr(App, "now", property(lambda app: soon))
        tsa.faketime = "+340d"
        tsa.certify(since="+340d")
        assert not _stamped(office)
        assert office.app.anchors().stamps()[newest.name] == [1, 2]
        later = datetime.now(UTC) + 500 * DAY
        monkeypatch.setattr(App, "now", property(lambda app: later))
        assert not office.problems(), "the first certificate has ended, the second holds"
        variables = {"CALLREC_EVIDENCE__TSA_CA_FILE": str(tsa.root)}
    done = office.run("custody", "verify", **variables)
    assert done.returncode == 0 and "5 anchors have a time-stamp\n" in done.stdout
    office.s3.put_object(Bucket=office.bucket, Key=newest.name.stamp_key(3), Body=b"junk")
    done = office.run("custody", "verify", **variables)
    assert done.returncode == 5 and "the time-stamp cannot be read" in done.stdout


def _stamped(office: Office) -> list[str]:
    """Does once what the controller does each day; what it tells status."""
    daily = office.app.daily_anchors()
    daily.work()
    return told_by(daily)


def test_the_controller_makes_one_a_day(system: SystemUnderTest) -> None:
    def daily() -> list[date]:
        anchors = [each.believed for each in system.app.anchors().all()]
        made = [each.made_at for each in anchors if each.reason is AnchorReason.DAILY]
        return [day_of(each, system.app.settings.office.zone) for each in made]

    days = eventually(daily, what="an anchor")
    assert len(days) == len(set(days)), "others may have been made since"
    assert system.callrec("custody", "verify").returncode == 0
    kept = system.record_call("0311150001")
    assert system.callrec("custody", "anchor").returncode == 0
    path = system.app.anchors().path_of(kept.id, kept.manifest_sha256)
    assert path.under.believed.manifests >= 1
    assert system.callrec("custody", "verify").returncode == 0
