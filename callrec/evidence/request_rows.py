"""Compares the rows of one request with what the bucket says of it."""

from __future__ import annotations

from collections.abc import Iterator

from callrec.catalogue import rebuilding, statements
from callrec.catalogue.database import Connection
from callrec.catalogue.rebuilding import Difference, RequestSteps, Rows
from callrec.errors import EvidenceBroken, Sentence
from callrec.evidence.bucket import FoundRequest, numbered
from callrec.evidence.statements import statement
from callrec.evidence.wanted import wanted_of_request


class KnownRequest:
    """What bucket, outbox and custody log say of a request together. `rows` is None where that cannot be
    believed."""

    def __init__(self, connection: Connection, found: FoundRequest, steps: RequestSteps) -> None:
        waiting = [each for each in statements.waiting(connection) if each.request == found.number]
        self.number, self.said = found.number, [*found.said, *map(statement, waiting)]
        self._steps = steps.of(connection, found.number)
        self.lacking = self._steps - numbered(self.said)
        """The ids of statements that the custody log tells of, and the bucket does not have."""
        self.unproved = [*found.unproved, *map(lacks, sorted(self.lacking))]
        self.rows: Rows | None = None
        if self.said and not self.lacking:
            try:
                self.rows = wanted_of_request(self.said)
            except EvidenceBroken as error:
                self.unproved.append(Sentence(error.template, **error.values))

    def differing(self, connection: Connection) -> Iterator[Difference]:
        """Yields where the catalogue's rows are not those that are wanted."""
        for table, some in (self.rows or {}).items():
            yield from rebuilding.compared(connection, table, self.number, some)
        if not numbered(self.said) <= self._steps:
            yield Difference("custody", self.number, "", "rebuilt", None)


def lacks(id_: str) -> Sentence:
    """Returns what is said of a statement that should be in the bucket."""
    return Sentence("the bucket lacks statement {id}, of which the custody log tells", id=id_)
