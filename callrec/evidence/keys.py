"""Keeps the key pairs by which callrec signs: one to sign with, and the public ones of all there ever were.

The folder holds `signing.pem`, the private key (PKCS #8, mode 0600), and for each key `{id}.pem`, its public
key, and `{id}.json`, its record: when it was made and by whom, signed by itself and by the key before it. A
new key replaces the private one before it; records and public keys stay, as what was signed has to be
verified for ever.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from callrec.errors import EvidenceBroken, Refused, WrongConfiguration
from callrec.failures import why
from callrec.files import make_folder, write_whole
from callrec.permissions import too_wide
from callrec.signing import apart, canonical, parsed, signed

SIGNING = "signing.pem"
SCHEMA = "callrec-key/1"
EVERYBODY = 0o644


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key that callrec has, or had. `previous` is the id of the key before it; empty of the first."""

    key_id: str
    created_at: datetime
    created_by: str
    previous: str
    public_key: str
    """The public key as PEM."""


class SigningKey:
    """A private key, as a Signer."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key()
        self.key_id = key_id(self.public_key)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    def pem(self) -> bytes:
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public_pem(self) -> bytes:
        return self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class PublicKeyRing:
    """Public keys by their ids, as PublicKeys."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self._keys = keys

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        key = self._keys.get(key_id)
        if key is None:
            raise EvidenceBroken(
                "it is signed by key {key}, which is none of ours: see callrec evidence key list", key=key_id
            )
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class KeyFolder:
    """The keys of one callrec, in a folder. All methods raise WrongConfiguration where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def public(self) -> PublicKeyRing:
        """All public keys of the folder, as they were when they were first asked for."""
        return PublicKeyRing({each.key_id: public_key(each.public_key.encode()) for each in self.records()})

    @property
    def has_signing_key(self) -> bool:
        return (self.folder / SIGNING).exists()

    def signer(self) -> SigningKey:
        """Returns the key to sign with, read anew: one that is gone is noticed."""
        path = self.folder / SIGNING
        with _said(path):
            data = path.read_bytes()
            if too_wide([path]):
                raise WrongConfiguration(
                    "others can read the signing key: chmod 600 {path}, then make a new one: callrec "
                    "evidence key new",
                    path=path,
                )
            private = load_pem_private_key(data, None)
        if not isinstance(private, Ed25519PrivateKey):
            raise WrongConfiguration("{path} is no Ed25519 key", path=path)
        return SigningKey(private)

    def records(self) -> list[KeyRecord]:
        """Returns the records of all keys, the oldest first. Raises EvidenceBroken for a forged one."""
        with _said(self.folder):
            found = [read_record(path.read_bytes()) for path in sorted(self.folder.glob("*.json"))]
        return sorted(found, key=lambda each: each.created_at)

    def new(self, who: str, at: datetime) -> KeyRecord:
        """Makes a key pair to sign with from now on; the private key before it is gone then.

        The public key and its record are on the disk before the private one takes the place: nothing is
        ever signed by a key that nobody can verify.
        """
        old, new = self.signer() if self.has_signing_key else None, SigningKey(Ed25519PrivateKey.generate())
        record = _record(new, old, who, at)
        with _said(self.folder):
            make_folder(self.folder)
            write_whole(self.folder / f"{new.key_id}.pem", new.public_pem(), mode=EVERYBODY)
            write_whole(self.folder / f"{new.key_id}.json", record, mode=EVERYBODY)
            write_whole(self.folder / SIGNING, new.pem())
        self.__dict__.pop("public", None)
        return read_record(record)

    def first(self, who: str, at: datetime) -> KeyRecord | None:
        """Makes the first key pair; None where there is one. Raises Refused where there was one that is
        gone: what it signed would look like a stranger's."""
        if self.has_signing_key:
            self.signer()
            return None
        if self.records():
            raise Refused(
                "the signing key {path} is gone: put it back, or make another: callrec evidence key new",
                path=self.folder / SIGNING,
            )
        return self.new(who, at)


def key_id(key: Ed25519PublicKey) -> str:
    """Returns the id of a key: the first 16 digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Returns a public key from its PEM. Raises EvidenceBroken for anything else."""
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceBroken("there is no public key in it") from error
    if not isinstance(found, Ed25519PublicKey):
        raise EvidenceBroken("there is no public key in it")
    return found


def read_record(data: bytes) -> KeyRecord:
    """Returns the record of a key. Raises EvidenceBroken unless the key itself has signed it."""
    found = parsed(data)
    try:
        pem, id_ = str(found["public_key"]), str(found["key_id"])
        at = datetime.fromisoformat(found["created_at"])
        record = KeyRecord(id_, at, str(found["created_by"]), str(found["previous"]), pem)
    except (KeyError, ValueError, TypeError) as error:
        raise EvidenceBroken("the document is no record of a key") from error
    key = public_key(pem.encode())
    if key_id(key) != id_ or not PublicKeyRing({id_: key}).verifies(id_, *apart(data)):
        raise EvidenceBroken("the record of key {key} was changed", key=id_)
    return record


def _record(new: SigningKey, old: SigningKey | None, who: str, at: datetime) -> bytes:
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "public_key": new.public_pem().decode(),
        "created_at": at.isoformat(),
        "created_by": who,
        "previous": old.key_id if old else "",
    }
    if old:  # who has the old key says that the new one is ours
        content["introduced"] = base64.b64encode(old.sign(canonical(content))).decode()
    return signed(content, new)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise WrongConfiguration(
            "the signing key {path} is not there: put it back, or make one: callrec evidence key new",
            path=path,
        ) from error
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise WrongConfiguration(
            "the signing key {path} cannot be used: {problem}", path=path, problem=why(error)
        ) from error
