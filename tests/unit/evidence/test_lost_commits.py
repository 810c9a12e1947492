"""Commits that the database has lost are noticed at the start, mended, and told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.catalogue import custody, statements, tables
from callrec.errors import StoreUnreachable
from callrec.evidence import bucket
from callrec.evidence.lost_commits import LostCommits
from callrec.model.flaws import Flaw
from callrec.spool.flaws import Flaws
from tests.tampering import altered
from tests.unit.evidence import rebuilt_office
from tests.unit.evidence.rebuilt_office import REBUILT, Office, do, rows
from tests.unit.fakes import MADE


@pytest.fixture
def office(tmp_path: Path, empty_catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """All that is done is done when the bucket says that it was put there."""
    monkeypatch.setattr(rebuilt_office.Clock, "moment", MADE)
    with rebuilt_office.made(tmp_path, empty_catalogue) as made:
        yield made


def _look(office: Office, tmp_path: Path) -> dict[Flaw, list[str]]:
    """What status tells after a start."""
    (tmp_path / "spool/flaws").mkdir(parents=True, exist_ok=True)
    flaws = Flaws(tmp_path / "spool")
    work = office.rebuilding(office.app.database)
    LostCommits(office.app.database, lambda: work, flaws).look()
    return flaws.recent()


def _lose(office: Office, entries: int) -> None:
    """Takes away the newest entries of the custody log, and holds and notes."""
    newest = [each["seq"] for each in rows(office.app.database, "custody")]
    with office.app.database.begin() as connection, altered(connection):
        gone = tables.custody.c.seq > max(newest) - entries
        connection.execute(tables.custody.delete().where(gone))
        for table in (tables.holds, tables.notes):
            connection.execute(table.delete())
        connection.execute(tables.recordings.update().values(hold=False))


def test_what_was_lost_is_back_and_told(office: Office, tmp_path: Path) -> None:
    before = len(rows(office.app.database, "custody"))
    do(office, ("hold", 0, "訴訟", False))
    do(office, ("note", 1, "怒鳴られた"))
    whole = {table: rows(office.app.database, table) for table in REBUILT}
    assert _look(office, tmp_path) == {}, "nothing was lost"
    _lose(office, len(rows(office.app.database, "custody")) - before)
    calls = {office.call_of(each) for each in office.recordings[:2]}
    assert {id_ for ids in _look(office, tmp_path).values() for id_ in ids} == calls
    assert {table: rows(office.app.database, table) for table in REBUILT} == whole
    again = office.rebuilding(office.app.database)
    assert rebuilt_office.flat(again.check()) == []


def test_a_row_whose_time_lies_ahead_hides_nothing(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever writes one has what is lost later stay lost."""
    before, now = len(rows(office.app.database, "custody")), datetime.now(UTC)
    do(office, ("hold", 0, "訴訟", False))
    _lose(office, len(rows(office.app.database, "custody")) - before)
    with office.app.database.begin() as connection:
        custody.append(connection, "", "refused", who="ito", at=now + timedelta(days=3650))
    monkeypatch.setattr("tests.unit.fakes.MADE", now)
    assert list(_look(office, tmp_path).values()) == [[office.call_of(office.recordings[0])]]


def test_a_row_that_somebody_has_edited_is_left_for_verify(office: Office, tmp_path: Path) -> None:
    with office.app.database.begin() as connection:
        connection.execute(tables.calls.update().values(number="+81399999999"))
    assert _look(office, tmp_path) == {}
    assert {each["number"] for each in rows(office.app.database, "calls")} == {"+81399999999"}


def test_what_was_put_long_before_is_not_looked_at(office: Office, tmp_path: Path) -> None:
    office.app.moment = MADE + timedelta(days=2)
    do(office, ("hold", 0, "訴訟", False))
    with office.app.database.begin() as connection:
        connection.execute(tables.holds.delete())
    assert _look(office, tmp_path) == {}


def test_an_empty_catalogue_has_lost_nothing(office: Office, tmp_path: Path) -> None:
    other = office.another()
    work = office.rebuilding(other)
    LostCommits(other, lambda: work, Flaws(tmp_path / "spool")).look()
    assert rows(other, "recordings") == [] and work.course.recordings == 0
    other.close()


def test_what_failed_at_the_start_is_compared_with_the_log_as_it_was_then(
    office: Office, tmp_path: Path
) -> None:
    """The bucket is away for half a day, and the log goes on meanwhile."""
    before = len(rows(office.app.database, "custody"))
    do(office, ("hold", 0, "訴訟", False))
    _lose(office, len(rows(office.app.database, "custody")) - before)
    work, flaws = office.rebuilding(office.app.database), Flaws(tmp_path / "spool")
    (tmp_path / "spool/flaws").mkdir(parents=True)
    lost = LostCommits(office.app.database, lambda: work, flaws)
    office.bucket.away = True
    with pytest.raises(StoreUnreachable):
        lost.look()
    office.bucket.away = False
    with office.app.database.begin() as connection:
        later = MADE + timedelta(days=1)
        statements.enter(connection, office.recordings[1], "verified", who="callrec", at=later)
    lost.look()
    assert flaws.recent() == {Flaw.REBUILT: [office.call_of(office.recordings[0])]}


def test_it_ends_with_the_controller(office: Office, tmp_path: Path) -> None:
    """A bucket of millions is not looked through to its end by a controller that is told to stop."""
    asked = list[str]()
    place = bucket.Place

    def seen(*args: Any) -> Any:
        asked.append(args[1])
        return place(*args)

    office.app.make_spool()
    work = office.app.rebuilding(lambda: len(asked) > 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bucket, "Place", seen)
        LostCommits(office.app.database, lambda: work, Flaws(tmp_path / "spool")).look()
    assert len(asked) < len(office.recordings)


def test_that_a_backup_was_put_back_does_not_hide_what_was_lost(office: Office, tmp_path: Path) -> None:
    """It is the newest entry of the log, and what came after the one before it is not known."""
    before = len(rows(office.app.database, "custody"))
    do(office, ("hold", 0, "訴訟", False))
    _lose(office, len(rows(office.app.database, "custody")) - before)
    with office.app.database.begin() as connection:
        later = datetime.now(UTC) + timedelta(days=30)
        statements.enter(connection, "", "restored", who="root", at=later)
    call = office.call_of(office.recordings[0])
    assert call in {id_ for ids in _look(office, tmp_path).values() for id_ in ids}
