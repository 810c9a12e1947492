"""The record of a key: when it was made, by whom, and which key was before it. Signed by the key itself, and
by the one before, which so says that the new one is ours."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callrec.errors import EvidenceBroken
from callrec.evidence.key_pair import PublicKeyRing, SigningKey, fingerprint, key_id, public_key
from callrec.signing import canonical, opened, parsed, signed

SCHEMA = "callrec-key/1"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key that callrec has, or had. `previous` is the id of the key before it; empty of the first."""

    key_id: str
    created_at: datetime
    created_by: str
    previous: str
    public_key: str
    """The public key as PEM."""
    introduced: str = ""
    """The signature of the key before, in base64; empty where that was gone."""

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the 32 bytes of the public key."""
        return fingerprint(public_key(self.public_key.encode()))

    def ring(self) -> PublicKeyRing:
        """Returns this key alone, to verify with."""
        return PublicKeyRing({self.key_id: public_key(self.public_key.encode())})


def make(new: SigningKey, old: SigningKey | None, previous: str, who: str, at: datetime) -> bytes:
    """Returns the record of a new key; `old` is the private key before it, where that is still there."""
    record = KeyRecord(new.key_id, at, who, previous, new.public_pem().decode())
    content = _content(record)
    if old:
        content["introduced"] = base64.b64encode(old.sign(canonical(content))).decode()
    return signed(content, new)


def read(data: bytes) -> KeyRecord:
    """Returns the record of a key. Raises EvidenceBroken unless the key itself has signed it."""
    record = _record(parsed(data))
    if key_id(public_key(record.public_key.encode())) != record.key_id:
        raise EvidenceBroken("the record of key {key} was changed", key=record.key_id)
    try:
        opened(data, record.ring())
    except EvidenceBroken as error:
        raise EvidenceBroken("the record of key {key} was changed", key=record.key_id) from error
    return record


def check_order(record: KeyRecord, previous: KeyRecord) -> None:
    """Raises EvidenceBroken unless a record follows from that of the key before it: later, and where it says
    that this key has introduced it, so it is."""
    if record.created_at < previous.created_at:
        raise EvidenceBroken(
            "key {key} says that it was made before {previous}, the key before it",
            key=record.key_id,
            previous=previous.key_id,
        )
    if record.introduced and not _is_introduced(record, previous):
        raise EvidenceBroken(
            "key {key} was not introduced by {previous}, as it says",
            key=record.key_id,
            previous=previous.key_id,
        )


def _is_introduced(record: KeyRecord, previous: KeyRecord) -> bool:
    try:
        signature = base64.b64decode(record.introduced, validate=True)
    except ValueError:
        return False
    return previous.ring().verifies(previous.key_id, signature, canonical(_content(record)))


def _record(found: dict[str, Any]) -> KeyRecord:
    try:
        if found["schema"] != SCHEMA:
            raise ValueError
        at = datetime.fromisoformat(found["created_at"])
        if at.tzinfo is None:
            raise ValueError
        names = ("key_id", "created_by", "previous", "public_key")
        id_, who, previous, pem = (str(found[name]) for name in names)
    except (KeyError, ValueError, TypeError) as error:
        raise EvidenceBroken("the document is no record of a key") from error
    return KeyRecord(id_, at, who, previous, pem, str(found.get("introduced", "")))


def _content(record: KeyRecord) -> dict[str, Any]:
    """Returns what the key before signs."""
    return {
        "schema": SCHEMA,
        "public_key": record.public_key,
        "created_at": record.created_at.isoformat(),
        "created_by": record.created_by,
        "previous": record.previous,
    }
