"""Recordings that the S3 server encrypts, on a real one: by its own key, and by one of its key management."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from callrec import ids
from callrec.app import App
from callrec.catalogue.calls import ArchivedRecording, find_recording
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.doctor.check import Checkup, Result
from callrec.doctor.run import CHECKS, run
from callrec.evidence.keys import KeyFolder
from callrec.files import file_sha256
from callrec.model.captures import Track
from callrec.settings_file import load
from callrec.signing import opened
from tests.integration.system import callrec
from tests.told import told_by
from tests.unit.bench import make_bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import CALL_ID, END, START, captured_call, segment

KEY = "alias/seaweedfs-default"
"""The key that SeaweedFS's own key management makes, in memory: for trials only."""
SAID = {"s3": "AES256", "kms": "aws:kms"}


class ManagedS3(DemoS3):
    """A server with a key management."""

    def _identities(self) -> dict[str, object]:
        kms = {"default_provider": "local", "providers": {"local": {"type": "local"}}}
        return {**super()._identities(), "kms": kms}


@dataclass
class Office:
    """An archive in a folder, without a PBX; `kept` has one recording for each way to encrypt."""

    home: Path
    s3: DemoS3
    kept: dict[str, ArchivedRecording]

    @property
    def config(self) -> Path:
        return self.home / "callrec.toml"

    def configure(self) -> None:
        write_file(
            self.config,
            Answers(
                database_url=f"sqlite:///{self.home}/c.db",
                spool=str(self.home / "spool"),
                s3_url=self.s3.endpoint_url,
                access_key=self.s3.access_key,
                secret_key=self.s3.secret_key,
            ),
        )

    def app(self, encryption: str) -> App:
        """As it is with this setting."""
        settings = load(str(self.config))
        key = KEY if encryption == "kms" else ""
        archive = settings.archive.model_copy(update={"encryption": encryption, "kms_key_id": key})
        return App(settings.model_copy(update={"archive": archive}))

    def archive(self, encryption: str) -> None:
        """Records a call with this setting."""
        app, id_ = self.app(encryption), ids.new()
        key, store = app.keys.signer(), cast(MemoryStore, app.store)
        bench = make_bench(self.home / encryption, app.database, store, key=key)
        bench.deposit._encryption = encryption
        tracks = [Track(f"callrec/{id_}-1-{side}", START, END) for side in ("external", "staff")]
        for track, hertz in zip(tracks, (500, 700), strict=True):
            bench.track(track.name, hertz)
        made = segment(external=tracks[0], staff=tracks[1])
        call = {"id": CALL_ID[:-1] + str(len(self.kept))}
        bench.spool.hand_over(captured_call(recording_id=id_, segments=(made,), call=call))
        bench.archiver.work()
        with app.database.read() as connection:
            found = find_recording(connection, id_)
        assert found, told_by(bench.archiver)
        self.kept[encryption] = found
        app.close()

    def marks_on_disk(self) -> int:
        """How often the beginning of a FLAC file stands in the files of the server."""
        files = [path for path in self.s3.home.rglob("*") if path.is_file() and path.suffix != ".log"]
        return sum(path.read_bytes().count(b"fLaC") for path in files)


@pytest.fixture(scope="module")
def office(scratch: Path) -> Iterator[Office]:
    home = scratch / "encrypted"
    home.mkdir()
    s3 = ManagedS3(home / "s3")
    try:
        s3.start()
        made = Office(home, s3, {})
        made.configure()
        app = made.app("none")
        app.database.upgrade()
        app.make_spool()
        app.keys.first("test", app.now)
        app.close()
        for encryption in ("s3", "kms"):
            made.archive(encryption)
        assert made.marks_on_disk() == 0, "nothing of them can be read from the disk"
        made.archive("none")
        assert made.marks_on_disk() > 0, "what is not encrypted can"
        yield made
    finally:
        s3.stop()


def _head(office: Office, key: str) -> dict[str, Any]:
    client: Any = office.s3.client()
    found: dict[str, Any] = client.head_object(Bucket=office.s3.bucket, Key=key)
    return found


@pytest.mark.parametrize("encryption", ["none", "s3", "kms"])
def test_the_server_says_how_it_keeps_them(office: Office, encryption: str) -> None:
    kept = office.kept[encryption]
    for key in (kept.key, kept.manifest_key):
        found = _head(office, key)
        assert found.get("ServerSideEncryption") == SAID.get(encryption)
        assert bool(found.get("SSEKMSKeyId")) == (encryption == "kms")
        assert found["ObjectLockMode"] == "GOVERNANCE", "they are locked all the same"


@pytest.mark.parametrize("setting", ["none", "s3"])
def test_they_are_fetched_and_verified_whatever_the_setting_is_now(
    office: Office, tmp_path: Path, setting: str
) -> None:
    kept = list(office.kept.values())
    environment = {"CALLREC_ARCHIVE__ENCRYPTION": setting}
    ids_ = [each.id for each in kept]
    fetched = callrec("--config", str(office.config), "fetch", *ids_, "-o", str(tmp_path), **environment)
    assert fetched.returncode == 0, fetched
    assert all(file_sha256(tmp_path / f"{each.id}.flac") == each.sha256 for each in kept)
    verified = callrec("--config", str(office.config), "verify", *ids_, **environment)
    assert verified.returncode == 0, verified


@pytest.mark.parametrize("encryption", ["s3", "kms"])
def test_what_is_said_of_keys_is_encrypted_too(office: Office, encryption: str) -> None:
    """As all small documents are."""
    app = office.app(encryption)
    folder = KeyFolder(office.home / f"keys-{encryption}")
    folder.first("test", app.now)
    app.__dict__["keys"] = folder
    app.key_copies.put()
    key = f"evidence/keys/{folder.signer().key_id}.json"
    assert _head(office, key)["ServerSideEncryption"] == SAID[encryption]
    assert opened(b"".join(app.store.read(key)), folder.public)
    app.close()


def _look(office: Office, encryption: str, **settings: str) -> Result:
    """What doctor says of the archive."""
    app = office.app(encryption)
    archive = app.settings.archive.model_copy(update=settings)
    asked = App(app.settings.model_copy(update={"archive": archive}))
    (check,) = [each for each in CHECKS if each[0] == "archive"]
    return run(check, Checkup(asked))


def test_doctor_tries_it(office: Office) -> None:
    result = _look(office, "s3")
    assert result.ok and "encryption: s3" in result.found


def test_doctor_names_a_key_that_the_server_has_not(office: Office) -> None:
    result = _look(office, "kms", kms_key_id="alias/none")
    assert not result.ok and "check archive.encryption and kms_key_id" in result.found
    assert "\n" not in result.found
