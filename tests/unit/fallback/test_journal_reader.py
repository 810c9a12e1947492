"""What the dialplan wrote down while callrec was away is adopted, and deleted only then."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.catalogue.calls import save_call
from callrec.fallback import journal_reader
from callrec.fallback.adoption import Adoption
from callrec.fallback.journal import EARLIEST, FAMILY, KEYS, LATEST
from callrec.fallback.journal_reader import JournalReader
from callrec.model.calls import CallRecord, FeatureCode, KeyPress, KeyResult
from callrec.pbx.events import Channel, RawKeyPress
from callrec.problems import Problems
from callrec.spool.directory import Spool
from callrec.worker import Pulse
from tests.scenarios.replay import office
from tests.unit.channels import channel
from tests.unit.fakes import AstDb
from tests.unit.fallback.samples import AUTOMATIC, ENDED, FILES, LINE, OPEN, SECOND_OF_SOUND, Storage
from tests.unit.samples import START, call

HELP = f"help|demo-1.0|PJSIP/2101-00000002|{ENDED.timestamp() - 2}|1.1"
OTHER = "keep|other-1.0|PJSIP/2101-00000003|1.0|1.2"


class Linked:
    """A controller with a link, which remembers what it is told of keys."""

    link_up = True
    pbx_ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def __init__(self, *in_fallback: str) -> None:
        self.recalled: list[dict[str, str]] = []
        self.calls = set(in_fallback)
        self.disk_is_full, self.saved = False, 0
        self.live, self.told = set[str](), set[str]()

    def monitored(self) -> tuple[set[str], set[str]]:
        return self.live, self.told

    def in_fallback(self) -> set[str]:
        return self.calls

    def recall(self, noted: dict[str, str]) -> None:
        self.recalled.append(noted)

    def asked(self) -> int:
        return len(self.recalled)

    def is_saved(self, mark: int) -> bool:
        return not self.disk_is_full or mark < self.saved


def _reader(
    app: App,
    database: AstDb,
    controller: Linked,
    problems: Problems,
    channels: Callable[[], list[Channel]] = list,
    forgotten: Callable[[list[RawKeyPress]], object] = lambda keys: None,
) -> JournalReader:
    rules: Any = office(AUTOMATIC)
    storage = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND))
    adoption = Adoption(
        storage,
        app.spool,
        lambda: rules,
        lambda at: rules,
        "demo",
        app.prompt_of,
        lambda call: False,
        lambda press, alert: ControllerAssembly(app).alert_known(alert),
    )
    segments: Any = controller
    return JournalReader(lambda: database, segments, adoption, problems, lambda: None, channels, forgotten)


def test_a_line_that_is_gone_is_no_problem_any_more(app: App) -> None:
    database, problems = AstDb(), Problems()
    database.families[FAMILY] = {"17.1": "nonsense", "17.2": "nonsense too"}
    reader = _reader(app, database, Linked(), problems)
    with capture_logs() as logged:
        reader.read()
        reader.read()
    assert len([line for line in logged if line["log_level"] == "error"]) == 2, "each line once"
    database.delete(FAMILY, ["17.1"])  # by hand, as somebody does who has looked at it
    reader.read()
    assert problems.texts() == {"line 17.2 of the PBX's journal cannot be adopted"}


def test_many_lines_that_wait_for_the_database_are_no_thread_that_hangs(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take as long as a server that does not answer; all of them together are not one thing."""
    database, now, longest = AstDb(), [0.0], [0.0]
    database.families[FAMILY] = {f"17.{number}": LINE for number in range(10)}
    reader = _reader(app, database, Linked(), Problems())
    pulse = reader.pulse = Pulse(lambda: now[0])

    def away(*_: object) -> bool:
        now[0] += 10
        longest[0] = max(longest[0], pulse.busy_for())
        return False

    monkeypatch.setattr(reader, "_adopt", away)
    pulse.beat()
    reader.read()
    assert now[0] == 100 and longest[0] == 10


def test_a_line_that_the_controller_tells_of_itself_is_left_alone_and_then_forgotten(app: App) -> None:
    """Not before all that the call has caused is on disk; nor is its key, which is acted on as any other."""
    database, controller = AstDb(), Linked()
    moved = "demo-1.0"  # whose file another line tells of, that of the channel it was put into
    database.families[FAMILY] = {
        moved: LINE,
        "18.1": LINE,
        "17.2": LINE.replace("automatic|callrec/fallback-demo-1.0", "never|"),
    }
    controller.live = {moved}
    reader = _reader(app, database, controller, Problems())
    reader.read()
    assert list(database.families[FAMILY]) == [moved, "18.1"]
    assert len(app.spool.calls() + app.spool.waiting()) == 1
    controller.live, controller.told, controller.disk_is_full = set(), {moved}, True
    reader.read()
    assert list(database.families[FAMILY]) == [moved, "18.1"]
    controller.saved = controller.asked()  # of what has been asked since, not all is there
    reader.read()
    assert not database.families[FAMILY] and len(app.spool.calls() + app.spool.waiting()) == 1


def test_a_key_that_was_noted_is_acted_on_before_it_is_forgotten(app: App) -> None:
    database, controller = AstDb(), Linked()
    database.families[KEYS] = {"p1": OTHER}
    reader = _reader(app, database, controller, Problems())
    reader.read()
    assert controller.recalled == [{"p1": OTHER}] and database.families[KEYS]
    reader.read()
    assert not database.families[KEYS]


def test_a_key_is_not_forgotten_before_what_it_caused_is_on_disk(app: App) -> None:
    database, controller = AstDb(), Linked()
    database.families[KEYS] = {"p1": OTHER}
    reader = _reader(app, database, controller, Problems())
    controller.disk_is_full = True
    for _ in range(4):
        reader.read()
    assert database.families[KEYS], "a kill would lose it"
    controller.disk_is_full = False
    reader.read()
    assert not database.families[KEYS]


def test_a_key_is_not_forgotten_before_somebody_was_told_of_that(app: App) -> None:
    database, full = AstDb(), [True]
    told: list[str] = []

    def forgotten(keys: list[RawKeyPress]) -> None:
        if full:
            raise OSError(errno.ENOSPC, "full")
        told.extend(each.id for each in keys)

    database.families[KEYS] = {"p1": OTHER}
    reader = _reader(app, database, Linked(), Problems(), forgotten=forgotten)
    reader.read()
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            reader.read()
        assert database.families[KEYS]
    full.clear()
    reader.read()
    assert not database.families[KEYS] and told == ["p1"]


@pytest.mark.parametrize(
    ("key", "heard", "noted"),
    [("keep", False, True), ("help", False, True), ("stop", False, False), ("keep", True, False)],
)
def test_the_spool_remembers_a_key_of_which_no_call_is_known(
    app: App, key: str, heard: bool, noted: bool
) -> None:
    """Its call may have been lost with the disk, and what it kept be on the PBX."""
    press = RawKeyPress("p1", key, "1.0", "PJSIP/2101-1", START)
    ControllerAssembly(app).keys_forgotten([press], lambda id_: heard)
    assert bool(app.spool.lost_key_at()) is noted


@pytest.mark.parametrize("where", ["row", "spool"])
def test_a_key_that_a_call_has_is_not_lost(app: App, where: str) -> None:
    pressed = KeyPress("p1", FeatureCode.KEEP, KeyResult.KEPT, "1.1", "2101", START)
    known = call(pbx=app.settings.pbx.name, key_presses=(pressed,))
    if where == "spool":
        app.spool.save_call(known)
    else:
        with app.database.begin() as connection:
            save_call(connection, known)
    press = RawKeyPress("p1", "keep", "1.0", "PJSIP/2101-1", START + timedelta(seconds=3))
    ControllerAssembly(app).keys_forgotten([press], lambda id_: False)
    assert app.spool.lost_key_at() is None


def test_a_key_is_not_forgotten_before_the_journal_has_told_of_its_call(app: App) -> None:
    """The dialplan records the call, so its row comes with the journal, when it is over."""
    database, controller = AstDb(), Linked("demo-1.0")
    database.families[KEYS] = {"p1": HELP}
    reader = _reader(app, database, controller, Problems())
    for _ in range(3):
        reader.read()
    controller.calls.clear()
    database.families[FAMILY] = {"demo-1.0": LINE}
    reader.read()
    assert database.families[KEYS] and not database.families[FAMILY]
    (waiting,) = app.spool.waiting()
    call = app.spool.captured_call(waiting).call
    assert call.incident and [each.key for each in call.key_presses] == [FeatureCode.HELP]
    (alert,) = app.spool.alerts()
    assert app.spool.alert_of(alert).call_id == call.id, "help was called for, and nobody had heard of it"
    for _ in range(2):
        reader.read()
    assert not database.families[KEYS]


ABSURD = ["1e300", "1e18", "-62135596800", "99999999999999", "nan", "inf"]


@pytest.mark.parametrize(
    "line",
    [
        *(LINE.replace("1795361046.330", time) for time in ABSURD),
        *(LINE.replace("1795361032.554923", time) for time in ABSURD),
        *(LINE.replace("|3001|", f"|{talked}|") for talked in ("9" * 30, "-1", "soon")),
        LINE.replace("1795361039.024>", "1e300>"),
        LINE.replace("inbound|", "sideways|"),
        LINE.replace("|automatic|", "|sometimes|"),
        LINE.replace("|2101|1795", "|\x00|1795") + "|no channel",
    ],
)
def test_a_line_that_makes_no_sense_blocks_no_other(app: App, line: str) -> None:
    database, problems = AstDb(), Problems()
    database.families[FAMILY] = {"a": line, "demo-1.0": LINE}
    _reader(app, database, Linked(), problems).read()
    assert list(database.families[FAMILY]) == ["a"] and len(app.spool.waiting()) == 1
    assert problems.texts() == {"line a of the PBX's journal cannot be adopted"}


def test_a_line_without_an_end_waits_for_that_as_long_as_its_channel_is_there(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then for a moment more: who hung up a moment ago may just be writing the end."""
    database, there = AstDb(), [channel("demo-1.0", "PJSIP/outside-00000001")]
    database.families[FAMILY] = {"demo-1.0": OPEN}
    reader = _reader(app, database, Linked(), Problems(), lambda: there)
    reader.read()
    assert database.families[FAMILY] and reader._pause_s() == journal_reader.SECONDS
    there.clear()
    reader._left = 0
    reader.read()
    assert database.families[FAMILY] and reader._pause_s() == journal_reader.SOON_SECONDS
    monkeypatch.setattr(journal_reader, "GONE_FOR", journal_reader.GONE_FOR * 0)
    reader.read()
    assert not database.families[FAMILY]
    (waiting,) = app.spool.waiting()
    call = app.spool.captured_call(waiting).call
    assert call.answered_at and call.ended_at is None
    assert "the end of the call was not seen" in [note.text for note in call.notes]


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
@example(place=6, odd="3622950129.0")
@example(place=6, odd="32503670000")
def test_a_line_with_one_odd_field(app: App, place: int, odd: str) -> None:
    fields = list(FIELDS)
    fields[place] = odd
    _adopt_beside_a_good_one(app, "demo-2.0", "|".join(fields))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(key="inf", line="inf|inf|inf|1e18")
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
