"""Disks that will be full, permissions that are too wide, a controller with other settings, a database that
takes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from callrec.app import App
from callrec.catalogue import trial
from callrec.catalogue.tables import metadata
from callrec.settings import CatalogueSettings, HelpSettings
from callrec.spool import status
from tests.unit.doctor.look import check, with_settings


@pytest.fixture
def own(app: App) -> App:
    """An app whose files are its owner's only, as callrec makes them."""
    assert app.spool and app.database.file
    app.database.file.chmod(0o600)
    return app


def _config(own: App, mode: int) -> Path:
    path = own.settings.spool.directory.parent / "callrec.toml"
    path.touch()
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_what_is_the_owners_only(own: App, mode: int) -> None:
    result = check(own, "permissions", config=_config(own, mode))
    assert result.ok and "callrec.toml" in result.found and "spool" in result.found


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        ("callrec.toml", 0o640, "chmod 600"),
        ("callrec.toml", 0o604, "chmod 600"),
        ("spool", 0o755, "chmod 700"),
        ("c.db", 0o644, "chmod 600"),
        (".", 0o777, "chmod 755"),
    ],
)
def test_what_others_may_read(own: App, name: str, mode: int, words: str) -> None:
    config = _config(own, 0o600)
    (config.parent / name).chmod(mode)
    result = check(own, "permissions", config=config)
    assert not result.ok and f"others may read or change {config.parent / name}: {words}" in result.found


def test_what_belongs_to_somebody_else(own: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    result = check(own, "permissions")
    assert not result.ok and "and this is 4321: run callrec as" in result.found


def test_what_is_not_there_is_another_checks_matter(app: App, tmp_path: Path) -> None:
    changed = with_settings(app, catalogue=CatalogueSettings(url=f"sqlite:///{tmp_path}/none/at.db"))
    app.spool.directory.chmod(0o700)
    assert check(changed, "permissions").ok
    changed.close()


@pytest.fixture
def disk(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    free = {"bytes": 50 * 10**9}
    monkeypatch.setattr(app.spool, "free_bytes", lambda: free["bytes"])
    yield free


def _recorded(monkeypatch: pytest.MonkeyPatch, *gigabytes: float) -> None:
    days = iter(gigabytes)
    monkeypatch.setattr(
        "callrec.catalogue.reports.spool_bytes", lambda connection, begin, end: next(days, 0.0) * 10**9
    )


@pytest.mark.parametrize(
    ("recorded", "ok", "words"),
    [
        ((), True, "50.0 GB free; nothing was recorded in the last 7 days"),
        ((10, 40, 20), True, "50.0 GB free; enough for 30 h without the S3 server"),
        (
            (0, 0, 0, 0, 0, 0, 100),
            False,
            "full after 12.0 h without the S3 server, on a day like the busiest",
        ),
    ],
)
def test_how_long_the_s3_server_may_be_away(
    app: App, disk: object, monkeypatch: pytest.MonkeyPatch, recorded: tuple[float, ...], ok: bool, words: str
) -> None:
    _recorded(monkeypatch, *recorded)
    result = check(app, "disk")
    assert result.ok is ok and words in result.found


def test_a_spool_that_is_full(app: App, disk: dict[str, int]) -> None:
    disk["bytes"] = 10**9
    assert "has 1.0 GB left: make room" in check(app, "disk").found


def test_a_reserve_that_was_let_go(app: App, disk: dict[str, int]) -> None:
    assert check(app, "disk").ok, "no controller runs that would make it"
    app.spool.lock()
    result = check(app, "disk")
    assert not result.ok and "was let go, and is not there again: make room" in result.found
    app.spool.keep_room()
    assert check(app, "disk").ok


def test_a_spool_whose_disk_is_not_mounted(app: App) -> None:
    app.spool.directory.rename(app.spool.directory.with_name("elsewhere"))
    here = with_settings(app)
    result = check(here, "disk")
    assert not result.ok and "mount its disk" in result.found


def test_a_folder_that_takes_no_files(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("callrec.doctor.machine.draft", refuse)
    for part in ("disk", "other disks"):
        result = check(app, part)
        assert not result.ok and "takes no files (the disk cannot be written)" in result.found


@pytest.mark.parametrize("altered", [True, False])
def test_a_controller_that_runs_with_other_settings(
    app: App, monkeypatch: pytest.MonkeyPatch, altered: bool
) -> None:
    running = with_settings(app, help=HelpSettings(phone="2900")) if altered else app
    app.spool.lock()
    status.write(app.spool.directory, {"pid": os.getpid(), "settings": status.mark_of(running.settings)})
    monkeypatch.setattr(app.pbx, "app_is_connected", lambda: True)
    result = check(app, "controller")
    assert result.ok is not altered and ("runs with other settings" in result.found) is altered


def test_a_controller_that_runs_as_somebody_else(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.spool.lock()
    status.write(app.spool.directory, {"pid": os.getpid()})
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert re.search(
        r"runs as \S+ and this as 4321: .* sudo -u \S+ callrec doctor", check(app, "controller").found
    )


def test_no_secret_marks_the_settings(app: App) -> None:
    def mark(password: str) -> str:
        url = f"postgresql://callrec:{password}@host/name"
        changed = {
            "catalogue": CatalogueSettings(url=url),
            "help": HelpSettings(smtp_user="callrec", smtp_password=password),
        }
        return status.mark_of(with_settings(app, **changed).settings)

    assert mark("one") == mark("two") != status.mark_of(app.settings)


def test_a_database_in_which_nothing_may_be_written(app: App) -> None:
    assert app.database.file
    assert check(app, "database").ok
    with app.database.begin() as connection:
        counts = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        ]
    with app.database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            trial.write_nothing(connection)
        connection.exec_driver_sql("PRAGMA query_only=OFF")
    assert sum(counts) <= 1, "nothing was written but the revision, at the beginning"
