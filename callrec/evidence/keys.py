"""Keeps the key pairs by which callrec signs: one to sign with, and the public ones of all there ever were.

The folder holds `signing.pem`, the private key (PKCS #8, mode 0600), and for each key `{id}.pem`, its public
key, and `{id}.json`, its record: when it was made and by whom, signed by itself and by the key before it. A
new key replaces the private one before it; records and public keys stay, as what was signed has to be
verified for ever.

Every process reads the folder when it needs a key: one that another process has made holds at once, and one
that is gone is noticed. A kill or a full disk at any step leaves a key that signs and can be verified: the
one before, or the new one.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

from callrec import account
from callrec.errors import EvidenceBroken, Refused, WrongConfiguration
from callrec.evidence import key_record
from callrec.evidence.key_pair import PublicKeyRing, SigningKey, key_id, private_key, public_key, stranger
from callrec.evidence.key_record import SCHEMA, KeyRecord
from callrec.failures import why
from callrec.files import make_folder, write_new, write_whole
from callrec.permissions import too_wide

__all__ = [
    "SCHEMA",
    "FolderKeys",
    "KeyFolder",
    "KeyRecord",
    "PublicKeyRing",
    "SigningKey",
    "key_id",
    "public_key",
]

SIGNING = "signing.pem"
EVERYBODY = 0o644
LARGEST = 1 << 16
"""Bytes of a file that may be a key or its record."""
SETTLED_NS = 2_000_000_000
"""How long ago a file must have changed for its marks to tell it from the next change."""
_ID = re.compile(r"[0-9a-f]{16}")
_Mark = tuple[int, int, int, int, int]


class KeyFolder:
    """The keys of one callrec, in a folder. All methods raise WrongConfiguration where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: tuple[_Mark, SigningKey] | None = None

    @property
    def signing_file(self) -> Path:
        return self.folder / SIGNING

    @cached_property
    def public(self) -> FolderKeys:
        """All public keys of the folder, also those that come into it later."""
        return FolderKeys(self)

    @property
    def has_signing_key(self) -> bool:
        with _said(self.signing_file):
            return self.signing_file.exists()

    def signer(self) -> SigningKey:
        """Returns the key to sign with. It is looked at each time, and read anew where its file is another
        one: one that is gone is noticed."""
        path = self.signing_file
        with _said(path):
            mark = _mark(path)
            known = self._known
            key = known[1] if known and known[0] == mark else self._read_signer(path)
            if not self._record_file(key.key_id).exists():
                raise WrongConfiguration("it is key {key}, of which there is no record", key=key.key_id)
        if time.time_ns() - mark[-1] > SETTLED_NS:
            self._known = mark, key
        return key

    @staticmethod
    def _read_signer(path: Path) -> SigningKey:
        data = _bytes(path)
        if too_wide([path]):
            raise WrongConfiguration(
                "others can read the signing key: chmod 600 {path}, then make a new one: callrec "
                "evidence key new",
                path=path,
            )
        return private_key(data)

    def record(self, key_id: str) -> KeyRecord:
        """Returns the record of a key. Raises EvidenceBroken for one that is forged or not there."""
        return key_record.read(self.record_bytes(key_id))

    def record_bytes(self, key_id: str) -> bytes:
        """Returns the record of a key as it was signed. Raises EvidenceBroken where there is none."""
        path = self._record_file(key_id)
        with _readable(path):
            if not path.exists() and self.folder.exists():
                raise stranger(key_id)
            data = _bytes(path)
        _check(data, key_id, path)
        return data

    def records(self) -> list[KeyRecord]:
        """Returns the records of all keys, the oldest first. Raises EvidenceBroken for one that is forged, or
        does not follow from the key before it."""
        found = {key_id: self.record(key_id) for key_id in self.key_ids()}
        for each in found.values():
            if each.previous in found:
                key_record.check_order(each, found[each.previous])
        return sorted(found.values(), key=lambda each: (each.created_at, each.key_id))

    def key_ids(self) -> list[str]:
        """Returns the ids of all keys, in no order that says anything."""
        with _readable(self.folder):
            there = list(self.folder.iterdir()) if self.folder.exists() else []
        return sorted(each.stem for each in there if each.suffix == ".json" and _ID.fullmatch(each.stem))

    def new(self, who: str, at: datetime) -> KeyRecord:
        """Makes a key pair to sign with from now on; the private key before it is gone then.

        Raises Refused where another is made at this moment, or by a clock that is behind the newest key.
        """
        with self._alone():
            return self._make(who, at)

    def first(self, who: str, at: datetime) -> KeyRecord | None:
        """Makes the first key pair; None where there is one. Raises Refused where there was one that is
        gone: what it signed would look like a stranger's."""
        if self.has_signing_key:
            self.signer()
            return None
        if self.key_ids():
            raise Refused(
                "the signing key {path} is gone: put it back, or make another: callrec evidence key new",
                path=self.signing_file,
            )
        return self.new(who, at)

    def _make(self, who: str, at: datetime) -> KeyRecord:
        """The public key and its record are on the disk before the private one takes the place: nothing is
        ever signed by a key that nobody can verify."""
        newest = self.records()[-1:]
        if newest and newest[0].created_at > at:
            raise Refused(
                "key {key} was made later than now, by this machine's clock: set the clock first",
                key=newest[0].key_id,
            )
        old, new = self.signer() if self.has_signing_key else None, SigningKey.made()
        previous = old.key_id if old else "".join(each.key_id for each in newest)
        record = key_record.make(new, old, previous, who, at)
        with _writable(self.folder):
            write_new(self.folder / f"{new.key_id}.pem", new.public_pem(), mode=EVERYBODY)
            write_new(self._record_file(new.key_id), record, mode=EVERYBODY)
            write_whole(self.signing_file, new.pem())
        return key_record.read(record)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Makes the folder where it is not there, and lets one process at a time make keys in it."""
        with _writable(self.folder):
            make_folder(self.folder)
            descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            _check_owner(self.folder, os.fstat(descriptor).st_uid)
            _lock(descriptor, self.folder)
            yield
        finally:
            os.close(descriptor)

    def _record_file(self, key_id: str) -> Path:
        if not _ID.fullmatch(key_id):  # of a document that anybody may have written
            raise stranger(key_id)
        return self.folder / f"{key_id}.json"


class FolderKeys:
    """The public keys of a folder, as PublicKeys. Each is read when it is first asked for."""

    def __init__(self, folder: KeyFolder) -> None:
        self._folder, self._rings = folder, dict[str, PublicKeyRing]()

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        if key_id not in self._rings:
            self._rings[key_id] = self._folder.record(key_id).ring()
        return self._rings[key_id].verifies(key_id, signature, data)


def _mark(path: Path) -> _Mark:
    """Returns by what it is seen that a file, or its rights, are others than before."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would keep us waiting
        raise WrongConfiguration("it is no ordinary file")
    with path.open("rb") as file:
        return file.read(LARGEST)


def _check(data: bytes, key_id: str, path: Path) -> None:
    try:
        if key_record.read(data).key_id != key_id:
            raise EvidenceBroken("it is that of another key")
    except EvidenceBroken as error:
        raise EvidenceBroken("{path} is no record of a key: {problem}", path=path, problem=error) from error


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused("another makes a key in {path} at this moment: try again", path=folder) from error


def _check_owner(folder: Path, owner: int) -> None:
    """Raises Refused for a folder of another account: it could not read what we would put into it."""
    if owner != os.geteuid():
        raise Refused(
            "{path} belongs to {owner}, and this is {user}: run callrec as {owner}, or chown it to {user}",
            path=folder,
            owner=account.name_of(owner),
            user=account.name_of(os.geteuid()),
        )


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Makes of what is wrong with the signing key one line that says what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise WrongConfiguration(
            "the signing key {path} is not there: put it back, or make one: callrec evidence key new",
            path=path,
        ) from error
    except OSError as error:
        raise WrongConfiguration(
            "the signing key {path} cannot be read: {problem}", path=path, problem=why(error)
        ) from error
    except WrongConfiguration as error:
        if "path" in error.values:
            raise
        raise WrongConfiguration(
            "the signing key {path} cannot be used: {problem}. Put it back from its copy; without one, take "
            "it away and make another: callrec evidence key new",
            path=path,
            problem=error,
        ) from None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, WrongConfiguration) as error:
        raise WrongConfiguration(
            "{path}, of the keys that callrec signs with, cannot be read: {problem}",
            path=path,
            problem=why(error) if isinstance(error, OSError) else error,
        ) from error


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongConfiguration(
            "no key can be written into {path}: {problem}", path=folder, problem=why(error)
        ) from error
