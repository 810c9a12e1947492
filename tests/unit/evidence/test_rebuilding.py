"""The catalogue, made again of the bucket: the same rows, whatever was done, and nothing that is unproved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrec import ids, manifest
from callrec.catalogue import custody, rebuilding, tables
from callrec.catalogue.database import Database
from callrec.catalogue.logged import logged
from callrec.catalogue.rebuilding import RequestSteps
from callrec.desk.operations import keeping, requests
from callrec.evidence.afterwards import Afterwards, after, at_first
from callrec.evidence.beside import BesideVerifier
from callrec.evidence.findings import Findings, Told
from callrec.evidence.statement import read, write
from callrec.evidence.trust import Trust
from callrec.model.captures import RetainedBecause
from tests.tampering import altered
from tests.unit.evidence import rebuilt_office
from tests.unit.evidence.rebuilt_office import DAY, KEY, OTHER, REBUILT, WHO, Keys, Office, do, flat, rows
from tests.unit.fakes import MADE


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Office:
    """An office, closed again, of which others are copies: that is quicker than to make each anew."""
    with rebuilt_office.made(tmp_path_factory.mktemp("first"), empty_catalogue) as made:
        return made


@pytest.fixture
def office(first: Office, tmp_path: Path) -> Iterator[Office]:
    with rebuilt_office.copied(first, tmp_path) as made:
        yield made


def same(office: Office, other: Database) -> None:
    """Both catalogues have the same rows, but for what is destroyed: of that the bucket has no numbers."""
    for table in REBUILT:
        assert rows(other, table) == rows(office.app.database, table), table


# --- whatever was done

RECORDINGS = st.integers(0, 3)
REASONS = st.sampled_from(["訴訟", "苦情"])
COPIES = st.sampled_from([requests.return_copies, requests.destroyed_copies])
STEPS = st.one_of(
    st.tuples(st.just("hold"), RECORDINGS, REASONS, st.booleans()),
    st.tuples(st.just("release"), RECORDINGS, REASONS, st.booleans()),
    st.tuples(st.just("retain"), RECORDINGS, st.integers(1, 900)),
    st.tuples(st.just("mark"), RECORDINGS),
    st.tuples(st.just("clear"), RECORDINGS),
    st.tuples(st.just("note"), RECORDINGS, st.text(min_size=1, max_size=20)),
    st.tuples(st.just("open"), st.booleans()),
    st.tuples(st.sampled_from(["approve", "refuse", "close", "hand over", "withdraw", "return"])),
    st.tuples(st.just("add"), RECORDINGS),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_whatever_people_did_the_rows_are_the_same(
    tmp_path: Path, first: Office, steps: list[tuple[Any, ...]]
) -> None:
    with rebuilt_office.copied(first, tmp_path) as office:
        for each in steps:
            do(office, each)
        assert flat(office.rebuilding(office.app.database).check()) == []
        other = office.rebuilt()
        same(office, other)
        assert flat(office.rebuilding(other).check()) == []
        _custody_says_the_same(office, other)
        _all_is_signed(office, office.app.database)
        _all_is_signed(office, other)
        other.close()


def _all_is_signed(office: Office, database: Database) -> None:
    """Verifying finds beside each recording what the custody log says of it."""
    trust = Trust(lambda: Keys.public, lambda: WHO["at"])
    for id_ in office.recordings:
        with database.read() as connection:
            entries = custody.of(connection, id_)
        found, told = Findings(id_), Told(None, entries, logged(entries))
        now = after(Afterwards(id_, False, None, RetainedBecause.RULE), entries)
        BesideVerifier(office.bucket, database, trust).verify(found, told, now)
        assert found.problems == []


def _custody_says_the_same(office: Office, other: Database) -> None:
    """The log of before, the statements and the entry `rebuilt` lead to the same."""
    for id_ in office.recordings:
        with office.app.database.read() as one, other.read() as two:
            begin = at_first(manifest.read(office.bucket.objects[_manifest_key(office, id_)]))
            assert after(begin, custody.of(one, id_)) == after(begin, custody.of(two, id_))


def _manifest_key(office: Office, id_: str) -> str:
    return office.key_of(id_).replace(".flac", ".manifest.json")


ALL = [
    ("open", True), ("add", 0), ("approve",), ("hand over",), ("hold", 0, "訴訟", True),
    ("hold", 1, "苦情", False),
    ("release", 1, "終結", False), ("retain", 2, 400), ("mark", 0), ("clear", 1), ("note", 3, "怒鳴られた"),
    ("return",), ("hand over",), ("close",),
]  # fmt: skip


@pytest.fixture(scope="module")
def all_done(tmp_path_factory: pytest.TempPathFactory, first: Office) -> Office:
    """An office, closed again, in which each kind of thing was done."""
    with rebuilt_office.copied(first, tmp_path_factory.mktemp("busy")) as office:
        for each in ALL:
            do(office, each)
        assert all(rows(office.app.database, table) for table in REBUILT if table != "destructions")
    return office


@pytest.fixture
def busy(all_done: Office, tmp_path: Path) -> Iterator[Office]:
    """An office in which each kind of thing was done."""
    with rebuilt_office.copied(all_done, tmp_path) as office:
        yield office


def test_all_that_can_be_done_comes_back(busy: Office) -> None:
    other = busy.rebuilt()
    same(busy, other)
    with other.read() as connection:
        (entry,) = custody.of(connection, busy.recordings[0])
        assert custody.broken_at(connection) is None
    assert (entry.action, entry.who) == ("rebuilt", "root")
    assert (
        entry.details["key"] == busy.key_of(busy.recordings[0]) and entry.details["manifest_version"] == "0"
    )


def test_what_is_there_and_right_stays_and_is_not_written(busy: Office) -> None:
    before = rows(busy.app.database, "custody")
    work = busy.rebuilding(busy.app.database)
    assert flat(work.rebuild()) == [] and work.course.written == []
    assert work.course.recordings == 4 and rows(busy.app.database, "custody") == before


def test_what_is_destroyed_stays_destroyed_and_has_no_numbers(busy: Office) -> None:
    busy.ask("a", keeping.release_holds, [busy.recordings[0]], "終結", "2026-0001")
    busy.purge()
    gone = [each for each in rows(busy.app.database, "recordings") if each["state"] == "destroyed"]
    assert len(gone) >= 2 and all(busy.bucket.versions for _ in gone)
    left = [key for key in busy.bucket.versions for each in gone if each["id"] in key]
    assert len(left) == 2 * len(gone) and all(".statements/" in key for key in left)
    assert not any("怒鳴" in busy.bucket.objects[key].decode() for key in left)
    other = busy.rebuilt()
    for table in ("recordings", "destructions", "requests", "copies", "request_recordings"):
        assert rows(other, table) == rows(busy.app.database, table), table
    there = [each for each in rows(busy.app.database, "recordings") if each["state"] == "archived"]
    calls_gone = {each["call_id"] for each in gone} - {each["call_id"] for each in there}
    for row in rows(other, "calls"):
        assert (row["number"] is None) == (row["id"] in calls_gone) == (row["erased_at"] is not None)
    assert flat(busy.rebuilding(busy.app.database).check()) == []
    assert flat(busy.rebuilding(other).check()) == []
    _all_is_signed(busy, busy.app.database)
    _all_is_signed(busy, other)


EDITS: dict[str, dict[str, Any]] = {
    "calls": {"number": "+81399999999", "extension": "2102", "facility": "azabu", "incident": True},
    "recordings": {"retain_until": rebuilt_office.BEGIN, "announced": True, "sha256": "f" * 64, "hold": True},
    "holds": {"reason": "別"},
    "notes": {"text": "別"},
    "requests": {"state": "open", "for_whom": "別"},
    "copies": {"to_whom": "別"},
}


@pytest.mark.parametrize(
    ("table", "column"), [(table, name) for table, every in EDITS.items() for name in every]
)
def test_an_edited_column_is_named_and_made_right(busy: Office, table: str, column: str) -> None:
    there, value = rows(busy.app.database, table), EDITS[table][column]
    edited = tables.metadata.tables[table]
    key = next(iter(edited.primary_key))
    with busy.app.database.begin() as connection:
        chosen = next(each for each in there if each[column] != value)
        connection.execute(edited.update().where(key == chosen[key.name]).values({column: value}))
    named = {(each.difference.table, each.difference.column) for each in _checked(busy) if each.difference}
    assert (table, column) in named
    assert flat(busy.rebuilding(busy.app.database).rebuild()) == []
    assert rows(busy.app.database, table) == there and _checked(busy) == []


def _checked(office: Office) -> list[Any]:
    return flat(office.rebuilding(office.app.database).check())


@pytest.mark.parametrize("table", ["holds", "notes", "copies", "request_recordings", "participants"])
def test_a_row_that_was_deleted_comes_back(busy: Office, table: str) -> None:
    there = rows(busy.app.database, table)
    with busy.app.database.begin() as connection:
        connection.execute(tables.metadata.tables[table].delete())
    assert {each.difference.table for each in _checked(busy)} == {table}
    assert flat(busy.rebuilding(busy.app.database).rebuild()) == []
    assert rows(busy.app.database, table) == there


def test_what_only_the_catalogue_has_is_named_and_stays(busy: Office) -> None:
    with busy.app.database.begin() as connection:
        row = {**rows(busy.app.database, "holds")[0], "id": ids.new(), "reason": "偽"}
        connection.execute(tables.holds.insert().values(**row))
    both: list[list[Any]] = [_checked(busy), flat(busy.rebuilding(busy.app.database).rebuild())]
    for found in both:
        assert [(each.difference.table, each.difference.bucket) for each in found] == [("holds", None)]
    assert len(rows(busy.app.database, "holds")) == 3


# --- what cannot be proved


def test_a_manifest_signed_by_another_key_is_named_and_not_taken_in(busy: Office) -> None:
    key = _manifest_key(busy, busy.recordings[1])
    forged = manifest.sign(replace(manifest.read(busy.bucket.objects[key]), facility_name="別"), OTHER)
    busy.bucket.versions[key] = [manifest.write(forged)]
    other = busy.another()
    (found,) = flat(busy.rebuilding(other).rebuild())
    assert found.id == busy.recordings[1] and "none of ours" in str(found.unproved)
    assert [each["id"] for each in rows(other, "recordings")] == [
        each for each in sorted(busy.recordings) if each != busy.recordings[1]
    ]


def test_what_was_put_over_a_manifest_or_statement_is_passed_over(busy: Office) -> None:
    for key in list(busy.bucket.versions):
        busy.bucket.put_over(key, b"{}")
    same(busy, busy.rebuilt())


def test_a_statement_that_was_changed_is_named_and_the_others_are_taken(busy: Office) -> None:
    (key,) = [key for key, data in busy.bucket.objects.items() if b'"action":"retained"' in data]
    busy.bucket.versions[key] = [
        busy.bucket.objects[key].replace(b"PERSON", b"person").replace(b"400", b"401") + b" "
    ]
    other = busy.another()
    (found,) = flat(busy.rebuilding(other).rebuild())
    assert found.id == busy.recordings[2] and key in str(found.unproved)
    assert len(rows(other, "recordings")) == 4
    told = [str(each.unproved) for each in flat(busy.rebuilding(busy.app.database).rebuild())]
    assert len(told) == 2 and key in told[0] and "lacks statement" in told[1]
    assert rows(busy.app.database, "recordings") != rows(other, "recordings"), "it is newer"


def test_a_statement_copied_to_another_recording_says_nothing_of_that(busy: Office) -> None:
    (key,) = [key for key, data in busy.bucket.objects.items() if b'"action":"retained"' in data]
    copied = key.replace(busy.recordings[2], busy.recordings[1])
    base = busy.key_of(busy.recordings[1]).removesuffix(".flac")
    busy.bucket.put_over(f"{base}.statements/{copied.rpartition('/')[2]}", busy.bucket.objects[key])
    other = busy.another()
    (found,) = flat(busy.rebuilding(other).rebuild())
    assert "another place" in str(found.unproved)
    same(busy, other)


def test_sound_that_is_missing_is_named_and_the_row_is_made(busy: Office) -> None:
    del busy.bucket.versions[busy.key_of(busy.recordings[0])]
    other = busy.another()
    (found,) = flat(busy.rebuilding(other).rebuild())
    assert "is missing" in str(found.unproved) and len(rows(other, "recordings")) == 4
    (again,) = flat(busy.rebuilding(busy.app.database).rebuild())
    assert str(again.unproved) == str(found.unproved) and all(
        each["version"] == "0" for each in rows(busy.app.database, "recordings")
    )


def test_what_waits_in_the_outbox_counts(busy: Office) -> None:
    busy.bucket.away = True
    do(busy, ("note", 0, "後で"))
    busy.bucket.away = False
    assert _checked(busy) == [] and flat(busy.rebuilding(busy.app.database).rebuild()) == []
    assert any(each["text"] == "後で" for each in rows(busy.app.database, "notes"))


def test_what_is_being_archived_is_left_alone(busy: Office) -> None:
    other = busy.another()
    work = busy.rebuilding(other)
    work._is_on_its_way = lambda id_: id_ == busy.recordings[0]
    flat(work.rebuild())
    assert busy.recordings[0] not in [each["id"] for each in rows(other, "recordings")]


# --- ended before its end, and commits that were lost


def test_ended_anywhere_it_goes_on_where_it_was(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.evidence.rebuilding.AT_ONCE", 1)
    other = busy.another()
    first, calls = busy.rebuilding(other), 0

    class Killed(BaseException):
        pass

    def killed(place: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return type(first._reader).recording(first._reader, place)

    first._reader.recording = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        flat(first.rebuild())
    assert len(rows(other, "recordings")) == 2
    second = busy.rebuilding(other)
    assert flat(second.rebuild()) == [] and second.course.recordings == 2
    same(busy, other)
    with other.read() as connection:
        assert rebuilding.progress(connection, rebuilt_office.BEGIN) == ""


def test_commits_that_were_lost_come_back_by_what_was_put_since(busy: Office) -> None:
    lost = busy.recordings[0]
    whole = {table: rows(busy.app.database, table) for table in REBUILT}
    with busy.app.database.begin() as connection:
        for table in ("request_recordings", "holds", "notes", "recordings"):
            connection.execute(tables.metadata.tables[table].delete())
    work = busy.rebuilding(busy.app.database)
    assert flat(work.since(rebuilt_office.BEGIN + 100 * DAY)) == [] and work.course.written == []
    assert flat(work.since(MADE - timedelta(hours=1))) == []
    assert {table: rows(busy.app.database, table) for table in REBUILT} == whole
    with busy.app.database.read() as connection:
        assert custody.of(connection, lost)[-1].action == "rebuilt"
    assert len(work.course.written) == 4


def test_a_statement_of_which_the_log_does_not_tell_is_entered(busy: Office) -> None:
    """As a failover leaves it: the newest commits are gone, rows and log alike."""
    key = f"{busy.key_of(busy.recordings[0]).removesuffix('.flac')}.statements/"
    held = next(each for each in busy.bucket.objects if each.startswith(key))
    said = read(busy.bucket.objects[held], Keys.public)
    new = replace(said, id=ids.new(), action="noted", key_id="", signature="")
    note = {
        "call": busy.call_of(busy.recordings[0]),
        "note": ids.new(),
        "text": "失",
        "text_sha256": "0" * 64,
    }
    new = replace(new, details=note)
    busy.bucket.put_bytes(f"{key}{new.id}.json", write(new, KEY), "", busy.app.now + DAY)
    assert {each.difference.table for each in _checked(busy)} == {"notes", "custody"}
    flat(busy.rebuilding(busy.app.database).rebuild())
    assert _checked(busy) == [] and any(each["text"] == "失" for each in rows(busy.app.database, "notes"))


def test_a_step_of_a_request_that_was_lost_is_done_again(busy: Office) -> None:
    whole = {table: rows(busy.app.database, table) for table in REBUILT}
    with busy.app.database.begin() as connection, altered(connection):
        connection.execute(tables.custody.delete().where(tables.custody.c.action == "request-closed"))
        connection.execute(tables.requests.update().values(state="returned", closed_at=None, closed_by=None))
    work = busy.rebuilding(busy.app.database)
    assert flat(work.since(MADE - timedelta(hours=1))) == [], "no row is missing, but the log lacks a step"
    with busy.app.database.read() as connection:
        assert RequestSteps().of(connection, "2026-0001")
        (entry,) = [each for each in custody.of(connection, "") if each.action == "rebuilt"]
    assert entry.details["request"] == "2026-0001"
    assert {table: rows(busy.app.database, table) for table in REBUILT} == whole
    assert _checked(busy) == []


def test_nobody_waits_for_the_bucket_with_a_transaction_open(office: Office, bucket_asked: list[int]) -> None:
    """A recording of whose statement only the log tells is looked at once more: not while others would have
    to wait for the database."""
    do(office, ("note", 0, "怒鳴られた"))
    (key,) = [each for each in office.bucket.versions if ".statements/" in each]
    del office.bucket.versions[key]
    bucket_asked.clear()
    found = flat(office.rebuilding(office.app.database).rebuild())
    assert [each.id for each in found if each.unproved] == [office.recordings[0]]
    assert bucket_asked and not any(bucket_asked)


@pytest.fixture
def bucket_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many transactions that write were open, each time the bucket was read or listed."""
    asked, writing, begin = list[int](), list[int](), office.app.database.begin

    @contextmanager
    def counted() -> Iterator[Any]:
        with begin() as connection:
            writing.append(1)
            try:
                yield connection
            finally:
                writing.pop()

    monkeypatch.setattr(office.app.database, "begin", counted)
    for name in ("read", "listed"):
        do_it = getattr(office.bucket, name)

        def seen(*args: Any, do_it: Any = do_it) -> Any:
            asked.append(len(writing))
            return do_it(*args)

        monkeypatch.setattr(office.bucket, name, seen)
    return asked
