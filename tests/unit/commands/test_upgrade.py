"""callrec upgrade: says what it would do, does it, and touches nothing that a newer callrec has made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.catalogue.database import Database
from callrec.commands import COMMANDS
from callrec.spool.directory import Spool
from tests.old_database import migrated
from tests.unit.program import Done

Run = Callable[..., Done]


def _steps(done: Done) -> dict[str, str]:
    return {each["part"]: each["step"] for each in json.loads(done.out)}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/c.db")


def test_there_is_nothing_to_do(office: Run) -> None:
    done = office("upgrade", "--check", "--json")
    assert (done.code, done.err) == (0, "")
    assert _steps(done) == dict.fromkeys(("database", "spool", "manifests"), "nothing")
    assert office("upgrade").code == 0


def test_an_older_database_is_told_and_brought_up(office: Run, database: Database) -> None:
    migrated(database, "0015")
    database.close()
    done = office("upgrade", "--check", "--json")
    assert done.code == 1 and "make a backup" in done.complaint
    assert _steps(done)["database"] == "migrate"
    assert office("upgrade", "--check").code == 1, "it changes nothing"
    assert office("upgrade").code == 0
    assert office("upgrade", "--check").code == 0


def test_what_is_not_there_is_made(office: Run, tmp_path: Path) -> None:
    (tmp_path / "c.db").unlink()
    shutil.rmtree(tmp_path / "spool")
    done = office("upgrade", "--check", "--json")
    assert done.code == 1 and not (tmp_path / "c.db").exists() and not (tmp_path / "spool").exists()
    assert _steps(done) == {"database": "make", "spool": "make", "manifests": "nothing"}
    assert office("upgrade").code == 0
    assert office("upgrade", "--check").code == 0


def _newer_database(folder: Path) -> None:
    made = Database(f"sqlite:///{folder}/c.db")
    with made.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    made.close()


def _newer_spool(folder: Path) -> None:
    (folder / "spool/version-2").rename(folder / "spool/version-3")


def _newer_manifest(folder: Path) -> None:
    waiting = folder / "spool/recordings/x/x.manifest.json"
    waiting.parent.mkdir(parents=True)
    waiting.write_text('{"schema": "callrec-manifest/4"}')


@pytest.mark.parametrize(
    ("part", "made"),
    [("database", _newer_database), ("spool", _newer_spool), ("manifests", _newer_manifest)],
)
def test_what_a_newer_callrec_has_made_is_not_touched(
    office: Run, tmp_path: Path, part: str, made: Callable[[Path], None]
) -> None:
    made(tmp_path)
    done = office("upgrade", "--check", "--json")
    assert done.code == 4 and f"{part}: of another version" in done.complaint
    assert _steps(done)[part] == "refused"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = office("upgrade")
    assert done.code == 4 and f"{part}: of another version" in done.complaint
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_manifests_that_an_older_version_has_left_are_read(office: Run, tmp_path: Path) -> None:
    for number in (1, 2):
        waiting = tmp_path / f"spool/recordings/{number}/{number}.manifest.json"
        waiting.parent.mkdir(parents=True)
        waiting.write_text(json.dumps({"schema": f"callrec-manifest/{number}"}))
    done = office("upgrade", "--check", "--json")
    assert (done.code, done.err) == (0, "")
    found = [each["there"] for each in json.loads(done.out) if each["part"] == "manifests"]
    assert found == ["callrec-manifest/1", "callrec-manifest/2"]


def test_a_damaged_manifest_keeps_nobody_from_looking(office: Run, tmp_path: Path) -> None:
    waiting = tmp_path / "spool/recordings/x/x.manifest.json"
    waiting.parent.mkdir(parents=True)
    for said in (b"", b"[]", b"\xff"):
        waiting.write_bytes(said)
        assert office("upgrade", "--check").code == 0


def test_the_spool_is_only_looked_at(office: Run, tmp_path: Path) -> None:
    Spool(tmp_path / "spool")
    (tmp_path / "spool/calls/x.json").write_text("{}")
    (tmp_path / "spool/version-2").unlink()
    assert office("upgrade", "--check").code == 4, "a spool of version 1 is finished by its own callrec"


_ASK = {
    "search": (),
    "show": ("01a203e6-930a",),
    "facility": ("list",),
    "extension": ("list",),
    "rule": ("list",),
    "hold": ("list",),
    "request": ("list",),
    "access": ("list",),
    "verify": ("--all",),
    "purge": ("--dry-run",),
    "custody": ("report", "2026-11-22"),
    "note": ("01a203e6-930a", "x"),
    "backup": ("b",),
    "restore": ("b",),
    "serve": (),
    "desk": (),
    "init": (),
}


@pytest.mark.parametrize("command", sorted(_ASK))
def test_no_command_touches_a_newer_database(office: Run, tmp_path: Path, command: str) -> None:
    assert command in COMMANDS
    if command == "restore":
        assert office("backup", "b").code == 0
    _newer_database(tmp_path)
    before = (tmp_path / "c.db").read_bytes()
    done = office(command, *_ASK[command])
    assert done.code in (3, 4) and "9999 of a newer callrec: upgrade callrec" in done.complaint, done.err
    assert (tmp_path / "c.db").read_bytes() == before
