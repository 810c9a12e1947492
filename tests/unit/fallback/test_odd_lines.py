"""Whatever stands in a line of the journal, those after it are adopted, and what is made of it is whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from callrec.app import App
from callrec.catalogue.calls import save_call
from callrec.fallback.journal import EARLIEST, FAMILY, KEYS, LATEST
from callrec.model.calls import CallRecord
from callrec.problems import Problems
from callrec.spool.directory import Spool
from tests.unit.fakes import AstDb
from tests.unit.fallback.samples import LINE
from tests.unit.fallback.test_journal_reader import Linked, _reader

FIELDS = [*LINE.split("|"), "PJSIP/outside-00000001"]
NUMBERS = [
    "inf",
    "-inf",
    "nan",
    "9" * 30,
    "9" * 5000,
    "1e300",
    "1e18",
    "-1",
    "0",
    "1970",
    "٣",
    "1_0",
    "0x10",
    " 7",
]
DATES = ["-62135596800", "99999999999999", "1795361046.", "1795361032.554924", "32503680000", "4294967296"]
ODD = st.one_of(
    st.sampled_from([*NUMBERS, *DATES, "", "|", "&", ">", "&&>>>&", "\x00", "\u2028", "a" * 5000]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
    st.floats(min_value=946684800, max_value=32503680000).map(str),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(FIELDS) - 1), odd=ODD)
@example(place=8, odd="9" * 30)
@example(place=6, odd="inf")
def test_a_line_with_one_odd_field(app: App, place: int, odd: str) -> None:
    fields = list(FIELDS)
    fields[place] = odd
    _adopt_beside_a_good_one(app, "demo-2.0", "|".join(fields))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(key=ODD.filter(bool), line=st.lists(ODD, max_size=15).map("|".join))
def test_a_line_of_odd_fields(app: App, key: str, line: str) -> None:
    _adopt_beside_a_good_one(app, f"a{key}", line)


def _adopt_beside_a_good_one(app: App, key: str, line: str) -> None:
    database = AstDb()
    database.families[FAMILY] = {key: line, "demo-1.0": LINE}
    database.families[KEYS] = {key: line}
    with _own_spool(app):
        _reader(app, database, Linked(), Problems()).read()
        assert "demo-1.0" not in database.families[FAMILY]
        calls = list(_adopted(app.spool))
        assert any(call.linkedid == "demo-1.0" for call in calls)
        for call in calls:
            _is_whole(app, call)


def _is_whole(app: App, call: CallRecord) -> None:
    for moment in (call.started_at, call.answered_at or call.started_at, call.ended_at or call.started_at):
        assert EARLIEST - timedelta(days=366) < moment < LATEST
    with app.database.begin() as connection:
        save_call(connection, call)


def _adopted(spool: Spool) -> Iterator[CallRecord]:
    yield from (spool.captured_call(id_).call for id_ in spool.waiting())
    yield from (spool.call_of(id_) for id_ in spool.calls())


@contextmanager
def _own_spool(app: App) -> Iterator[None]:
    """Each example has a spool of its own."""
    folder = Path(tempfile.mkdtemp())
    app.spool = Spool(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder)
