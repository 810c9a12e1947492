"""Anchors: made of the custody log, named by day, chained, and read again with what is wrong with them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec.catalogue import custody
from callrec.catalogue.database import Database
from callrec.errors import AlreadyThere, EvidenceBroken, NotFound, StoreUnreachable
from callrec.evidence import anchor as documents
from callrec.evidence import merkle
from callrec.evidence.anchor import AnchorReason, Leaf
from callrec.evidence.anchors import FoundAnchor
from callrec.evidence.keys import SigningKey
from tests.tampering import altered
from tests.unit.evidence.anchoring import Anchoring


@pytest.fixture
def anchoring(database: Database) -> Anchoring:
    return Anchoring(database)


def _problems(anchoring: Anchoring) -> dict[str, list[str]]:
    """What is wrong with each anchor that has a problem."""
    return {each.key: [*map(str, each.problems)] for each in anchoring.log.all() if each.problems}


def test_an_anchor_says_where_the_log_stands(anchoring: Anchoring) -> None:
    manifests = anchoring.archived(3)
    made = anchoring.anchor()
    assert made.key == "anchors/2026/11/29.json"
    assert made.anchor
    assert (made.anchor.number, made.anchor.custody_rows, made.anchor.manifests) == (1, 6, 3)
    assert [made] == list(anchoring.log.all())
    assert anchoring.log.leaves(made) == [Leaf(*each) for each in sorted(manifests)]
    assert anchoring.store.until[made.key] > datetime.now(anchoring.at.tzinfo) + timedelta(days=3650)


def test_a_recording_that_was_entered_anew_is_under_an_anchor(anchoring: Anchoring) -> None:
    """Its catalogue was lost, and made again from the bucket: no row says any more that it was archived."""
    leaf = Leaf("01a20000-0000-7000-8000-000000000001", "a" * 64)
    with anchoring.database.begin() as connection:
        made = {"manifest_sha256": leaf.manifest_sha256, "stands": {}, "statements": []}
        custody.append(connection, leaf.recording_id, "rebuilt", who="sato", at=anchoring.at, **made)
        custody.append(connection, "", "rebuilt", who="sato", at=anchoring.at, request="2026-0001")
    assert anchoring.log.leaves(anchoring.anchor()) == [leaf]


def test_each_follows_the_one_before(anchoring: Anchoring) -> None:
    for count in (1, 0, 2):
        anchoring.archived(count)
        anchoring.anchor(AnchorReason.EXPORT)
    anchoring.anchor(days=1)
    found = list(anchoring.log.all())
    assert [each.key for each in found] == [
        "anchors/2026/11/29.json",
        "anchors/2026/11/29.2.json",
        "anchors/2026/11/29.3.json",
        "anchors/2026/11/30.json",
    ]
    assert [each.anchor and each.anchor.manifests for each in found] == [1, 0, 2, 0]
    assert not _problems(anchoring)


def test_an_older_one_under_a_newer_name_is_named_and_followed_by_none(anchoring: Anchoring) -> None:
    """Else whoever may write to the bucket had all that come after it named for a day in a far year."""
    first, second = anchoring.anchor(), anchoring.anchor(AnchorReason.REQUEST, days=1)
    copy = "anchors/2099/12/31.json"
    anchoring.store.put_over(copy, first.data)
    assert anchoring.log.newest() == second
    third = anchoring.anchor(AnchorReason.REQUEST, days=1)
    assert third.key == "anchors/2026/12/01.json" and third.believed.previous_key == second.key
    assert list(_problems(anchoring)) == [copy]


def test_of_very_many_manifests_several_anchors_are_made_at_once(
    anchoring: Anchoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first anchor of an office that has recorded for years must not need all of it in memory."""
    monkeypatch.setattr("callrec.evidence.anchorer.MOST_LEAVES", 2)
    manifests = anchoring.archived(5)
    made = anchoring.anchor()
    found = list(anchoring.log.all())
    assert [each.believed.manifests for each in found] == [2, 2, 1] and made == found[-1]
    assert [each.believed.custody_rows for each in found] == [4, 8, 10]
    under = [leaf for each in found for leaf in anchoring.log.leaves(each)]
    assert sorted((each.recording_id, each.manifest_sha256) for each in under) == sorted(manifests)
    anchoring.known(id_ for id_, _ in manifests)
    assert anchoring.anchor() == made and not _problems(anchoring) and anchoring.found() == []
    more = anchoring.archived(4)
    exported = anchoring.anchor(AnchorReason.EXPORT)
    anchoring.known(id_ for id_, _ in more)
    assert exported.believed.custody_rows == 18 and anchoring.log.path_of(*more[-1]).under == exported
    assert len(list(anchoring.log.all())) == 5 and anchoring.found() == []


def test_ten_of_a_day_keep_their_order(anchoring: Anchoring) -> None:
    for _ in range(11):
        anchoring.anchor(AnchorReason.EXPORT)
    assert [each.name.nth for each in anchoring.log.all()] == [*range(1, 12)]
    assert not _problems(anchoring)


def test_the_day_is_that_of_the_office(anchoring: Anchoring) -> None:
    anchoring.at = anchoring.at.replace(hour=15)
    assert anchoring.anchor().key == "anchors/2026/11/30.json"


def test_a_daily_one_that_would_say_the_same_is_not_made(anchoring: Anchoring) -> None:
    anchoring.archived()
    first = anchoring.anchor()
    assert anchoring.anchor() == first
    anchoring.archived()
    assert anchoring.anchor().key == "anchors/2026/11/29.2.json"
    assert anchoring.anchor(days=1).key == "anchors/2026/11/30.json", "that nothing was done is said too"


def test_a_clock_that_goes_back_does_not_turn_the_order(anchoring: Anchoring) -> None:
    anchoring.anchor()
    made = anchoring.anchor(days=-3)
    assert made.key == "anchors/2026/11/29.2.json"
    assert not _problems(anchoring)


def test_two_processes_make_one_chain(anchoring: Anchoring) -> None:
    def make(_: int) -> FoundAnchor:
        return anchoring.anchor(AnchorReason.EXPORT)

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(8)))
    assert len({each.key for each in made}) == 8
    assert not _problems(anchoring)


def test_a_list_that_was_not_put_is_made_up_for(anchoring: Anchoring) -> None:
    anchoring.archived(2)
    first = anchoring.anchor()
    del anchoring.store.versions[first.name.leaves_key]
    with pytest.raises(NotFound):
        anchoring.log.leaves(first)
    anchoring.anchor(days=1)
    assert len(anchoring.log.leaves(first)) == 2


def test_nothing_is_left_out_after_rows_were_cut_off(anchoring: Anchoring) -> None:
    anchoring.archived(1)
    anchoring.anchor()
    anchoring.archived(1)
    anchoring.anchor(days=1)
    with anchoring.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("DELETE FROM custody WHERE seq > 2")
    manifests = anchoring.archived(1)
    made = anchoring.anchor(days=1)
    assert anchoring.log.leaves(made) == [Leaf(*each) for each in manifests]


def test_where_a_manifest_stands(anchoring: Anchoring) -> None:
    anchoring.archived(2)
    anchoring.anchor()
    manifests = anchoring.archived(5)
    under = anchoring.anchor()
    assert under.anchor
    for id_, sha256 in manifests:
        found = anchoring.log.path_of(id_, sha256)
        assert found.under.key == under.key
        assert merkle.climbed(sha256, found.steps) == under.anchor.merkle_root
    with pytest.raises(NotFound):
        anchoring.log.path_of(manifests[0][0], "0" * 64)


@pytest.mark.parametrize("what", ["away", "no lock", "other bytes"])
def test_an_anchor_is_made_only_once_it_is_proved(
    anchoring: Anchoring, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchoring.store.away = what == "away"
    anchoring.store.drops_locks = what == "no lock"
    if what == "other bytes":

        def put(key: str, data: bytes, kind: str, until: datetime) -> None:
            anchoring.store.put_over(key, b"{}")

        monkeypatch.setattr(anchoring.store, "put_bytes", put)
    with pytest.raises(StoreUnreachable if what == "away" else EvidenceBroken):
        anchoring.anchor()


# --- what somebody did to them


@pytest.fixture
def four(anchoring: Anchoring) -> Anchoring:
    """A log with an anchor on each of four days."""
    for _ in range(4):
        anchoring.archived()
        anchoring.anchor(days=1)
    return anchoring


SECOND, THIRD = "anchors/2026/12/01.json", "anchors/2026/12/02.json"


def test_one_that_is_missing(four: Anchoring) -> None:
    del four.store.versions[SECOND]
    assert _problems(four) == {THIRD: ["before it, anchor 2 is missing"]}


def test_one_that_was_changed(four: Anchoring) -> None:
    four.store.versions[SECOND] = [four.store.objects[SECOND].replace(b'"number":2', b'"number":3')]
    assert list(_problems(four)) == [SECOND, THIRD]
    assert "signature" in _problems(four)[SECOND][0]


def test_one_over_which_another_was_put(four: Anchoring) -> None:
    four.store.put_over(SECOND, four.store.objects[THIRD])
    assert _problems(four) == {SECOND: ["something was put over it, or it was deleted"]}


def test_one_of_a_stranger(four: Anchoring) -> None:
    stranger = SigningKey(Ed25519PrivateKey.generate())
    real = documents.read(four.store.objects[SECOND], four.ring)
    four.store.versions[SECOND] = [documents.write(replace(real, note="x"), stranger)]
    assert f"key {stranger.key_id}, which is none of ours" in _problems(four)[SECOND][0]


def test_one_that_was_signed_anew(four: Anchoring) -> None:
    real = documents.read(four.store.objects[SECOND], four.ring)
    four.store.versions[SECOND] = [documents.write(replace(real, custody_rows=1), four.key)]
    assert list(_problems(four)) == [THIRD]


def test_a_list_of_other_manifests(four: Anchoring) -> None:
    first, second, *_ = four.log.all()
    four.store.versions[first.name.leaves_key] = [four.store.objects[second.name.leaves_key]]
    with pytest.raises(EvidenceBroken, match="another one"):
        four.log.leaves(first)


def test_what_a_stranger_puts_under_names_to_come_ends_nothing(four: Anchoring) -> None:
    four.store.put_over("anchors/2026/12/04.json", b"{}")
    four.store.put_over("anchors/2026/12/04.2.leaves.json", b"{}")
    four.store.put_over("anchors/9999/99/99.json", b"{}")
    made = four.anchor(days=1)
    assert made.key == "anchors/2026/12/04.3.json"
    assert made.anchor
    assert made.anchor.number == 5
    assert list(_problems(four)) == ["anchors/2026/12/04.json"]


def test_a_list_that_somebody_put_there_first(four: Anchoring, monkeypatch: pytest.MonkeyPatch) -> None:
    four.store.put_over("anchors/2026/12/04.leaves.json", b"{}")
    monkeypatch.setattr(type(four.log), "taken", lambda log, day: 0)
    with pytest.raises(EvidenceBroken, match="somebody else has put"):
        four.anchor(days=1)


def test_the_same_document_put_twice_is_as_good(anchoring: Anchoring) -> None:
    anchoring.anchor()
    made = anchoring.anchor(AnchorReason.EXPORT)
    placer = anchoring.anchorer._placer
    placer.place(made.key, made.data)
    with pytest.raises(AlreadyThere):
        placer.place(made.key, b"{}")
