"""A file that an operation gives: what is said of it, and its bytes, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from callrec.errors import Unreachable

if TYPE_CHECKING:
    from callrec.desk.operation import Session

A = TypeVar("A", bound="About")
CHUNK = 1 << 15
"""Bytes that are given at once: about a second of sound. What is given is not taken back."""


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


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a file of a recording is given. The gate looks at it again while the file is on its way."""

    recording_id: str
    check: Callable[[Session], None]
    """Raises NotAllowed where it is no longer to be given, in the session that the caller would have now."""
    reached: Callable[[int], str]
    """Returns how far so many bytes reach, for the custody log."""


class Download(Generic[A]):
    """A file on its way. To be used in a `with`; iterated once.

    Raises Unreachable at the end unless it was as long as was said, with the SHA-256 that was said; and what
    `before_each` raises, which is told before each piece how many bytes are on their way.
    """

    def __init__(self, about: A, source: Source, terms: Terms | None = None) -> None:
        self.about, self._source, self.terms = about, source, terms
        self.before_each: Callable[[int], None] = lambda sent: None

    @classmethod
    def of(cls, about: A, path: Path, terms: Terms | None = None) -> Self:
        """Returns the download of a file, which may be deleted from then on."""
        return cls(about, path.open("rb"), terms)

    def __iter__(self) -> Iterator[bytes]:
        import hashlib

        left, seen = self.about.size, hashlib.sha256()
        while left and (chunk := self._piece(left)):
            seen.update(chunk)
            left -= len(chunk)
            yield chunk
        if left or seen.hexdigest() != self.about.sha256:
            raise Unreachable("the file did not arrive whole: try again")

    def _piece(self, left: int) -> bytes:
        self.before_each(self.about.size - left)
        return self._source.read(min(CHUNK, left))

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
