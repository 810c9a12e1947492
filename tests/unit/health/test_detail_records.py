"""The PBX's own records, as cdr_csv writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callrec.errors import NotFound
from callrec.health import detail_records
from tests.unit.bench import TOKYO
from tests.unit.health.cdr import ANSWERED

BEGIN = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def _read(path: Path, begin: datetime = BEGIN) -> list[tuple[str, datetime, str, int]]:
    found = detail_records.read(path, TOKYO, begin, begin + timedelta(days=1))
    return [(each.channel, each.started_at, each.source, each.seconds) for each in found]


def test_answered_calls_between_two_parties_are_read(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    lines = [
        ANSWERED + ',"1.0",""',
        ANSWERED,
        ANSWERED.replace('"ANSWERED"', '"NO ANSWER"'),
        ANSWERED.replace('"PJSIP/2101-2"', '""'),
        ANSWERED.replace("2026-11-22 10:00:00", "gestern"),
        '"half of a',
    ]
    file.write_text("\n".join(lines))
    told = (BEGIN, "0312345678", 60)
    assert _read(file) == [("1.0", *told), ("", *told)]
    assert _read(file, BEGIN + timedelta(seconds=1)) == []


def test_what_a_queue_has_called_is_in_the_record_of_who_called_the_queue(tmp_path: Path) -> None:
    """Its own channel is in no call that anybody knows: each call of a queue was told for a day."""
    file = tmp_path / "Master.csv"
    halves = [ANSWERED.replace("PJSIP/outside-1", f"Local/2101@queue-0001;{half}") for half in (1, 2)]
    file.write_text("\n".join(f'{each},"1.{number}",""' for number, each in enumerate(halves, 1)))
    assert [each[0] for each in _read(file)] == ["1.1"]


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cdr_csv"):
        _read(tmp_path / "Master.csv")
