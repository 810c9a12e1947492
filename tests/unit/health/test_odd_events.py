"""An event that cannot be read is counted, the first ones are kept, and the next event is read."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import websocket

from callrec.health.odd_events import FILE, KEPT, OddEvents
from callrec.pbx.ari import Ari
from callrec.pbx.events import Event, RecordingFailed
from callrec.pbx.transport import Websocket
from callrec.settings import PbxSettings

GOOD = {
    "type": "RecordingFailed",
    "timestamp": "2026-11-22T14:41:56.477+0000",
    "recording": {"name": "callrec/rec-1-staff"},
}


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "RecordingFailed"},
        {**GOOD, "timestamp": "yesterday"},
        {**GOOD, "recording": None},
        {**GOOD, "timestamp": 17},
        {"type": "ChannelCreated", "timestamp": GOOD["timestamp"], "channel": {"id": "1.0"}},
    ],
)
def test_one_that_cannot_be_read_ends_nothing(tmp_path: Path, odd: dict[str, Any]) -> None:
    events, pbx, heard = OddEvents(tmp_path), Ari(PbxSettings()), list[Event]()
    pbx.unreadable = events.add
    for message in (odd, GOOD):
        pbx._give(message, heard.append)
    assert [type(each) for each in heard] == [RecordingFailed]
    (told,) = events.problems()
    assert str(told).startswith(f"1 events of the PBX could not be read, the first of kind {odd['type']} (")
    (kept,) = json.loads((tmp_path / FILE).read_text())["first"]
    assert json.loads(kept["told"]) == odd


def test_a_bug_in_what_is_done_about_one_ends_nothing() -> None:
    def fails(event: Event) -> None:
        raise ZeroDivisionError

    Ari(PbxSettings())._give(GOOD, fails)


@pytest.mark.parametrize("data", [b"{broken", b"[1]", b"7", b"{}", b'{"type": 7}', b"[" * 100_000])
def test_a_message_that_is_no_event_is_passed_over_and_told(data: bytes) -> None:
    told: list[str] = []
    messages = iter([(websocket.ABNF.OPCODE_TEXT, data), (websocket.ABNF.OPCODE_TEXT, b'{"type": "Dial"}')])
    fake: Any = SimpleNamespace(
        settimeout=lambda seconds: None, recv_data=lambda control_frame: next(messages)
    )
    link = Websocket(fake, lambda text, why: told.append(text))
    assert link.recv() == {"type": "Dial"}
    assert told == [data.decode()]


def test_the_first_are_kept_and_all_are_counted_also_over_a_restart(tmp_path: Path) -> None:
    events = OddEvents(tmp_path)
    for number in range(KEPT + 5):
        events.add("Dial", f"number {number}", "KeyError")
    events.problems()
    again = OddEvents(tmp_path)
    again.add("Dial", "one more", "KeyError")
    assert str(again.problems()[0]).startswith(f"{KEPT + 6} events")
    path = tmp_path / FILE
    kept = json.loads(path.read_text())["first"]
    assert [each["told"] for each in kept] == [f"number {number}" for number in range(KEPT)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "there are numbers of callers in it"


def test_an_event_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is added by the thread that watches the PBX, which may hold the lock of all calls."""
    events, added = OddEvents(tmp_path), list[bool]()
    events.add("Dial", "first", "KeyError")

    def hanging(*_: object) -> None:
        adding = threading.Thread(target=events.add, args=("Dial", "second", "KeyError"), daemon=True)
        adding.start()
        adding.join(5)
        added.append(not adding.is_alive())

    monkeypatch.setattr("callrec.health.odd_events.write_whole", hanging)
    events.problems()
    assert added == [True] and events.count == 2


def test_people_are_not_told_what_was_in_it(tmp_path: Path) -> None:
    events = OddEvents(tmp_path)
    events.add("Dial", "{}", "TypeError caller is 312345678")
    assert "TypeError" in str(events.problems()[0]) and "312345678" not in str(events.problems()[0])


def test_they_are_forgotten_when_somebody_has_seen_them(tmp_path: Path) -> None:
    events = OddEvents(tmp_path)
    assert not events.problems()
    events.add("Dial", "first", "KeyError")
    assert events.problems()
    OddEvents.forget(tmp_path)
    assert not events.problems()
    events.add("Dial", "second", "KeyError")
    assert str(events.problems()[0]).startswith("1 events")
    assert "second" in (tmp_path / FILE).read_text()


def test_a_disk_that_cannot_be_written_hides_none(tmp_path: Path) -> None:
    events = OddEvents(tmp_path / "gone" / "x")
    (tmp_path / "gone").write_text("no folder")
    events.add("Dial", "first", "KeyError")
    assert len(events.problems()) == 1
