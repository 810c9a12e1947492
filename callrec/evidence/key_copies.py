"""Puts the public records of keys into the bucket, under lock: a machine that lost its disk has them there.

They lie under `evidence/keys/{id}.json`, as in the folder of keys. They are copies: what is verified with is
the folder alone, since whoever may put something into the bucket could put a key there.
"""

from __future__ import annotations

from callrec.errors import AlreadyThere, EvidenceBroken
from callrec.evidence.keys import KeyFolder
from callrec.evidence.placing import Placer

FOLDER = "evidence/keys/"


class KeyCopies:
    """The records of a folder of keys in one bucket; remembers which it has seen there."""

    def __init__(self, keys: KeyFolder, placer: Placer) -> None:
        self._keys, self._placer = keys, placer
        self._there = set[str]()

    def put(self) -> None:
        """Puts those into the bucket that are not there.

        Raises EvidenceBroken for the first that is damaged, or where something else lies there, once the
        others were put; Unreachable where the bucket is away.
        """
        failed: list[EvidenceBroken] = []
        for key_id in self._keys.key_ids():
            if key_id not in self._there:
                try:
                    self._put(key_id)
                    self._there.add(key_id)
                except EvidenceBroken as error:
                    failed.append(error)
        if failed:
            raise failed[0]

    def _put(self, key_id: str) -> None:
        key = f"{FOLDER}{key_id}.json"
        try:
            self._placer.place(key, self._keys.record_bytes(key_id))
        except AlreadyThere as error:
            raise EvidenceBroken("{key} in the bucket is not the record of this key", key=key) from error
