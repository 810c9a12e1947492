"""What the dialplan is given to stand in with, and what it writes down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callrec.model import Direction, Mode, Outcome
from callrec.recording import journal, mirror
from tests.scenarios.replay import PROMPT, office

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANNOUNCED = (
    "/p/ja/notice>1795361032.556>1795361039.024>SUCCESS&/p/en/notice>1795361039.025>1795361040.0>FAILED&"
)
LINE = (
    "inbound|2101|0312345678|demo-1.0|2101|1795361032.554923|1795361046.330|ANSWER|3001|automatic|"
    "callrec/fallback-demo-1.0|" + ANNOUNCED
)


class AstDb(dict[str, str]):
    """AstDB in memory."""

    def tree(self, family: str) -> dict[str, str]:
        assert family == mirror.FAMILY
        return dict(self)

    def put(self, _family: str, key: str, value: str) -> None:
        self[key] = value

    def delete(self, _family: str, key: str) -> None:
        del self[key]


def _entries(*rules: tuple[str, str, str | None, str | None]) -> dict[str, str]:
    return mirror.entries(office(*rules), lambda decision: ["/p/ja/notice"], NOW, answer_first=True)


def test_only_what_differs_from_the_default_has_an_entry() -> None:
    assert _entries(("automatic", "facility", "shiba", None)) == {
        "inbound/default": "never|none||answer",
        "inbound/2101": "automatic|before-connect|/p/ja/notice|answer",
        "inbound/2102": "automatic|before-connect|/p/ja/notice|answer",
        "outbound/default": "never|none||answer",
        "outbound/2101": "automatic|on-start|/p/ja/notice|answer",
        "outbound/2102": "automatic|on-start|/p/ja/notice|answer",
        "internal/default": "never|none||answer",
        "internal/2101": "automatic|on-start|/p/ja/notice|answer",
        "internal/2102": "automatic|on-start|/p/ja/notice|answer",
    }


def test_never_is_in_the_copy_too() -> None:
    entries = _entries(("automatic", "everywhere", None, "none"), ("never", "extension", "2201", None))
    assert entries["inbound/default"].startswith("automatic|")
    assert entries["inbound/2201"].startswith("never|")


def test_the_copy_becomes_what_is_wanted_and_nothing_else() -> None:
    database = AstDb({"inbound/default": "old", "inbound/9999": "stale"})
    wanted = _entries(("automatic", "facility", "shiba", None))
    assert mirror.synchronise(database, wanted) == 10
    assert dict(database) == wanted
    assert mirror.synchronise(database, wanted) == 0


def test_a_line_of_the_journal_becomes_a_call_and_a_capture() -> None:
    line = journal.parse("demo-1.0", LINE)
    found = office(("automatic", "everywhere", None, None))
    call = journal.call_of(line, found, "demo", lambda sound: PROMPT if sound.endswith("ja/notice") else None)
    assert (call.extension, call.number, call.facility) == ("2101", "+81312345678", "shiba")
    assert call.outcome is Outcome.ANSWERED and call.answered_at is not None and call.ended_at is not None
    assert call.ended_at - call.answered_at == timedelta(milliseconds=3001)
    assert [(each.language, each.complete) for each in call.announcements] == [("ja", True), ("", False)]
    draft = journal.draft_of(line, call)
    assert draft is not None
    (part,) = draft.capture.parts
    assert (part.external.name, part.staff.name) == (
        "callrec/fallback-demo-1.0-in",
        "callrec/fallback-demo-1.0-out",
    )
    again = journal.draft_of(line, journal.call_of(line, found, "demo", lambda sound: None))
    assert again is not None and again.capture.recording_id == draft.capture.recording_id
    assert again.call.id == call.id, "read twice, it is the same call"


def test_of_an_outbound_call_the_staff_is_the_caller() -> None:
    line = journal.parse("demo-1.0", LINE.replace("inbound|", "outbound|"))
    call = journal.call_of(line, office(("automatic", "everywhere", None, None)), "demo", lambda sound: None)
    draft = journal.draft_of(line, call)
    assert draft is not None and call.direction is Direction.OUTBOUND
    assert draft.capture.parts[0].external.name.endswith("-out")
    assert [each.extension for each in call.participants] == ["2101", None]


def test_an_unanswered_call_leaves_no_capture_but_names_its_files() -> None:
    line = journal.parse("demo-1.0", LINE.replace("|ANSWER|3001|", "|CANCEL||"))
    call = journal.call_of(line, office(), "demo", lambda sound: None)
    assert call.outcome is Outcome.UNANSWERED and journal.draft_of(line, call) is None
    assert journal.files(line) == ["callrec/fallback-demo-1.0-in", "callrec/fallback-demo-1.0-out"]


def test_a_call_that_was_not_to_be_recorded() -> None:
    line = journal.parse("demo-1.0", "inbound|2101|110|demo-1.0||1795361032.5|1795361046.3|BUSY|||" + "|")
    call = journal.call_of(line, office(("automatic", "everywhere", None, None)), "demo", lambda sound: None)
    assert line.mode is Mode.NEVER and journal.draft_of(line, call) is None
    assert call.outcome is Outcome.BUSY
    assert "the dialplan went by mode never" in [note.text for note in call.notes]


@pytest.mark.parametrize("value", ["", "a|b", LINE + "|more", LINE.replace("1795361032.554923", "yesterday")])
def test_what_is_no_line_of_the_journal_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"fields|convert"):
        journal.parse("1.0", value)
