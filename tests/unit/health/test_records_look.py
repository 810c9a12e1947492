"""Which calls of the PBX's own records nobody knows: what is on its way into the catalogue is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callrec.catalogue import calls
from callrec.fallback.journal import FAMILY
from callrec.health.records_look import RecordsParts, look
from tests.unit.bench import TOKYO, Bench
from tests.unit.fakes import AstDb
from tests.unit.health.cdr import ANSWERED
from tests.unit.samples import START, call, captured_call, checkpoint

ASTDB = AstDb()
LINE = "inbound|2101|0312345678|1.0&5.0||1||ANSWER||automatic|callrec/fallback-1.0||PJSIP/2101-1"


def _catalogued(bench: Bench) -> None:
    with bench.database.begin() as connection:
        calls.save_call(connection, call())


def _journalled(bench: Bench) -> None:
    ASTDB.families[FAMILY]["1.0"] = LINE


PLACES: dict[str, Callable[[Bench], None]] = {
    "catalogue": _catalogued,
    "journal of the dialplan": _journalled,
    "row on its way": lambda bench: bench.spool.save_call(call()),
    "recording that waits": lambda bench: bench.spool.hand_over(captured_call()),
    "discard": lambda bench: bench.spool.discard(captured_call(), whole=True),
    "captured now": lambda bench: bench.spool.save_checkpoint(checkpoint()),
    "under way": lambda bench: bench.spool.save_open_call(call()),
}


@pytest.fixture
def parts(bench: Bench, tmp_path: Path) -> RecordsParts:
    ASTDB.families.clear()
    (tmp_path / "Master.csv").write_text(f'{ANSWERED},"1.0",""\n')
    return RecordsParts(tmp_path / "Master.csv", TOKYO, lambda: ASTDB, bench.spool, bench.database)


@pytest.mark.parametrize("place", PLACES)
def test_a_call_is_known_wherever_it_is(bench: Bench, parts: RecordsParts, place: str) -> None:
    """A recording can wait for the archive for long, and a line of the dialplan for its adoption; what is
    told of the records is told for a day."""
    now = START + timedelta(hours=1)
    assert [each.about for each in look(parts, now)] == ["1.0"]
    PLACES[place](bench)
    assert look(parts, now) == []


def test_a_row_that_leaves_the_spool_meanwhile_is_no_problem(
    bench: Bench, parts: RecordsParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    _catalogued(bench)
    monkeypatch.setattr(bench.spool, "calls", lambda: [call().id])
    assert look(parts, START + timedelta(hours=1)) == []


def test_a_call_of_another_channel_is_not_the_one(bench: Bench, parts: RecordsParts) -> None:
    other = replace(call(), linkedid="7.0", participants=())
    bench.spool.save_call(other)
    assert [each.about for each in look(parts, START + timedelta(hours=1))] == ["1.0"]
