"""What is stated beside a recording against the custody log, to which anybody with the database can write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import manifest as manifests
from callrec.catalogue import custody, holds, tables
from callrec.errors import EvidenceBroken
from callrec.evidence.afterwards import after, at_first, plain
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.trust import Trust
from tests.tampering import altered
from tests.unit.evidence.verified import LATER, Place, destroy
from tests.unit.samples import RECORDING_ID, START


def test_a_destruction_that_nobody_signed_is_named(place: Place) -> None:
    """The rows are what callrec would write, and their hashes are right."""
    assert destroy(place, custody.append)
    assert place.problems() == [
        f"row {row} of the custody log says {action}, and nothing signed in the bucket does"
        for row, action in ((4, "destruction-begun"), (5, "destroyed"))
    ]


def test_a_destruction_that_only_waits_to_be_stated_is_named(place: Place) -> None:
    """Nothing is deleted before the bucket says why."""
    begun, end = destroy(place)
    assert [each[:5] for each in place.problems()] == [f"row {begun.seq}"]
    place.state()
    assert place.problems() == []
    place.store.versions[place.statement_of(end)] = place.store.versions[place.statement_of(begun)]
    assert any(f"row {end.seq} of" in each for each in place.problems()), "a copy of another statement"


def test_one_who_forges_a_destruction_does_not_make_what_is_missing_right(place: Place) -> None:
    begun = place.forge("destruction-begun", retain_until=None, statement=RECORDING_ID)
    assert any(f"row {begun.seq} of" in each for each in place.problems())
    del place.store.versions[place.kept.key]
    assert len(place.problems()) >= 2


def test_what_is_there_though_it_was_destroyed_is_named(place: Place) -> None:
    there = dict(place.store.versions)
    destroy(place)
    place.state()
    place.store.versions |= there
    (told,) = place.problems()
    assert place.kept.key in told and told.endswith("in the bucket, though the recording was destroyed")


def test_what_was_destroyed_before_there_were_keys_has_no_statement(place: Place) -> None:
    destroy(place, custody.append)
    place.since = LATER + timedelta(days=1)
    assert place.problems() == []


def test_a_row_that_says_to_be_older_than_the_rows_before_it_is_not_believed(place: Place) -> None:
    """Whoever writes at the end of the log gives his rows what time he likes."""
    place.since = datetime.now(UTC) - timedelta(days=1)  # the recording was archived since
    place.forge("destroyed", at=START, retain_until=None)
    assert any("nothing signed" in each for each in place.problems())


def test_a_statement_by_another_key_or_changed_is_named(place: Place) -> None:
    entry = place.log("retained", reason="x", before="", until=START.isoformat())
    place.state(SigningKey(Ed25519PrivateKey.generate()))
    assert len(place.problems()) == 2
    del place.store.versions[place.statement_of(entry)]
    assert [each[:5] for each in place.problems()] == [f"row {entry.seq}"]


def test_a_row_that_was_changed_against_its_statement_is_named(place: Place) -> None:
    entry = place.log("marked-incident", reason="x", before="", until=None)
    place.state()
    place.store.locked.clear()
    place.mode = "off"
    before = place.problems()
    said = {**entry.details, "reason": "y"}
    with place.database.begin() as connection, altered(connection):
        row = tables.custody.c.seq == entry.seq
        connection.execute(tables.custody.update().where(row).values(details=said, who="ito"))
    told = [each for each in place.problems() if each not in before]
    assert "marked-incident, who: sato in the bucket, ito in the custody log" in told
    assert "marked-incident, reason: x in the bucket, y in the custody log" in told


@pytest.mark.parametrize("wiped", [True, False])
def test_one_entry_that_says_all_anew_answers_to_what_is_signed(place: Place, wiped: bool) -> None:
    """Else a single row without any key would take a hold away."""
    with place.database.begin() as connection:
        hold = holds.add(connection, RECORDING_ID, "訴訟", None, who="sato", at=LATER)
    place.log("held", reason="訴訟", request="", hold=hold)
    place.state()
    place.store.held = {(each, "0") for each in place.store.versions}
    place.mode = "off"
    assert place.problems() == []
    kept = place.kept
    with place.database.read() as connection:
        entries = custody.of(connection, RECORDING_ID)
    manifest = manifests.read(place.store.objects[kept.manifest_key])
    stands = plain(after(at_first(manifest), entries))
    said = [each.details["statement"] for each in entries if each.action == "held"]
    place.forge("rebuilt", stands={**stands, "holds": [] if wiped else stands["holds"]}, statements=said)
    told = [each for each in place.problems() if each.startswith("rebuilt.holds: ")]
    assert (len(told), "[] in the custody log" in "".join(told)) == (wiped, wiped)
    assert wiped or place.problems() == []


def test_one_entry_that_says_it_is_destroyed_answers_to_what_is_signed(place: Place) -> None:
    end = LATER.isoformat()
    gone = {"begun_at": end, "begun_by": "x", "reason": {}, "finished_at": end}
    stands: dict[str, Any] = {
        "incident": False,
        "retain_until": None,
        "retained_because": "rule",
        "holds": [],
        "notes": [],
    }
    entry = place.forge("rebuilt", stands={**stands, "destruction": gone}, statements=[])
    assert f"row {entry.seq} of the custody log says rebuilt, and nothing signed in the bucket does" in (
        place.problems()
    )


def test_a_redaction_that_is_missing_changed_or_by_another_key_is_named(place: Place) -> None:
    placed = place.redact()
    assert place.problems() == []
    assert "redactions" in place.verify().checked
    changed = f"redaction 1 of recording {RECORDING_ID} is not the one that was made"
    for key, words in ((placed.key, changed), (placed.manifest_key, "not in the canonical form")):
        there = place.store.versions[key]
        place.store.versions[key] = [there[0] + b" "]
        assert words in place.problems()[0]
        del place.store.versions[key]
        assert place.problems() == [f"{key} is missing from the archive"]
        place.store.versions[key] = there
    place.redact(SigningKey(Ed25519PrivateKey.generate()), number=2)
    (told,) = place.problems()
    assert "none of ours" in told


def test_an_unsigned_manifest_is_as_old_as_its_place_in_the_log() -> None:
    """Who writes a row at the end of the log gives it any time."""
    trust = Trust(lambda: PublicKeyRing({}), lambda: LATER, lambda moment: 10)
    data = b'{"schema": "callrec-manifest/2"}'
    assert trust.is_signed(data, START, 9) is False
    with pytest.raises(EvidenceBroken, match="it is not signed"):
        trust.is_signed(data, START, 11)
