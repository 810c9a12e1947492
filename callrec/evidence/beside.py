"""Verifies what lies beside a recording in the bucket: the statements about it, and its redactions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from callrec.archive.store import BrowsingStore
from callrec.catalogue import statements
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Database
from callrec.errors import EvidenceBroken, Sentence
from callrec.evidence import redaction, stated
from callrec.evidence.afterwards import Afterwards
from callrec.evidence.bucket import BucketReader, Place
from callrec.evidence.findings import Findings, Told
from callrec.evidence.reading import CheckedStore, Reading
from callrec.evidence.redaction import PlacedRedaction
from callrec.evidence.stated import Beside
from callrec.evidence.statements import statement
from callrec.evidence.strays import OWN
from callrec.evidence.trust import Trust


class VerifiedStore(CheckedStore, BrowsingStore, Protocol):
    """A bucket that is read to be verified."""


class BesideVerifier:
    """Verifies what lies beside recordings. Raises as Reading does, but for what is told in the findings."""

    def __init__(self, store: VerifiedStore, database: Database, trust: Trust) -> None:
        self._store, self._database, self._trust = store, database, trust
        self._reading = Reading(store)

    def verify(self, found: Findings, told: Told, now: Afterwards) -> None:
        """Verifies the statements of a recording, and its redactions while it is there."""
        if wanted := stated.to_be_stated(told.entries, now):
            with found.looking("statements"):
                found.problems += self._statements(wanted, told, now)
        placed = [] if now.destruction else redaction.placed(told.entries)
        for each in placed:
            with found.looking("redactions"):
                self._redaction(told, each)

    # --- statements

    def _statements(self, wanted: Sequence[Entry], told: Told, now: Afterwards) -> list[Sentence]:
        # The outbox first: what is not in it any more is in the bucket by then.
        with self._database.read() as connection:
            waiting = [statement(each) for each in statements.waiting(connection, wanted[0].recording_id)]
        base, reader = told.place.key.removesuffix(".flac"), BucketReader(self._store, self._trust.keys)
        place = self._reading.given(f"{base}.", lambda: reader.place(base, wanted[0].recording_id))
        there = self._reading.given(f"{base}.", lambda: reader.recording(place))
        problems = stated.of_statements(wanted, now, Beside(there, waiting), self._is_older)
        return [*problems, *(_left(place) if now.destroyed_at else [])]

    def _is_older(self, entry: Entry) -> bool:
        return self._trust.is_older(entry.at, entry.seq)

    # --- redactions

    def _redaction(self, told: Told, placed: PlacedRedaction) -> None:
        """Raises EvidenceBroken unless a redaction is the one that the custody log has, signed."""
        data = self._reading.data(placed.manifest_key, placed.manifest_version)
        sound = self._reading.facts(placed.key, placed.version, "")
        made = redaction.read(data, self._trust.keys)
        id_ = told.entries[0].recording_id
        right = (id_, placed.number, told.place.sha256, placed.sha256, *placed.hashes)
        said = (made.recording_id, made.number, made.original_sha256, made.audio.sha256)
        if (*said, sound.sha256, hashlib.sha256(data).hexdigest()) != right:
            raise EvidenceBroken(
                "redaction {number} of recording {id} is not the one that was made",
                number=placed.number,
                id=id_,
            )


def _left(place: Place) -> list[Sentence]:
    """Returns what of a recording that was destroyed is there all the same."""
    own = {f"{place.base}.{each}" for each in OWN}
    left = dict.fromkeys(each.key for each in place.versions if each.key in own and not each.marker)
    told = Sentence("{keys}: in the bucket, though the recording was destroyed", keys=", ".join(left))
    return [told] if left else []
