"""The signing key as doctor sees it: usable, its owner's alone, the newest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callrec.app import App
from callrec.doctor.check import Result
from callrec.evidence.keys import KeyFolder
from callrec.settings import EvidenceSettings
from tests.unit.doctor.look import check, with_settings

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def own(app: App, tmp_path: Path) -> Iterator[App]:
    """An app with a key."""
    made = with_settings(app, evidence=EvidenceSettings(keys=tmp_path / "keys"))
    made.keys.first("sato", AT)
    yield made
    made.close()


def _look(own: App) -> Result:
    return check(own, "signing key")


def test_a_key_that_signs(own: App) -> None:
    own.keys.new("sato", AT + timedelta(days=1))
    result = _look(own)
    assert (
        result.ok and result.found == f"key {own.keys.signer().key_id} signs, since 2026-11-23; 2 keys in all"
    )


def test_a_key_that_is_gone(own: App) -> None:
    own.keys.signing_file.unlink()
    result = _look(own)
    assert (
        not result.ok and "is not there: put it back, or make one: callrec evidence key new" in result.found
    )


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        ("", 0o750, "others may read or change {}: chmod 700 {}"),
        ("", 0o701, "others may read or change {}: chmod 700 {}"),
        ("{id}.json", 0o664, "others may read or change {}: chmod 644 {}"),
        ("{id}.pem", 0o646, "others may read or change {}: chmod 644 {}"),
        ("signing.pem", 0o604, "others can read the signing key: chmod 600 {}"),
    ],
)
def test_what_others_may_do(own: App, name: str, mode: int, words: str) -> None:
    path = own.keys.folder / name.format(id=own.keys.signer().key_id)
    path.chmod(mode)
    result = _look(own)
    assert not result.ok and words.replace("{}", str(path)) in result.found


def test_an_old_key_that_was_put_back(own: App) -> None:
    old = own.keys.signing_file.read_bytes()
    newest = own.keys.new("sato", AT + timedelta(days=1))
    own.keys.signing_file.write_bytes(old)
    result = _look(own)
    assert not result.ok and f"but {newest.key_id} is newer" in result.found
    assert own.keys.signer(), "it is one of ours, and what it signs can be verified"


@pytest.mark.parametrize("data", [b"", b"something else", None])
def test_the_public_key_that_others_verify_with(own: App, data: bytes | None) -> None:
    path = own.keys.folder / f"{own.keys.signer().key_id}.pem"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    result = _look(own)
    assert not result.ok and f"{path} is not the public key" in result.found


def test_a_forged_record(own: App) -> None:
    path = own.keys.folder / f"{own.keys.signer().key_id}.json"
    path.write_bytes(path.read_bytes().replace(b"sato", b"kato"))
    result = _look(own)
    assert not result.ok and f"{path} is no record of a key" in result.found


def test_a_folder_that_is_not_there(app: App, tmp_path: Path) -> None:
    made = with_settings(app, evidence=EvidenceSettings(keys=tmp_path / "nowhere"))
    assert "is not there: put it back" in _look(made).found
    assert KeyFolder(tmp_path / "nowhere").records() == []
