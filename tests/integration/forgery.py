"""An archive without a PBX, on a real bucket with Object Lock, for those who forge what is in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from callrec.app import App
from callrec.catalogue import custody, tables
from callrec.catalogue.calls import ArchivedRecording, find_recording
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import verification
from callrec.evidence.keys import SigningKey
from callrec.model.access import Caller, Through
from callrec.settings_file import load
from tests.edited_columns import prepare
from tests.integration.system import callrec
from tests.unit.bench import Bench, make_bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import CALL_ID, RECORDING_ID

FIRST, SECOND = RECORDING_ID, RECORDING_ID[:-1] + "2"


class Archive:
    """A catalogue and a bucket with two recordings, FIRST and SECOND. `client` may do everything there."""

    def __init__(self, home: Path, url: str, s3: DemoS3) -> None:
        self.home, self.s3, self.config = home, s3, home / "callrec.toml"
        self.client: Any = s3.client()
        write_file(
            self.config,
            Answers(
                database_url=url,
                spool=str(home / "spool"),
                s3_url=s3.endpoint_url,
                bucket=s3.bucket,
                access_key=s3.access_key,
                secret_key=s3.secret_key,
            ),
        )
        self.app = App(load(str(self.config)))
        self.app.database.upgrade()
        self.app.make_spool()
        self.app.keys.first("test", self.app.now)
        prepare(self.app.database)
        bench = self._bench("ours", self.app.keys.signer())
        bench.captured()
        assert bench.captured_too() == SECOND
        bench.archiver.work()

    def record_third(self, key: SigningKey) -> str:
        """Archives another recording, signed by a key; its id."""
        bench, id_ = self._bench("theirs", key), RECORDING_ID[:-1] + "3"
        bench.captured(recording_id=id_, call={"id": CALL_ID[:-1] + "c"})
        bench.archiver.work()
        return id_

    def _bench(self, name: str, key: SigningKey) -> Bench:
        return make_bench(self.home / name, self.app.database, cast(MemoryStore, self.app.store), key=key)

    def without_retries(self) -> None:
        """Has the client library ask the server once, and not twice."""
        events = cast(Any, self.app.store)._s3.meta.events
        events.unregister("needs-retry.s3", unique_id="retry-config-s3")

    def kept(self, id_: str = FIRST) -> ArchivedRecording:
        with self.app.database.read() as connection:
            found = find_recording(connection, id_)
        assert found
        return found

    def callrec(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the program on this archive."""
        return callrec("--config", str(self.config), *arguments, **environment)

    def do(self, wanted: Operation[..., Any], *args: Any, **options: Any) -> Any:
        """Does something as somebody who works directly."""
        done = perform(wanted, self.app, Caller("sato", frozenset(), Through.DIRECT), *args, **options)
        return list(done) if isinstance(done, Iterator) else done

    def verify(self, *ids: str, **options: Any) -> dict[str, list[str]]:
        """Of each recording what is wrong with it, as the operation behind the command tells."""
        told = self.do(verification.verify_recordings, list(ids), **{"everything": not ids, **options})
        assert all(each.ok == (not each.problems) for each in told)
        return {each.id: list(map(str, each.problems)) for each in told}

    def last(self, id_: str) -> custody.Entry:
        with self.app.database.read() as connection:
            return custody.of(connection, id_)[-1]

    def change(self, statement: Any) -> None:
        with self.app.database.begin() as connection:
            connection.execute(statement)

    def put(self, key: str, data: bytes) -> str:
        """Puts an object into the bucket, or over one; its version."""
        answer = self.client.put_object(Bucket=self.s3.bucket, Key=key, Body=data)
        return str(answer["VersionId"])

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.s3.bucket, Key=key)["Body"].read())

    def delete(self, key: str, version: str) -> None:
        """Deletes a version for good, also one that is locked."""
        self.client.delete_object(
            Bucket=self.s3.bucket, Key=key, VersionId=version, BypassGovernanceRetention=True
        )

    @contextmanager
    def without_row(self, id_: str) -> Iterator[None]:
        """A recording whose row is deleted by hand, with those that hang on it."""
        table, held = tables.recordings, tables.holds
        with self.app.database.begin() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == id_)).one()._asdict()
            query = sa.select(held).where(held.c.recording_id == id_)
            others = [each._asdict() for each in connection.execute(query)]
            connection.execute(held.delete().where(held.c.recording_id == id_))
            connection.execute(table.delete().where(table.c.id == id_))
        try:
            yield
        finally:
            self.change(table.insert().values(**row))
            for each in others:
                self.change(held.insert().values(**each))

    @contextmanager
    def flipped(self, data: bytes) -> Iterator[None]:
        """One byte of an object changed on the store's own disk; `data` is that object."""
        part = data[len(data) // 2 :][:64]
        found = [each for each in self.s3.home.rglob("*.dat") if part in each.read_bytes()]
        assert found, "the object is not on the disk"
        places = [(path, path.read_bytes().index(part) + 32) for path in found]
        for path, at in places:
            _flip(path, at)
        try:
            yield
        finally:
            for path, at in places:
                _flip(path, at)


def _flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
