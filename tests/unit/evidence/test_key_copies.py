"""Copies of the records of keys in the bucket: one that is damaged keeps no other from being put."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callrec.errors import EvidenceBroken
from callrec.evidence.key_copies import FOLDER, KeyCopies
from callrec.evidence.keys import KeyFolder
from callrec.evidence.placing import Placer
from tests.unit.fakes import MemoryStore

AT = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_damaged_record_keeps_no_other_from_the_bucket(tmp_path: Path) -> None:
    keys, store = KeyFolder(tmp_path / "keys"), MemoryStore()
    for days in range(3):
        keys.new("sato", AT + timedelta(days=days))
    first, *others = keys.key_ids()
    file = keys.folder / f"{first}.json"
    whole = file.read_bytes()
    file.write_bytes(b"{}")
    copies = KeyCopies(keys, Placer(store, 1, locked=True))
    with pytest.raises(EvidenceBroken, match="no record of a key"):
        copies.put()
    assert sorted(store.objects) == [f"{FOLDER}{each}.json" for each in others]
    file.write_bytes(whole)
    copies.put()
    assert len(store.objects) == 3
