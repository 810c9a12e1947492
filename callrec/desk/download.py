"""A file that an operation gives: what is said of it, and its bytes, streamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from callrec.errors import Unreachable

A = TypeVar("A", bound="About")
CHUNK = 1 << 20


class About(Protocol):
    """What is said of a file before its bytes: at least how many they are, and their SHA-256."""

    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Source(Protocol):
    """Where the bytes come from: a file, or the answer of the desk."""

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class Download(Generic[A]):
    """A file on its way. To be used in a `with`; iterated once.

    Raises Unreachable at the end unless it was as long as was said, with the SHA-256 that was said.
    """

    def __init__(self, about: A, source: Source) -> None:
        self.about, self._source = about, source

    @classmethod
    def of(cls, about: A, path: Path) -> Self:
        """Returns the download of a file, which may be deleted from then on."""
        return cls(about, path.open("rb"))

    def __iter__(self) -> Iterator[bytes]:
        left, seen = self.about.size, hashlib.sha256()
        while left and (chunk := self._source.read(min(CHUNK, left))):
            seen.update(chunk)
            left -= len(chunk)
            yield chunk
        if left or seen.hexdigest() != self.about.sha256:
            raise Unreachable("the file did not arrive whole: try again")

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
