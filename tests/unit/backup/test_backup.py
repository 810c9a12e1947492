"""callrec backup and restore: all comes back, nothing is written over, what was changed is refused."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callrec.app import App
from callrec.backup import listing
from callrec.backup.listing import ListedFile, Listing
from callrec.catalogue import custody
from callrec.catalogue.database import Database
from callrec.evidence.keys import KeyFolder
from callrec.files import file_sha256
from callrec.settings_file import load
from tests import every_table
from tests.old_database import migrated
from tests.unit.desk.server_thread import ThroughDesk
from tests.unit.program import SHIBA, Done

Run = Callable[..., Done]
WAITING = "01a203e6-930a-7000-8000-000000000001"
JOINING = "01a203e6-930a-7000-8000-000000000002"


@pytest.fixture
def office(office_after: Callable[..., Run], tmp_path: Path) -> Run:
    """An office with rows in every table, prompts of its own, and recordings that wait."""
    run = office_after(*SHIBA[:0])
    app = _app(tmp_path)
    every_table.fill(app.database)
    app.close()
    waiting = {WAITING: _names(WAITING), JOINING: ["captured.json", "0-external.wav"]}
    for id_, names in waiting.items():
        folder = tmp_path / "spool/recordings" / id_
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(f"{id_} {name}".encode())
    for name in ("calls", "checkpoints", "alerts", "discards"):
        (tmp_path / "spool" / name).mkdir(exist_ok=True)
        (tmp_path / "spool" / name / "x.json").write_text("{}")
    return run


def _names(id_: str) -> list[str]:
    return ["captured.json", f"{id_}.flac", f"{id_}.manifest.json", "tracks.json", "0-external.wav"]


def _app(folder: Path) -> App:
    return App(load(str(folder / "callrec.toml")))


def _rows(folder: Path) -> dict[str, Any]:
    app = _app(folder)
    try:
        return every_table.everything(app.database)
    finally:
        app.close()


def _lost(folder: Path) -> dict[str, Path]:
    """Takes everything away but the backup; returns where it was."""
    app = _app(folder)
    assert app.database.file
    places = {
        "database": app.database.file,
        "keys": app.settings.evidence.keys,
        "spool": app.settings.spool.directory,
        "configuration": folder / "callrec.toml",
    }
    app.close()
    for each in places.values():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return places


def test_all_of_it_comes_back(office: Run, tmp_path: Path) -> None:
    toml = (tmp_path / "callrec.toml").read_bytes()
    done = office("backup", "b")
    assert (done.code, done.err) == (0, "") and "1 recordings are on the PBX still" in done.out
    before = _rows(tmp_path)
    key = _app(tmp_path).keys.signer().key_id
    places = _lost(tmp_path)
    done = office("restore", "b")
    assert (done.code, done.err) == (0, ""), done.err
    assert "next: callrec catalogue rebuild" in done.out
    after = _rows(tmp_path)
    assert [row[4] for row in after["custody"]][-2:] == ["backed-up", "restored"]
    assert after.pop("custody")[:-1] == before.pop("custody")
    assert [1, ""] in [row[:2] for row in after.pop("rebuilding")] and before.pop("rebuilding")
    assert after == before
    assert (tmp_path / "callrec.toml").read_bytes() == toml
    app = _app(tmp_path)
    assert app.keys.signer().key_id == key and app.keys.records()
    with app.database.read() as connection:
        assert custody.broken_at(connection) is None
    app.close()
    spool = places["spool"]
    waits = {path.name: path.read_bytes() for path in (spool / "recordings" / WAITING).iterdir()}
    assert waits == {name: f"{WAITING} {name}".encode() for name in _names(WAITING)[:-1]}
    assert (spool / "calls/x.json").exists()
    for folder in ("checkpoints", "alerts", "discards"):
        assert not list((spool / folder).glob("*")), "nobody is alarmed a second time"
    assert not (spool / "recordings" / JOINING).exists()


def test_only_its_owner_can_read_it(office: Run, tmp_path: Path) -> None:
    office("backup", "b")
    for path in (tmp_path / "b", *(tmp_path / "b").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    _lost(tmp_path)
    office("restore", "b")
    for path in tmp_path.rglob("signing.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "callrec.toml").stat().st_mode) == 0o600


def test_prompts_of_the_office_come_back(office: Run, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    _said(tmp_path, "[prompts]", f'[prompts]\ndirectory = "{prompts}"')
    (prompts / "ja").mkdir(parents=True, exist_ok=True)
    (prompts / "ja/notice.wav").write_bytes(b"sound")
    office("backup", "b")
    shutil.rmtree(prompts)
    _lost(tmp_path)
    assert office("restore", "b").code == 0
    assert (prompts / "ja/notice.wav").read_bytes() == b"sound"


def _said(folder: Path, before: str, after: str) -> None:
    """Changes callrec.toml."""
    path = folder / "callrec.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


# --- nothing is written over


def test_rows_that_are_there_are_not_written_over(office: Run, tmp_path: Path) -> None:
    office("backup", "b")
    before = _rows(tmp_path)
    done = office("restore", "b")
    assert done.code == 4 and "has rows already" in done.complaint
    assert _rows(tmp_path) == before


def test_other_keys_are_not_written_over(office: Run, tmp_path: Path) -> None:
    office("backup", "b")
    places = _lost(tmp_path)
    other = KeyFolder(places["keys"])
    other.new("somebody", every_table.AT)
    before = {path: path.read_bytes() for path in places["keys"].iterdir()}
    done = office("restore", "b")
    assert done.code == 4 and "has keys, and not those of the backup" in done.complaint
    assert {path: path.read_bytes() for path in places["keys"].iterdir()} == before
    assert not places["database"].exists() and not places["configuration"].exists()


def test_a_key_that_was_made_since_stays(office: Run, tmp_path: Path) -> None:
    office("backup", "b")
    office("evidence", "key", "new")
    newer = _app(tmp_path).keys.signer().key_id
    keys = _app(tmp_path).settings.evidence.keys
    shutil.copytree(keys, tmp_path / "keys-kept")
    _lost(tmp_path)
    shutil.copytree(tmp_path / "keys-kept", keys)
    done = office("restore", "b")
    assert done.code == 0 and "signing.pem was there already" in done.out
    assert _app(tmp_path).keys.signer().key_id == newer


def test_a_configuration_that_is_there_stays_and_says_where_the_database_is(
    office: Run, tmp_path: Path
) -> None:
    office("backup", "b")
    said = (tmp_path / "callrec.toml").read_text()
    places = _lost(tmp_path)
    moved = said.replace(str(places["database"]), f"{tmp_path}/moved.db")
    assert moved != said
    (tmp_path / "callrec.toml").write_text(moved)
    (tmp_path / "callrec.toml").chmod(0o600)
    done = office("restore", "b")
    assert done.code == 0 and "callrec.toml was there already" in done.out
    assert (tmp_path / "moved.db").exists() and not places["database"].exists()


def test_a_folder_that_is_there_is_not_written_into(office: Run, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x").touch()
    done = office("backup", "b")
    assert done.code == 4 and "is there already" in done.complaint
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("b")] == ["b"]
    assert office("backup", "missing/b").code == 2
    assert office("backup", "callrec.toml").code == 4
    (tmp_path / "b/x").unlink()
    assert office("backup", "b").code == 0


def test_of_a_backup_that_fails_nothing_is_left(
    office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("callrec.backup.maker.write_new", full)
    done = office("backup", "b")
    assert done.code == 2 and "the disk is full" in done.complaint
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith("b")]


def test_what_a_kill_has_left_is_taken_away(office: Run, tmp_path: Path) -> None:
    (tmp_path / "b.partial/keys").mkdir(parents=True)
    (tmp_path / "b.partial/keys/x.pem").touch()
    assert office("backup", "b").code == 0
    assert not (tmp_path / "b.partial").exists() and not (tmp_path / "b/keys/x.pem").exists()


# --- what was changed


@pytest.fixture
def backup(office: Run, tmp_path: Path) -> Path:
    assert office("backup", "b").code == 0
    _lost(tmp_path)
    return tmp_path / "b"


def _damages() -> Iterator[tuple[str, Callable[[Path], object]]]:
    yield "a byte", lambda folder: _flipped(folder / "tables/calls.jsonl.gz")
    yield "a key", lambda folder: _flipped(folder / "keys/signing.pem")
    yield "missing", lambda folder: (folder / "tables/custody.jsonl.gz").unlink()
    yield "added", lambda folder: (folder / "recordings/x").write_bytes(b"")
    yield "a link", lambda folder: (folder / "keys/x.pem").symlink_to("/etc/passwd")
    yield "the list", lambda folder: _flipped(folder / "backup.json")
    yield "no keys", lambda folder: shutil.rmtree(folder / "keys")
    yield "rows", lambda folder: _resigned(folder, "tables/facilities.jsonl.gz", gzip.compress(b"[]\n"))
    yield "count", lambda folder: _resigned(folder, "tables/facilities.jsonl.gz", gzip.compress(b""))
    yield "no gzip", lambda folder: _resigned(folder, "tables/facilities.jsonl.gz", b"x")
    yield "custody", lambda folder: _resigned(folder, "tables/custody.jsonl.gz", gzip.compress(b""))


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _resigned(folder: Path, name: str, data: bytes) -> None:
    """As somebody does who has the key, but no sense."""
    (folder / name).write_bytes(data)
    found = listing.read(folder)
    files = [each for each in found.files if each.name != name]
    changed = ListedFile(name, len(data), file_sha256(folder / name))
    _written(folder, found, files=(*files, changed))


def _written(folder: Path, found: Listing, **changed: Any) -> None:
    names = {name: getattr(found, name) for name in Listing.__slots__} | changed
    signer = KeyFolder(folder / "keys").signer()
    (folder / "backup.json").write_bytes(listing.written(Listing(**names), signer))


@pytest.mark.parametrize("damage", dict(_damages()))
def test_what_was_changed_is_refused_and_changes_nothing(
    office: Run, backup: Path, tmp_path: Path, damage: str
) -> None:
    dict(_damages())[damage](backup)
    done = office("restore", "b")
    assert (done.code, len(done.err.splitlines())) == (5, 1), done.err
    left = {each.name for each in tmp_path.iterdir()}
    assert not left & {"callrec.toml", "evidence"} and not list(tmp_path.glob("*.db*"))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "keys/../../x", "", ".", "keys//x", "./x", "a\0"])
def test_a_path_that_leads_out_is_refused(office: Run, backup: Path, name: str) -> None:
    found = listing.read(backup)
    _written(backup, found, files=(*found.files, ListedFile(name, 0, "")))
    done = office("restore", "b")
    assert done.code == 5 and "outside of it" in done.complaint


def test_the_form_of_a_newer_callrec_is_told(office: Run, backup: Path) -> None:
    _written(backup, listing.read(backup), schema="callrec-backup/2")
    done = office("restore", "b")
    assert done.code == 2 and "callrec-backup/2" in done.complaint


def test_rows_of_a_newer_callrec_are_told(office: Run, backup: Path) -> None:
    _written(backup, listing.read(backup), version="9999")
    done = office("restore", "b")
    assert done.code == 3 and "9999 of a newer callrec" in done.complaint


@pytest.mark.parametrize("name", ["missing", "callrec.toml", "spool", ""])
def test_what_is_no_backup_is_told(office: Run, name: str) -> None:
    done = office("restore", name)
    assert (done.code, len(done.err.splitlines())) == (2, 1), done.err


# --- afterwards


def test_an_older_version_is_brought_to_this_one(office: Run, tmp_path: Path) -> None:
    """What a callrec of before has backed up: the way forward, and, by it, the way back."""
    there = _rows(tmp_path)
    older = tmp_path / "older"
    _made_by_the_version_before(tmp_path, older)
    _lost(tmp_path)
    done = office("restore", "older")
    assert (done.code, done.err) == (0, "")
    found = _rows(tmp_path)
    for name in there.keys() - {"custody", "rebuilding"}:
        assert found[name] == there[name]


def _made_by_the_version_before(folder: Path, target: Path) -> None:
    app = _app(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "require_current", lambda self: None)
        patch.setattr(Database, "versions", lambda self: ("0015", "0015"))
        migrated(app.database, "0015")
        app.backup(folder / "callrec.toml").make(target, lambda name, rows: None)
    app.close()


def test_through_the_desk_nobody_makes_one(through_desk: ThroughDesk, tmp_path: Path) -> None:
    (tmp_path / "callrec.toml").rename(tmp_path / "of-the-desk.toml")
    for command in (("backup", "b"), ("upgrade",)):
        done = through_desk(*command)
        assert done.code == 4 and "does not go through the desk" in done.complaint, done.err
    assert through_desk.refusals() == 2


def test_files_that_are_only_named_are_told(office: Run, tmp_path: Path) -> None:
    secret = tmp_path / "mail.key"
    secret.write_text("x\n")
    secret.chmod(0o600)
    _said(tmp_path, 'webhook_secret = ""\n', f'webhook_secret_file = "{secret}"\n')
    done = office("backup", "b")
    assert str(secret) in done.out, done.err


def test_the_list_says_what_is_in_it(office: Run, tmp_path: Path) -> None:
    office("backup", "b")
    found = json.loads((tmp_path / "b/backup.json").read_bytes())
    assert found["schema"] == "callrec-backup/1" and found["kind"] == "sqlite" and found["left_out"] == 1
    assert sum(each["rows"] for each in found["tables"]) > 2 * len(found["tables"]) - 2
    assert os.sep not in found["machine"]
