"""Reads what lies in the bucket, to be verified: each thing once, streamed, and says what cannot be had.

What one object's trouble is, and what that of the whole bucket, is told apart by asking the bucket itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from callrec.archive.conversion import save
from callrec.archive.store import Store, StoredObject
from callrec.errors import EvidenceBroken, NotFound, Sentence, StoreUnreachable, Unreachable
from callrec.evidence.flac_header import LENGTH, FlacHeader, read_header
from callrec.files import scratch
from callrec.manifest import AudioFacts
from callrec.spool.sound import examine

T = TypeVar("T")


class CheckedStore(Store, Protocol):
    """A bucket that can be asked whether it answers at all."""

    def check(self) -> None:
        """Raises StoreUnreachable when the bucket cannot be used, Unreachable for any other refusal."""


class Missing(EvidenceBroken):
    """An object is not in the bucket."""


class Reading:
    """Reads one bucket. All methods raise Missing, EvidenceBroken for what the server does not give, though
    it answers, and Unreachable where the bucket is away."""

    def __init__(self, store: CheckedStore) -> None:
        self._store = store

    def data(self, key: str, version: str | None) -> bytes:
        """Returns the bytes of a small object."""
        return self.given(key, lambda: b"".join(self._store.read(key, version)))

    def head(self, key: str, version: str | None) -> StoredObject:
        return self.given(key, lambda: self._store.head(key, version))

    def newest(self, key: str) -> str | None:
        """Returns the newest version of an object; empty when it was deleted on top of what is there."""
        try:
            return self.head(key, None).version
        except Missing:
            return ""

    def facts(self, key: str, version: str | None, pcm_sha256: str) -> AudioFacts:
        """Returns what a sound file says of itself and what its bytes are; what only decoding tells is as it
        is given."""
        return self.given(key, lambda: self._facts(key, version, pcm_sha256))

    def decoded(self, key: str, version: str | None) -> AudioFacts:
        """Returns what a sound file is, decoded to its end."""
        with scratch() as path:
            self.given(key, lambda: save(self._store.read(key, version), path))
            return examine(path)

    def _facts(self, key: str, version: str | None, pcm_sha256: str) -> AudioFacts:
        digest, size, head = hashlib.sha256(), 0, b""
        for chunk in self._store.read(key, version):
            digest.update(chunk)
            size += len(chunk)
            head += chunk[: LENGTH - len(head)]
        header = read_header(head)
        said = header or FlacHeader(0, 0, 0)
        return AudioFacts(
            format="flac" if header else "?",
            sample_rate=said.sample_rate,
            channels=said.channels,
            frames=said.frames,
            pcm_sha256=pcm_sha256,
            sha256=digest.hexdigest(),
            size=size,
        )

    def given(self, key: str, ask: Callable[[], T]) -> T:
        """Returns what is asked of an object, or of what begins with its key. It is asked once more where
        there was no answer, or only a part of one: a connection may break."""
        with self._named(key):
            try:
                return ask()
            except StoreUnreachable:
                self._store.check()
                return ask()

    @contextmanager
    def _named(self, key: str) -> Iterator[None]:
        try:
            yield
        except NotFound as error:
            raise Missing("{key} is missing from the archive", key=key) from error
        except Unreachable as error:
            self._store.check()
            problem = error.values.get("problem") or Sentence(error.template, **error.values)
            raise EvidenceBroken(
                "the S3 server answers, and does not give {key}: {problem}", key=key, problem=problem
            ) from error
