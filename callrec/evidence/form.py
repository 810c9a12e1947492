"""What signed documents have in common: a type whose values are checked, written with a signature, and read
again where that is right."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from callrec.errors import EvidenceBroken
from callrec.signing import PublicKeys, Signer, opened, signed
from callrec.wrong_values import words

T = TypeVar("T")


class Form(Generic[T]):
    """One kind of signed document. `refusal` makes the error for what is signed and is none of this kind."""

    def __init__(self, kind: type[T], refusal: Callable[[object], EvidenceBroken]) -> None:
        self._kind, self._refusal = kind, refusal

    @cached_property
    def _documents(self) -> TypeAdapter[T]:
        # Made when it is first asked for: most commands have nothing to do with it.
        return TypeAdapter(self._kind)

    def write(self, document: T, signer: Signer) -> bytes:
        """Returns the document in canonical form, signed."""
        plain: dict[str, Any] = self._documents.dump_python(document, mode="json")
        return signed(plain, signer)

    def read(self, data: bytes, keys: PublicKeys) -> T:
        """Returns a document whose signature is right. Raises EvidenceBroken."""
        found = opened(data, keys)
        try:
            return self._documents.validate_python(found)
        except ValidationError as error:
            raise self._refusal(words(error.errors()[0])) from error
