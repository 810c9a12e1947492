"""What was done to the custody log is found by the anchors, and named: what, which rows, since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import custody, tables
from callrec.catalogue.database import Database
from callrec.evidence import anchor as documents
from callrec.evidence import statement
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.statement import Statement
from tests.tampering import altered
from tests.unit.evidence.anchoring import DAY, TOKYO, Anchoring, Row
from tests.unit.kept_recording import archive

SECOND, THIRD, FOURTH = (f"anchors/2026/12/0{day}.json" for day in (1, 2, 3))


@pytest.fixture
def week(database: Database) -> Anchoring:
    """A log with an anchor on each of four days, 30 November to 3 December; the catalogue has all that was
    archived."""
    made = Anchoring(database)
    for _ in range(4):
        made.known(id_ for id_, _ in made.day())
    return made


def test_a_whole_log(week: Anchoring) -> None:
    verdict = week.check().verify()
    assert not verdict.findings
    assert (verdict.rows, verdict.anchors, verdict.newest, verdict.newest_rows) == (8, 4, FOURTH, 8)


def test_an_empty_log_without_anchors(database: Database) -> None:
    verdict = Anchoring(database).check().verify()
    assert (verdict.rows, verdict.anchors, verdict.newest, verdict.findings) == (0, 0, "", [])


def _with_other_who(rows: list[Row], seq: int) -> list[Row]:
    return [{**row, "who": "nobody"} if row["seq"] == seq else row for row in rows]


def test_a_row_that_was_changed(week: Anchoring) -> None:
    with week.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("UPDATE custody SET who = 'nobody' WHERE seq = 4")
    assert week.found() == ["the custody log was altered at row 4: keep the database as it is"]


@pytest.mark.parametrize(("row", "first"), [(1, 1), (2, 1), (3, 3), (8, 7)])
def test_a_chain_that_was_rewritten(week: Anchoring, row: int, first: int) -> None:
    week.rewritten(lambda rows: _with_other_who(rows, row))
    assert week.found() == [
        f"the custody log was rewritten after 2026-12-03 18:00:00: of rows {first} to 8, not all are those "
        f"that {FOURTH} has"
    ]


def test_a_chain_that_was_rewritten_between_two_anchors(week: Anchoring) -> None:
    week.rewritten(lambda rows: _with_other_who(rows, 3))
    week.known(id_ for id_, _ in week.day())
    assert week.found() == [
        "the custody log was rewritten between 2026-12-03 18:00:00 and 2026-12-04 18:00:00: of rows 3 to 8, "
        f"not all are those that {FOURTH} has"
    ]


def test_a_chain_without_the_rows_of_a_recording(week: Anchoring) -> None:
    week.rewritten(lambda rows: [row for row in rows if row["seq"] not in (3, 4)])
    (found,) = week.found()
    assert "rewritten after 2026-12-03" in found
    assert "1 recordings are not in the log any more (1 of them in the catalogue)" in found


def test_a_tail_that_was_cut_off(week: Anchoring) -> None:
    with week.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("DELETE FROM custody WHERE seq > 5")
    assert week.found() == [
        "the custody log was cut off at its end after 2026-12-03 18:00:00: rows 6 to 8, which "
        f"{FOURTH} has, are gone; the catalogue still has 2 recordings of which they told"
    ]


def test_a_tail_that_told_of_no_recording(week: Anchoring) -> None:
    with week.database.begin() as connection:
        custody.append(connection, "", "refused", who="nobody", at=week.at)
    week.anchor(days=1)
    with week.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("DELETE FROM custody WHERE seq > 8")
    (found,) = week.found()
    assert found.startswith("rows 9 to 9 are gone from the end of the custody log, after 2026-12-04 12:00:00")


@pytest.fixture
def older(week: Anchoring) -> Anchoring:
    """The same two days later, and then an older copy of the database in its place."""
    copy = week.rows()
    week.day()
    week.day()
    week.restored(copy)
    return week


def test_an_older_copy_of_the_database(older: Anchoring) -> None:
    first, *others = older.found()
    assert first == (
        "the database is an older copy, taken back after 2026-12-05 18:00:00: rows 9 to 12 of the custody "
        "log, which anchors/2026/12/05.json has, are not in it, nor 2 recordings of which they told"
    )
    assert len(others) == 2, "each recording that nobody has is named"
    assert all("neither in the catalogue nor in the bucket" in each for each in others)


def test_an_older_copy_that_went_on(older: Anchoring) -> None:
    older.at += DAY / 2
    for _ in range(3):
        older.known(id_ for id_, _ in older.day())
    first, *others = older.found()
    assert first == (
        "the database was taken back to an older copy between 2026-12-05 18:00:00 and 2026-12-07 06:00:00, "
        "and went on at 2026-12-07 00:00:00: of rows 9 to 12, not all are those that anchors/2026/12/05.json "
        "has, and 2 recordings are not in the log any more (0 of them in the catalogue)"
    )
    assert len(others) == 2


def _anchored_with_note(week: Anchoring, note: str) -> None:
    findings = week.check().verify().unknown
    known = tuple(sorted({subject for each in findings for subject in each.subjects}))
    week.anchorer.anchor(AnchorReason.REQUEST, "root", week.at, note, known)


def test_a_break_that_is_known(older: Anchoring) -> None:
    older.at += DAY
    older.anchor()
    assert len(older.found()) == 3, "an anchor alone does not make it known"
    _anchored_with_note(older, "failover of 5 December")
    older.day(0)
    verdict = older.check().verify()
    assert not verdict.unknown and len(verdict.findings) == 3
    known = verdict.findings[0].known
    assert known and (known.who, known.note) == ("root", "failover of 5 December")
    assert known.anchor == "anchors/2026/12/05.4.json" or known.anchor.startswith("anchors/2026/12/")


def test_what_is_done_after_a_known_break_is_not_known(older: Anchoring) -> None:
    _anchored_with_note(older, "failover of 5 December")
    older.known(id_ for id_, _ in older.day())
    assert not older.found()
    older.rewritten(lambda rows: _with_other_who(rows, 3))
    before, after = older.found()
    assert "rewritten" in before and "rewritten" in after, "on both sides of what is known"


def test_what_is_known_of_a_recording_is_known_of_no_other(week: Anchoring) -> None:
    lost = [id_ for id_, _ in week.day(2)]
    week.known(lost[:1])
    assert len(week.found()) == 1
    _anchored_with_note(week, "the disk of 4 December")
    assert not week.found()
    with week.database.begin() as connection:
        connection.execute(tables.recordings.delete().where(tables.recordings.c.id == lost[0]))
    (found,) = week.found()
    assert lost[0] in found, "under the same anchor"
    week.rewritten(lambda rows: _with_other_who(rows, 10))
    assert any("rewritten" in each for each in week.found())


def test_what_is_known_of_a_recording_is_not_all_that_may_come(week: Anchoring) -> None:
    """Its row was deleted, and that is known; then somebody takes it out of the bucket, too, or gives it
    another row."""
    with week.database.begin() as connection:
        id_ = connection.scalar(sa.select(tables.recordings.c.id).limit(1))
        connection.execute(tables.recordings.delete().where(tables.recordings.c.id == id_))
    assert id_
    week.store.put_over(f"{_base(id_)}.manifest.json", b"{}")
    _anchored_with_note(week, "a slip of the hand, to be rebuilt")
    assert not week.found()
    del week.store.versions[f"{_base(id_)}.manifest.json"]
    (found,) = week.found()
    assert "neither in the catalogue nor in the bucket" in found
    archive(week.database, None, week.at, id=id_, manifest_sha256="f" * 64)
    (found,) = week.found()
    assert "has another manifest" in found


def test_a_row_that_nobody_can_have_written_yet(week: Anchoring) -> None:
    with week.database.begin() as connection:
        made = custody.append(connection, "", "refused", who="ito", at=week.at + 2 * DAY)
        custody.append(connection, "", "captured", who="callrec", at=week.at + 2 * DAY)  # the PBX's clock
    (found,) = week.found()
    assert found.startswith(f"row {made.seq} of the custody log says that it was written at")
    _anchored_with_note(week, "the clock of 5 December")
    assert not week.found()


def test_rows_that_do_not_follow_are_never_known(week: Anchoring) -> None:
    with week.database.begin() as connection, altered(connection):
        connection.exec_driver_sql("UPDATE custody SET who = 'nobody' WHERE seq = 4")
    _anchored_with_note(week, "nothing to see here")
    assert len(week.found()) == 1


def test_a_note_that_names_no_break_makes_none_known(week: Anchoring) -> None:
    _anchored_with_note(week, "before the upgrade")
    week.rewritten(lambda rows: _with_other_who(rows, 3))
    assert len(week.found()) == 1


def test_a_list_that_is_missing_or_another(week: Anchoring) -> None:
    first, second, *_ = week.log.all()
    other = week.store.objects[second.name.leaves_key]
    week.store.versions[first.name.leaves_key] = [other]
    del week.store.versions[second.name.leaves_key]
    assert week.found() == [
        f"{first.key}: the list of manifests of anchor 1 is another one",
        f"the list of manifests under {second.key} is missing",
    ]


def test_a_forged_anchor(week: Anchoring) -> None:
    real = documents.read(week.store.objects[SECOND], week.ring)
    week.store.versions[SECOND] = [documents.write(replace(real, custody_hash="0" * 64), week.key)]
    found = week.found()
    assert any(each.startswith(f"{THIRD}: it is number 3") for each in found), "it does not follow"
    assert any("not all are those" in each for each in found), "and the log does not fit it"


# --- the manifests under them


def test_a_manifest_that_the_catalogue_has_otherwise(week: Anchoring) -> None:
    with week.database.begin() as connection:
        connection.exec_driver_sql("UPDATE recordings SET manifest_sha256 = 'other'")
    found = week.found()
    assert len(found) == 4 and all("has another manifest of recording" in each for each in found)


@pytest.fixture
def deleted(week: Anchoring) -> tuple[Anchoring, str]:
    """A recording whose row somebody deleted."""
    with week.database.begin() as connection:
        id_ = connection.scalar(sa.select(tables.recordings.c.id).limit(1))
        connection.execute(tables.recordings.delete().where(tables.recordings.c.id == id_))
    assert id_
    return week, id_


def _base(id_: str) -> str:
    """How the keys of a recording begin that was begun now."""
    return f"recordings/shiba/{datetime.now(TOKYO):%Y/%m/%d}/{id_}"


def test_a_row_that_was_deleted(deleted: tuple[Anchoring, str]) -> None:
    week, id_ = deleted
    (found,) = week.found()
    assert found.startswith(f"recording {id_}, which is under")
    assert "neither in the catalogue nor in the bucket" in found
    week.store.put_over(f"{_base(id_)}.manifest.json", b"{}")
    (found,) = week.found()
    assert "is in the bucket, but not in the catalogue" in found


def test_a_recording_that_was_destroyed(deleted: tuple[Anchoring, str]) -> None:
    week, id_ = deleted
    said = Statement("callrec-statement/1", ids.new(), id_, "", "destroyed", week.at, "callrec", {})
    week.store.put_over(f"{_base(id_)}.statements/{said.id}.json", statement.write(said, week.key))
    assert not week.found()
