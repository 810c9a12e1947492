"""One Ed25519 key: a private one, which signs, or public ones, which verify. Where keys are kept is not known
here."""

from __future__ import annotations

import hashlib

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

from callrec.errors import EvidenceBroken, WrongConfiguration


class SigningKey:
    """A private key, as a Signer."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key()
        self.key_id = key_id(self.public_key)

    @classmethod
    def made(cls) -> SigningKey:
        """Returns a key that nobody had before."""
        return cls(Ed25519PrivateKey.generate())

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    def pem(self) -> bytes:
        """Returns the private key itself, as PKCS #8 without a passphrase: for its file and nothing else."""
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
            raise stranger(key_id)
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def stranger(key_id: str) -> EvidenceBroken:
    """Returns the error for what is signed by a key that is not believed."""
    return EvidenceBroken(
        "it is signed by key {key}, which is none of ours: see callrec evidence key list", key=key_id
    )


def key_id(key: Ed25519PublicKey) -> str:
    """Returns the id of a key: the first 16 digits of the SHA-256 of its 32 bytes."""
    return fingerprint(key)[:16]


def fingerprint(key: Ed25519PublicKey) -> str:
    """Returns the SHA-256 of the 32 bytes of a key, in hexadecimal: what people compare."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def private_key(pem: bytes) -> SigningKey:
    """Returns a private key from its PEM. Raises WrongConfiguration, in words that show nothing of it."""
    if not pem.strip():
        raise WrongConfiguration("it is empty")
    try:
        found = load_pem_private_key(pem, None)
    except TypeError:  # says the library
        raise WrongConfiguration("it has a passphrase, which nobody is there to type") from None
    except (ValueError, UnsupportedAlgorithm):
        raise WrongConfiguration("there is no private key in it, or not a whole one") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise WrongConfiguration("it is no Ed25519 key")
    return SigningKey(found)


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Returns a public key from its PEM. Raises EvidenceBroken for anything else."""
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceBroken("there is no public key in it") from error
    if not isinstance(found, Ed25519PublicKey):
        raise EvidenceBroken("there is no public key in it")
    return found
