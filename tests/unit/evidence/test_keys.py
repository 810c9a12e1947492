"""The folder of keys: what is signed can be verified, whatever happens to the folder, and what is wrong with
it is one line that shows nothing of the key."""

from __future__ import annotations

import fcntl
import os
import stat
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from callrec import files
from callrec.errors import CallrecError, EvidenceBroken, Refused, WrongConfiguration
from callrec.evidence import key_record, keys
from callrec.evidence.keys import KeyFolder, KeyRecord, PublicKeyRing, SigningKey
from callrec.signing import opened, signed

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
LATER = AT + timedelta(days=365)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """One with a key."""
    made = KeyFolder(tmp_path / "keys")
    made.first("sato", AT)
    return made


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(bits: int) -> Iterator[None]:
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


# --- made


@pytest.mark.parametrize("bits", [0, 0o077, 0o177])
def test_the_key_is_its_owners_alone_from_its_first_byte(
    tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    write = files.Draft.write

    def looked_at(draft: files.Draft, data: bytes) -> None:
        seen.append(stat.S_IMODE(draft.path.stat().st_mode))
        write(draft, data)

    monkeypatch.setattr(files.Draft, "write", looked_at)
    made = KeyFolder(tmp_path / "keys")
    with umask(bits):
        record = made.first("sato", AT)
    assert record and set(seen) <= {0o600, 0o600 & ~bits}
    assert _mode(made.folder) == 0o700 and _mode(made.signing_file) == 0o600
    assert {path.name for path in made.folder.iterdir()} == {
        "signing.pem",
        f"{record.key_id}.pem",
        f"{record.key_id}.json",
    }


def test_the_record_says_who_and_when(folder: KeyFolder) -> None:
    (record,) = folder.records()
    assert (record.created_at, record.created_by, record.previous) == (AT, "sato", "")
    assert record.key_id == folder.signer().key_id == record.fingerprint[:16]
    assert (folder.folder / f"{record.key_id}.pem").read_text() == record.public_key


def test_there_is_one_first_key(folder: KeyFolder) -> None:
    assert folder.first("sato", LATER) is None and len(folder.records()) == 1


def test_a_new_key_takes_the_place_of_the_one_before(folder: KeyFolder) -> None:
    old, before = folder.signer(), signed({"a": 1}, folder.signer())
    new = folder.new("suzuki", LATER)
    assert folder.signer().key_id == new.key_id != old.key_id
    assert new.previous == old.key_id and new.introduced
    assert [each.key_id for each in folder.records()] == [old.key_id, new.key_id]
    assert old.pem() not in b"".join(path.read_bytes() for path in folder.folder.iterdir())
    assert opened(before, folder.public) and opened(signed({}, folder.signer()), folder.public)


def test_a_process_that_runs_sees_the_key_another_has_made(folder: KeyFolder) -> None:
    running = KeyFolder(folder.folder)
    assert opened(signed({}, folder.signer()), running.public)
    folder.new("suzuki", LATER)
    assert opened(signed({}, folder.signer()), running.public)
    assert running.signer().key_id == folder.signer().key_id


def test_two_at_once_are_one(folder: KeyFolder) -> None:
    other = os.open(folder.folder, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="at this moment"):
            folder.new("suzuki", LATER)
    finally:
        os.close(other)
    assert len(folder.records()) == 1 and folder.new("suzuki", LATER)


def test_a_clock_that_is_behind_makes_no_key(folder: KeyFolder) -> None:
    before = folder.signer().key_id
    with pytest.raises(Refused, match="set the clock first"):
        folder.new("suzuki", AT - timedelta(seconds=1))
    assert folder.signer().key_id == before and len(folder.records()) == 1


@pytest.mark.parametrize("step", ["new", "first"])
def test_no_key_is_put_into_the_folder_of_another_account(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by root, callrec's own account could not read it."""
    theirs = KeyFolder(tmp_path / "keys")
    theirs.folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: theirs.folder.stat().st_uid + 4321)
    with pytest.raises(Refused, match=r"belongs to \S+, and this is \S+: run callrec as"):
        getattr(theirs, step)("sato", AT)
    assert not list(theirs.folder.iterdir())


# --- a kill or a full disk at each step


class Kill(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("failure", [Kill, OSError(28, "No space left on device")])
@pytest.mark.parametrize("step", range(4))
def test_at_each_step_there_is_a_key_that_signs_and_verifies(
    folder: KeyFolder, step: int, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps: the public key, the record, the private key beside the old one, in its place."""
    steps = iter(range(5))

    def fails(name: str) -> None:
        original = getattr(files.Draft, name)

        def done(draft: files.Draft, *args: object, **more: object) -> object:
            if next(steps) == step:
                raise failure
            return original(draft, *args, **more)

        monkeypatch.setattr(files.Draft, name, done)

    with monkeypatch.context():
        fails("_name")
        with pytest.raises((Kill, WrongConfiguration)) as said:
            folder.new("suzuki", LATER)
    if said.type is WrongConfiguration:
        assert str(said.value) == f"no key can be written into {folder.folder}: the disk is full"
    assert opened(signed({}, folder.signer()), folder.public)
    monkeypatch.undo()
    new = folder.new("suzuki", LATER + timedelta(hours=1))
    assert folder.records()[-1].key_id == new.key_id == folder.signer().key_id
    private = [path for path in folder.folder.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert private == [folder.signing_file]


def test_what_a_kill_left_before_the_last_step_is_no_second_private_key(folder: KeyFolder) -> None:
    """The new private key stands beside the old one, whole, and nothing is signed by it yet."""
    old, new = folder.signer(), SigningKey.made()
    _record_file(folder, new).write_bytes(key_record.make(new, old, old.key_id, "suzuki", LATER))
    left = files.partial_of(folder.signing_file)
    left.write_bytes(new.pem())
    assert folder.signer().key_id == old.key_id
    third = folder.new("suzuki", LATER + timedelta(hours=1))
    assert third.previous == old.key_id and third.introduced and folder.signer().key_id == third.key_id
    assert not left.exists() and len(folder.records()) == 3


def test_the_public_part_is_there_before_the_private(
    folder: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(path: Path, data: bytes, **more: int | None) -> None:
        order.append(path.suffix if b"PRIVATE" not in data else "private")
        files.write_whole(path, data, **more)

    monkeypatch.setattr(keys, "write_new", noted)
    monkeypatch.setattr(keys, "write_whole", noted)
    folder.new("suzuki", LATER)
    assert order == [".pem", ".json", "private"]


# --- a signing key that cannot be used

SECRET = SigningKey.made()


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _with_passphrase() -> bytes:
    return SECRET._private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim")
    )


UNUSABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "blank": (lambda: b"\n \n", "it is empty"),
    "zeros": (lambda: b"\0" * 119, "there is no private key in it"),
    "half": (lambda: SECRET.pem()[:60], "there is no private key in it, or not a whole one"),
    "public": (SECRET.public_pem, "there is no private key in it"),
    "certificate": (
        lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "there is no private key in it",
    ),
    "passphrase": (_with_passphrase, "it has a passphrase"),
    "RSA": (lambda: _pem(rsa.generate_private_key(65537, 2048)), "it is no Ed25519 key"),
    "EC": (lambda: _pem(ec.generate_private_key(ec.SECP256R1())), "it is no Ed25519 key"),
    "another's": (SECRET.pem, f"it is key {SECRET.key_id}, of which there is no record"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_key_of_ours_is_one_line(folder: KeyFolder, kind: str) -> None:
    made, problem = UNUSABLE[kind]
    data = made()
    folder.signing_file.write_bytes(data)
    for step in (folder.signer, lambda: folder.new("sato", LATER), lambda: folder.first("sato", LATER)):
        with pytest.raises(WrongConfiguration) as said:
            step()
        line = str(said.value)
        assert problem in line and str(folder.signing_file) in line and "evidence key new" in line
        assert "\n" not in line
        _shows_nothing(said.value, data)
    assert folder.signing_file.read_bytes() == data, "nothing was replaced"


def _shows_nothing(error: CallrecError, secret: bytes) -> None:
    """Neither the error nor its traceback has a line of the key in it."""
    whole = "".join(traceback.format_exception(error)) + repr(error) + repr(error.values)
    lines = [line for line in secret.decode("latin1").splitlines() if len(line) > 20 and "---" not in line]
    assert not any(line in whole for line in lines)


def test_a_key_that_is_not_there(folder: KeyFolder) -> None:
    folder.signing_file.unlink()
    with pytest.raises(WrongConfiguration, match=r"is not there: put it back, or make one: callrec evidence"):
        folder.signer()
    with pytest.raises(Refused, match="is gone: put it back, or make another"):
        folder.first("sato", LATER)
    before = folder.records()[-1]
    new = folder.new("sato", LATER)
    assert new.previous == before.key_id and not new.introduced, "the key before is not there to say so"
    assert folder.signer().key_id == new.key_id


def test_others_can_read_it(folder: KeyFolder) -> None:
    folder.signing_file.chmod(0o640)
    with pytest.raises(WrongConfiguration, match=r"others can read the signing key: chmod 600"):
        folder.signer()


def test_a_key_that_stays_is_looked_at_and_not_read(
    folder: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller asks twice a second."""
    read, read_file = list[Path](), keys._bytes

    def counted(path: Path) -> bytes:
        read.append(path)
        return read_file(path)

    monkeypatch.setattr(keys, "_bytes", counted)
    folder.signer()
    folder.signer()
    assert len(read) == 2, "it is so new that its next change could look the same"
    monkeypatch.setattr(keys, "SETTLED_NS", 0)
    first = [folder.signer().key_id for _ in range(3)]
    assert len(read) == 3
    new = folder.new("sato", LATER).key_id
    assert folder.signer().key_id == new not in first
    folder.signing_file.chmod(0o644)
    with pytest.raises(WrongConfiguration, match="others can read"):
        folder.signer()
    folder.signing_file.chmod(0o600)
    assert folder.signer().key_id == new
    folder.signing_file.unlink()
    with pytest.raises(WrongConfiguration, match="is not there"):
        folder.signer()


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (PermissionError(13, "Permission denied"), "no right to it"),
        (OSError(5, "I/O error"), "the disk fails"),
    ],
)
def test_what_cannot_be_read(
    folder: KeyFolder, error: OSError, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the desk, where that runs as another account."""
    key_id = folder.signer().key_id

    def fails(path: Path) -> bytes:
        raise error

    monkeypatch.setattr(keys, "_bytes", fails)
    for step, path in (
        (folder.signer, folder.signing_file),
        (lambda: folder.public.verifies(key_id, b"", b""), folder.folder / f"{key_id}.json"),
    ):
        with pytest.raises(WrongConfiguration) as said:
            step()
        assert str(path) in str(said.value) and str(said.value).endswith(f"cannot be read: {problem}")


def test_a_pipe_keeps_nobody_waiting(folder: KeyFolder) -> None:
    folder.signing_file.unlink()
    os.mkfifo(folder.signing_file, 0o600)
    with pytest.raises(WrongConfiguration, match="no ordinary file"):
        folder.signer()


def test_a_link_leads_to_the_key(folder: KeyFolder, tmp_path: Path) -> None:
    """As systemd's credentials are given."""
    elsewhere = tmp_path / "elsewhere.pem"
    folder.signing_file.rename(elsewhere)
    folder.signing_file.symlink_to(elsewhere)
    before = folder.signer().key_id
    assert folder.new("sato", LATER).key_id == folder.signer().key_id != before
    assert folder.signing_file.is_symlink() and _mode(elsewhere) == 0o600
    elsewhere.unlink()
    with pytest.raises(WrongConfiguration, match="is not there"):
        folder.signer()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"")
    broken = KeyFolder(path)
    for step in (broken.signer, broken.records, lambda: broken.new("sato", AT)):
        with pytest.raises(WrongConfiguration):
            step()


def test_a_folder_that_is_not_there_knows_nobody(tmp_path: Path) -> None:
    """It is not mounted, perhaps: that is not told as if documents were forged."""
    nothing = KeyFolder(tmp_path / "keys")
    assert nothing.records() == [] and not nothing.has_signing_key
    with pytest.raises(WrongConfiguration, match="cannot be read: it is not there"):
        opened(signed({}, SECRET), nothing.public)


# --- records


def test_a_path_in_a_document_leads_nowhere(folder: KeyFolder, tmp_path: Path) -> None:
    outside = KeyFolder(tmp_path / "theirs")
    theirs = outside.first("mallory", AT)
    assert theirs
    for id_ in (f"../theirs/{theirs.key_id}", theirs.key_id, "", "signing", theirs.key_id.upper()):
        with pytest.raises(EvidenceBroken, match="none of ours"):
            folder.public.verifies(id_, b"", b"")


def _record(folder: KeyFolder) -> Path:
    return _record_file(folder, folder.signer())


def _record_file(folder: KeyFolder, key: SigningKey) -> Path:
    return folder.folder / f"{key.key_id}.json"


def test_every_changed_byte_of_a_record_is_found(folder: KeyFolder) -> None:
    path = _record(folder)
    data = path.read_bytes()
    for place in range(0, len(data), 3):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(EvidenceBroken, match="is no record of a key") as said:
            folder.records()
        assert str(path) in str(said.value)


def test_exchanged_records_are_found(folder: KeyFolder) -> None:
    one = _record(folder)
    folder.new("sato", LATER)
    two = _record(folder)
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    with pytest.raises(EvidenceBroken, match="it is that of another key"):
        folder.records()
    with pytest.raises(EvidenceBroken, match="it is that of another key"):
        folder.public.verifies(one.stem, b"", b"")


def test_a_damaged_record_harms_no_other_key(folder: KeyFolder) -> None:
    damaged = _record(folder)
    folder.new("sato", LATER)
    damaged.write_bytes(b"{")
    assert opened(signed({}, folder.signer()), KeyFolder(folder.folder).public)


def test_a_key_that_says_falsely_that_it_was_introduced(folder: KeyFolder) -> None:
    """Whoever can write into the folder cannot make a key that follows from ours."""
    ours = folder.records()[0]
    mallory, stranger = SigningKey.made(), SigningKey.made()
    for introduced_by in (mallory, stranger):
        forged = key_record.make(mallory, introduced_by, ours.key_id, "sato", LATER)
        _record_file(folder, mallory).write_bytes(forged)
        with pytest.raises(EvidenceBroken, match=f"{mallory.key_id} was not introduced by {ours.key_id}"):
            folder.records()


def test_an_introduction_holds_for_one_record_only(folder: KeyFolder) -> None:
    ours, new = folder.records()[0], folder.new("suzuki", LATER)
    plain = {
        "schema": key_record.SCHEMA,
        "public_key": folder.signer().public_pem().decode(),
        "created_at": (LATER - timedelta(days=1)).isoformat(),
        "created_by": "suzuki",
        "previous": ours.key_id,
        "introduced": new.introduced,
    }
    _record(folder).write_bytes(signed(plain, folder.signer()))
    with pytest.raises(EvidenceBroken, match="was not introduced by"):
        folder.records()


def test_a_record_older_than_that_of_the_key_before(folder: KeyFolder) -> None:
    ours, new = folder.signer(), SigningKey.made()
    forged = key_record.make(new, ours, ours.key_id, "sato", AT - timedelta(days=1))
    _record_file(folder, new).write_bytes(forged)
    with pytest.raises(EvidenceBroken, match=f"made before {ours.key_id}, the key before it"):
        folder.records()


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "callrec-anchor/1"},
        {"created_at": "gestern"},
        {"created_at": "2026-11-22T01:00:00"},
        {"created_at": None},
        {"public_key": "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
        {"public_key": None},
    ],
)
def test_what_is_signed_but_no_record(folder: KeyFolder, changes: dict[str, object]) -> None:
    plain = {
        "schema": key_record.SCHEMA,
        "public_key": SECRET.public_pem().decode(),
        "created_at": AT.isoformat(),
        "created_by": "sato",
        "previous": "",
    }
    assert isinstance(key_record.read(signed(plain, SECRET)), KeyRecord)
    with pytest.raises(EvidenceBroken):
        key_record.read(signed({**plain, **changes}, SECRET))


def test_a_key_shows_nothing_of_itself() -> None:
    ring = PublicKeyRing({SECRET.key_id: SECRET.public_key})
    shown = f"{SECRET!r} {SECRET} {SECRET._private!r} {ring!r}"
    assert not any(line in shown for line in SECRET.pem().decode().splitlines())
