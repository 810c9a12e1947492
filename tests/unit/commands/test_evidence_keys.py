"""callrec evidence key: a new key holds at once, the old ones verify, and who made it is written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callrec import settings_file
from callrec.app import App
from callrec.catalogue import custody
from callrec.evidence.keys import KeyFolder
from callrec.model.access import Role
from callrec.signing import opened, signed
from tests.unit.desk.server_thread import ThroughDesk
from tests.unit.fakes import MemoryStore
from tests.unit.program import Done, table

Run = Callable[..., Done]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    made = MemoryStore()
    monkeypatch.setattr(App, "store", made)
    return made


@pytest.fixture
def keys(office: Run, tmp_path: Path) -> KeyFolder:
    """Those of the office, as a process has them that runs since before."""
    return KeyFolder(tmp_path / "evidence")


@pytest.fixture
def app(keys: KeyFolder, tmp_path: Path) -> Iterator[App]:
    made = App(settings_file.load(str(tmp_path / "callrec.toml")))
    yield made
    made.close()


def _listed(office: Run) -> list[dict[str, Any]]:
    done = office("evidence", "key", "list", "--json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def test_the_key_of_an_office_is_listed(office: Run, keys: KeyFolder) -> None:
    (listed,) = _listed(office)
    assert listed["key_id"] == keys.signer().key_id == listed["fingerprint"][:16]
    assert listed["signs"] and not listed["introduced"] and listed["previous"] == ""
    shown = office("evidence", "key", "list")
    assert "signs now" in shown.out and listed["key_id"] in shown.out
    (row,) = table(office("evidence", "key", "list", "--csv").out)
    assert row["key_id"] == listed["key_id"] and row["created_by"] == listed["created_by"]


def test_a_new_key_holds_at_once_and_the_old_one_verifies(
    office: Run, keys: KeyFolder, store: MemoryStore
) -> None:
    before = signed({"a": 1}, keys.signer())
    assert opened(before, keys.public)
    done = office("evidence", "key", "new")
    assert done.code == 0, done.err
    old, new = _listed(office)
    assert new["signs"] and not old["signs"] and new["introduced"] and new["previous"] == old["key_id"]
    assert new["key_id"] in done.out and new["fingerprint"] in done.out and str(keys.folder) in done.out
    after = signed({"a": 1}, keys.signer())
    assert opened(after, keys.public)["key_id"] == new["key_id"] and opened(before, keys.public)
    assert set(store.objects) == {f"evidence/keys/{each}.json" for each in (old["key_id"], new["key_id"])}
    assert set(store.until) == set(store.objects), "they are locked"
    there = store.objects[f"evidence/keys/{new['key_id']}.json"]
    assert there == keys.record_bytes(new["key_id"])


def test_who_made_it_stands_in_the_custody_log(
    office: Run, app: App, keys: KeyFolder, store: MemoryStore
) -> None:
    old = keys.signer().key_id
    assert office("evidence", "key", "new").code == 0
    with app.database.read() as connection:
        (entry,) = custody.of(connection, "")
    assert entry.action == "key-made" and entry.who == app.who == keys.records()[-1].created_by
    assert (entry.details["key"], entry.details["previous"]) == (keys.signer().key_id, old)


def test_none_is_made_that_cannot_be_written_down(office: Run, app: App, keys: KeyFolder) -> None:
    assert app.database.file
    before = keys.signer().key_id
    app.database.file.rename(app.database.file.with_suffix(".away"))
    done = office("evidence", "key", "new")
    assert done.code == 3 and keys.signer().key_id == before and len(keys.records()) == 1


def test_with_the_bucket_away_it_says_so(office: Run, store: MemoryStore) -> None:
    store.away = True
    done = office("evidence", "key", "new")
    assert done.code == 0 and "not in the bucket yet (the store is away)" in done.out
    assert _listed(office)[-1]["signs"]


def test_another_record_in_the_bucket_is_said(office: Run, keys: KeyFolder, store: MemoryStore) -> None:
    store.put_over(f"evidence/keys/{keys.signer().key_id}.json", b"{}")
    done = office("evidence", "key", "new")
    assert done.code == 0 and "is not the record of this key" in done.out


def test_a_key_that_is_gone_is_listed_and_complained_of(office: Run, keys: KeyFolder) -> None:
    keys.signing_file.unlink()
    done = office("evidence", "key", "list", "--json")
    assert done.code == 1 and "is not there: put it back" in done.complaint
    assert [each["signs"] for each in json.loads(done.out)] == [False]


def test_after_a_lost_key_the_new_one_is_not_introduced(
    office: Run, keys: KeyFolder, store: MemoryStore
) -> None:
    lost = keys.signer().key_id
    keys.signing_file.unlink()
    done = office("evidence", "key", "new")
    assert f"the key before it, {lost}, was not there" in done.out
    assert "not introduced by the key before" in office("evidence", "key", "list").out


def test_a_record_that_was_changed(office: Run, keys: KeyFolder) -> None:
    path = keys.folder / f"{keys.signer().key_id}.json"
    path.write_bytes(path.read_bytes().replace(b"2", b"3", 1))
    for command in ("list", "new"):
        done = office("evidence", "key", command)
        assert done.code == 5 and str(path) in done.complaint


@pytest.mark.parametrize("command", ["list", "new"])
def test_nobody_makes_or_sees_keys_through_the_desk(through_desk: ThroughDesk, command: str) -> None:
    through_desk.grant(*Role)
    assert through_desk("evidence", "key", command).code == 4
