"""What a person has to see to after calls is told by letter too, and no disk or database ends the looking."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from callrec.catalogue.database import Database
from callrec.health.after_calls import AfterCalls
from callrec.model.flaws import Flaw
from callrec.spool.flaws import FOLDER, Flaws
from tests.unit.health.ill import NOON


@pytest.fixture
def looking(tmp_path: Path, database: Database) -> AfterCalls:
    (tmp_path / "spool" / FOLDER).mkdir(parents=True)
    return AfterCalls(database, Flaws(tmp_path / "spool"), lambda: NOON, ZoneInfo("Asia/Tokyo"))


def _told(looking: AfterCalls) -> list[str]:
    looking.work()
    return [str(each.said) for each in looking.all()]


def test_a_disk_that_fails_is_told_and_what_the_database_knows_is_looked_at(
    looking: AfterCalls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Flaws(tmp_path / "spool").add("01a-1", Flaw.NO_SOUND)
    (told,) = _told(looking)
    assert "01a-1" in told

    def fails(path: Path, *_: Any, **__: Any) -> str:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_text", fails)
    looking.custody_head = None
    assert any("the disk fails" in each and FOLDER in each for each in _told(looking))
    assert looking.custody_head == 0
    monkeypatch.undo()
    assert _told(looking) == [told]


def test_a_row_that_makes_no_sense_is_told_as_callrec_status_tells_it(
    looking: AfterCalls, database: Database
) -> None:
    assert _told(looking) == []
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "insert into requests (number, kind, for_whom, ground, state, opened_at, opened_by) "
                "values ('2026-1', 'copies', 'court', 'law', 'nonsense', 'yesterday', 'sato')"
            )
        )
    (told,) = _told(looking)
    assert "requests" in told
