"""callrec init on a real S3 server and a real PostgreSQL: what it makes, and what it says is lacking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from callrec.archive.s3 import S3Store
from callrec.demo.s3 import CONTROLLER, DemoS3
from callrec.settings_file import load
from tests.unit.program import Done

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def s3(scratch: Path) -> Iterator[DemoS3]:
    server = DemoS3(scratch / "init-s3")
    server.start()
    yield server
    server.stop()


def _init(run: Run, answers: dict[str, str], *words: str) -> Done:
    """Has init write a configuration by a file of answers."""
    path = Path("answers.toml")
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in answers.items()))
    path.chmod(0o600)
    Path("callrec.toml").unlink(missing_ok=True)
    done = run("init", "--non-interactive", "--answers", str(path), *words)
    path.unlink()
    return done


def _answers(s3: DemoS3, bucket: str, who: str = "") -> dict[str, str]:
    keys = s3.keys[who] if who else s3
    return {
        "database_url": "sqlite:///c.db",
        "spool": "spool",
        "s3_url": s3.endpoint_url,
        "bucket": bucket,
        "access_key": keys.access_key,
        "secret_key": keys.secret_key,
    }


def test_the_bucket_is_made_with_object_lock_and_versions(run: Run, s3: DemoS3) -> None:
    done = _init(run, _answers(s3, "init-one"), "--make-bucket")
    assert done.code == 0 and not done.err, done.err
    assert "bucket init-one is made" in done.out and "archive: bucket init-one, lock: governance" in done.out
    settings = load("callrec.toml").archive
    assert S3Store(settings).locks()
    client: object = s3.client()
    versions = client.get_bucket_versioning(Bucket="init-one")  # type: ignore[attr-defined]
    assert versions["Status"] == "Enabled"
    again = run("init", "--non-interactive", "--make-bucket")
    assert again.code == 0 and "bucket init-one is there already" in again.out


def test_a_missing_bucket_is_told_and_made_only_when_that_is_asked(run: Run, s3: DemoS3) -> None:
    done = _init(run, _answers(s3, "init-two"))
    assert done.code == 0 and "archive: there is no bucket init-two on the S3 server" in done.err
    client: object = s3.client()
    names = [each["Name"] for each in client.list_buckets()["Buckets"]]  # type: ignore[attr-defined]
    assert "init-two" not in names


def test_a_key_that_may_make_no_bucket_is_told_of(run: Run, s3: DemoS3) -> None:
    done = _init(run, _answers(s3, "init-three", CONTROLLER), "--make-bucket")
    assert done.code == 3 and Path("callrec.toml").exists()
    assert "the key may make no bucket: have whoever runs the S3 server make init-three" in done.err


def test_a_wrong_key_is_told_of(run: Run, s3: DemoS3) -> None:
    done = _init(run, {**_answers(s3, s3.bucket), "secret_key": "wrong"})
    assert done.code == 0 and done.err.startswith("archive: ") and len(done.err.splitlines()) == 1
    assert "wrong" not in done.err.replace("is wrong", "").replace("are wrong", "")


# --- PostgreSQL


def _database(run: Run, url: str) -> Done:
    return _init(run, {"database_url": url, "spool": "spool"})


def test_what_a_postgresql_lacks_is_named_until_the_tables_are_made(run: Run, postgresql: str) -> None:
    admin = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    url = sa.make_url(postgresql).set(username="init_user", password="init-secret")
    text = url.set(database="init_office").render_as_string(hide_password=False)

    def do(*statements: str, engine: sa.Engine = admin) -> None:
        with engine.connect() as connection:
            for each in statements:
                connection.exec_driver_sql(each)

    done = _database(run, text)
    assert done.code == 3 and "sudo -u postgres createuser --pwprompt init_user" in done.complaint
    do("CREATE ROLE init_user LOGIN PASSWORD 'init-secret'")
    try:
        done = _database(run, text)
        assert done.code == 3 and "sudo -u postgres createdb --owner=init_user init_office" in done.complaint
        do("CREATE DATABASE init_office")
        done = _database(run, text)
        assert done.code == 3 and 'GRANT CREATE ON SCHEMA public TO "init_user"' in done.complaint
        assert not Path("callrec.toml").exists() and "init-secret" not in done.out + done.err
        inside = sa.create_engine(
            sa.make_url(postgresql).set(database="init_office"), isolation_level="AUTOCOMMIT"
        )
        do('GRANT CREATE ON SCHEMA public TO "init_user"', engine=inside)
        inside.dispose()
        done = _database(run, text)
        assert done.code == 0 and "init_office is ready" in done.out and "init-secret" not in done.out
        assert run("facility", "add", "shiba", "--name", "芝").code == 0
    finally:
        do("DROP DATABASE IF EXISTS init_office WITH (FORCE)", "DROP ROLE init_user")
        admin.dispose()
