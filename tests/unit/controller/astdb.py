"""The PBX's own database in memory, which several controllers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from callrec.errors import PbxUnreachable


@dataclass
class AstDbInMemory:
    """Entries by family and key. `away`: AMI does not answer."""

    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    away: bool = False
    looks: int = 0

    @contextmanager
    def open(self) -> Iterator[AstDbInMemory]:
        if self.away:
            raise PbxUnreachable("AMI is away")
        yield self

    def tree(self, family: str) -> dict[str, str]:
        self.looks += 1
        return dict(self.entries.get(family, {}))

    def write(self, family: str, entries: Mapping[str, str]) -> None:
        self.entries.setdefault(family, {}).update(entries)

    def delete(self, family: str, keys: Iterable[str]) -> None:
        for key in keys:
            del self.entries[family][key]
