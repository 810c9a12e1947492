"""Whatever is done to the custody log or to the anchors is found, as long as it touches what was anchored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from callrec.catalogue.custody import GENESIS, Entry, Link, linked, text_of
from callrec.evidence import anchor as documents
from callrec.evidence.anchor import SCHEMA, Anchor, AnchorReason, sha256
from callrec.evidence.anchors import AnchorLog, AnchorName
from callrec.evidence.chain import Break, Comparison, Kind, Notes, Standing, compare, kind_of
from callrec.evidence.keys import PublicKeyRing, SigningKey
from tests.unit.evidence.anchoring import DAY, NOW
from tests.unit.fakes import MemoryStore

HOUR = timedelta(hours=1)
Log = list[Entry]


def _entry(seq: int, who: str, previous: str, hours: int = 0) -> Entry:
    at, said = NOW + (hours or seq) * HOUR, ("recording", "noted", {"text": who})
    bare = Entry(seq, at, who, *said, previous, "")
    return replace(bare, hash=hashlib.sha256(text_of(bare).encode()).hexdigest())


def _chained(names: list[str], log: Log | None = None) -> Log:
    """A log of rows by these, one after the other, each with the right hash."""
    made = list(log or [])
    for who in names:
        made.append(_entry(len(made) + 1, who, made[-1].hash if made else GENESIS))
    return made


def _links(log: Log) -> list[Link]:
    previous, expected, links = GENESIS, 1, []
    for each in log:
        links.append(linked(each, previous, expected))
        previous, expected = each.hash, each.seq + 1
    return links


def _anchor(log: Log, rows: int, number: int = 1, note: str = "", known: tuple[str, ...] = ()) -> Standing:
    at = NOW + rows * HOUR + HOUR / 2
    head = log[rows - 1].hash if rows else GENESIS
    name = AnchorName((NOW + number * DAY).date(), 1)
    said = (at, "callrec", rows, head, 0, "", "", "", "callrec")
    return Standing(name.key, Anchor(SCHEMA, number, AnchorReason.DAILY, note, *said, known))


def _compared(log: Log, anchors: list[Standing]) -> Comparison:
    return compare(_links(log), anchors)


@st.composite
def anchored(draw: st.DrawFn) -> tuple[Log, list[Standing]]:
    """A log, and anchors of it in the order in which they were made."""
    log = _chained(draw(st.lists(st.sampled_from(["sato", "suzuki", "callrec"]), min_size=1, max_size=12)))
    rows = sorted(draw(st.lists(st.integers(0, len(log)), max_size=5)))
    return log, [_anchor(log, each, number) for number, each in enumerate(rows, 1)]


@st.composite
def tampered(draw: st.DrawFn, log: Log) -> Log:
    """The log after somebody did something to it, with or without computing the hashes anew."""
    at = draw(st.integers(0, len(log) - 1))
    match draw(st.sampled_from(["change", "remove", "cut", "insert", "swap", "rewrite", "rewrite fewer"])):
        case "change":
            one = log[at]
            others = replace(one, who="x"), replace(one, details={}), replace(one, at=NOW)
            changed = draw(st.sampled_from(others))
            return [*log[:at], changed, *log[at + 1 :]]
        case "remove":
            return [*log[:at], *log[at + 1 :]]
        case "cut":
            return log[:at]
        case "insert":
            new = _entry(at + 1, "x", log[at].previous)
            return [*log[:at], new, *(replace(each, seq=each.seq + 1) for each in log[at:])]
        case "swap":
            other = draw(st.integers(0, len(log) - 1))
            turned = list(log)
            turned[at], turned[other] = (
                replace(log[other], seq=log[at].seq),
                replace(log[at], seq=log[other].seq),
            )
            return turned
        case "rewrite":
            return _chained(["x", *(each.who for each in log[at + 1 :])], log[:at])
        case _:
            return _chained([each.who for each in log[at + 1 :]], log[:at])


@given(anchored())
def test_a_log_that_nobody_touched_fits_its_anchors(made: tuple[Log, list[Standing]]) -> None:
    log, anchors = made
    assert _compared(log, anchors) == Comparison(len(log), (), ())


@given(st.data())
def test_whatever_touches_what_was_anchored_is_found(data: st.DataObject) -> None:
    log, anchors = data.draw(anchored())
    after = data.draw(tampered(log))
    found = _compared(after, anchors)
    newest = max((each.rows for each in anchors), default=0)
    if after[:newest] != log[:newest]:
        assert found.altered or found.breaks
    elif _links(after) == _links(_chained([each.who for each in after])) and after == _chained(
        [each.who for each in after]
    ):
        assert not found.altered and not found.breaks, "what is under no anchor cannot be told from true"


@given(st.data())
def test_a_break_names_the_rows_that_were_touched(data: st.DataObject) -> None:
    log, anchors = data.draw(anchored())
    at = data.draw(st.integers(0, len(log) - 1))
    after = _chained(["x", *(each.who for each in log[at + 1 :])], log[:at])
    for found in _compared(after, anchors).breaks:
        assert found.first <= at + 1 <= found.last
        assert found.after is None
        assert found.before is None or found.before.rows <= at


# --- what was done


def _one_break(log: Log, anchors: list[Standing]) -> Break:
    (found,) = _compared(log, anchors).breaks
    return found


def _kind(log: Log, anchors: list[Standing]) -> Kind:
    found = _one_break(log, anchors)
    return kind_of(found, [(each.seq, each.at) for each in log if found.first <= each.seq <= found.last])[0]


LOG = _chained(["sato"] * 10)
ANCHORS = [_anchor(LOG, rows, number) for number, rows in enumerate((3, 6, 9), 1)]


@pytest.mark.parametrize("rows", [6, 7, 8])
def test_a_log_that_is_too_short(rows: int) -> None:
    assert _kind(LOG[:rows], ANCHORS) is Kind.SHORT
    assert _one_break(LOG[:rows], ANCHORS).anchors == (ANCHORS[2],)


def test_a_log_that_was_rewritten() -> None:
    assert _kind(_chained(["x"] * 6, LOG[:4]), ANCHORS) is Kind.REWRITTEN


@pytest.mark.parametrize("more", [1, 5, 20])
def test_a_log_that_went_on_from_an_older_state(more: int) -> None:
    log = LOG[:4]
    for hours in range(100, 100 + more):
        log = [*log, _entry(len(log) + 1, "sato", log[-1].hash, hours)]
    assert _kind(log, ANCHORS) is Kind.WENT_ON
    after = _anchor(log, len(log), 4)
    assert _one_break(log, [*ANCHORS, after]).after == after


def test_what_is_known_is_a_break_of_its_own() -> None:
    log = _chained(["x"] * 6, LOG[:4])
    known = _anchor(log, 10, 4, "failover", (ANCHORS[1].key, ANCHORS[2].key))
    (found,) = _compared(log, [*ANCHORS, known]).breaks
    assert found.anchors == (ANCHORS[1], ANCHORS[2])
    (found,) = _compared(_chained(["y"] * 9, LOG[:1]), [ANCHORS[0]]).breaks
    assert found.before is None and found.first == 1


def test_without_a_note_nothing_is_known() -> None:
    known, silent = (_anchor(LOG, 10, 4, note, (ANCHORS[1].key,)) for note in ("failover", ""))
    assert Notes([silent, known]).known_by(ANCHORS[1].key) == known
    assert Notes([silent]).known_by(ANCHORS[1].key) is None
    assert Notes([known]).known_by(ANCHORS[2].key) is None


# --- anchors

KEY = SigningKey(Ed25519PrivateKey.generate())


def _bucket() -> MemoryStore:
    """A bucket with five anchors."""
    store, previous = MemoryStore(), ("", "")
    for number in range(1, 6):
        standing = _anchor(LOG, 2 * number, number)
        whole = replace(standing.anchor, previous_key=previous[0], previous_sha256=previous[1])
        data = documents.write(whole, KEY)
        store.put_over(standing.key, data)
        previous = standing.key, sha256(data)
    return store


BUCKET = _bucket()
KEYS = sorted(BUCKET.versions)


def _read(store: MemoryStore) -> list[str]:
    log = AnchorLog(store, PublicKeyRing({KEY.key_id: KEY.public_key}))
    return [str(problem) for each in log.all() for problem in each.problems]


@given(st.data())
def test_whatever_is_done_to_an_anchor_is_found(data: st.DataObject) -> None:
    store = MemoryStore({key: list(versions) for key, versions in BUCKET.versions.items()})
    key, other = data.draw(st.permutations(KEYS))[:2]
    match data.draw(st.sampled_from(["flip", "remove", "exchange", "put over", "empty", "sign anew"])):
        case "flip":
            whole = bytearray(store.versions[key][0])
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
            store.versions[key] = [bytes(whole)]
        case "remove":
            key = data.draw(st.sampled_from(KEYS[:-1]))  # that the newest is gone shows in what it was about
            del store.versions[key]
        case "exchange":
            store.versions[key] = list(BUCKET.versions[other])
        case "put over":
            store.put_over(key, BUCKET.objects[other])
        case "empty":
            store.versions[key] = [b""]
        case "sign anew":
            key = data.draw(st.sampled_from(KEYS[:-1]))  # who has the key can make another newest one
            real = documents.read(BUCKET.objects[key], PublicKeyRing({KEY.key_id: KEY.public_key}))
            store.versions[key] = [documents.write(replace(real, custody_rows=0), KEY)]
    assert _read(store)


def test_anchors_that_nobody_touched() -> None:
    assert not _read(BUCKET)
