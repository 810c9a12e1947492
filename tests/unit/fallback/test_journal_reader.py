"""What the dialplan wrote down while callrec was away is adopted, and deleted only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from callrec.app import App
from callrec.app.controller import ControllerAssembly
from callrec.fallback import journal_reader
from callrec.fallback.adoption import Adoption
from callrec.fallback.journal import FAMILY, KEYS
from callrec.fallback.journal_reader import JournalReader
from callrec.model.calls import FeatureCode
from callrec.pbx.events import Channel
from callrec.problems import Problems
from tests.scenarios.replay import office
from tests.unit.channels import channel
from tests.unit.fakes import AstDb
from tests.unit.fallback.samples import AUTOMATIC, ENDED, FILES, LINE, OPEN, SECOND_OF_SOUND, Storage

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

    def in_fallback(self) -> set[str]:
        return self.calls

    def recall(self, noted: dict[str, str]) -> None:
        self.recalled.append(noted)


def _reader(
    app: App,
    database: AstDb,
    controller: Linked,
    problems: Problems,
    channels: Callable[[], list[Channel]] = list,
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
    orphans: Any = None
    return JournalReader(lambda: database, segments, adoption, problems, lambda: None, channels, orphans)


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


def test_a_key_that_was_noted_is_acted_on_before_it_is_forgotten(app: App) -> None:
    database, controller = AstDb(), Linked()
    database.families[KEYS] = {"p1": OTHER}
    reader = _reader(app, database, controller, Problems())
    reader.read()
    assert controller.recalled == [{"p1": OTHER}] and database.families[KEYS]
    reader.read()
    assert not database.families[KEYS]


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
