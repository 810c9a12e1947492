"""The log of a long-running process: no number of a caller, and nobody waits for who reads it."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callrec.log_lines import MOST_WAITING, Writer, as_entry, log_to_stderr, without_numbers
from callrec.systemd import Journal


@contextmanager
def _logged(monkeypatch: pytest.MonkeyPatch, *, numbers: bool) -> Iterator[list[dict[str, Any]]]:
    written, found = io.StringIO(), list[dict[str, Any]]()
    monkeypatch.setattr(sys, "stderr", written)
    try:
        writer = log_to_stderr(numbers=numbers)
        yield found
        writer.close()
    finally:
        structlog.reset_defaults()
    found += [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+81312345678", "(11 digits)"),
        ("03-1234-5678", "(10 digits)"),
        ("PJSIP/0398765432@outside-0000001a is busy", "PJSIP/(10 digits)@outside-0000001a is busy"),
        ("outbound|2101|09012345678", "outbound|2101|(11 digits)"),
        ("it rings at 0312345678.", "it rings at (10 digits)."),
        ("2101", "2101"),
        ("1732870000.42", "1732870000.42"),
        ("01a20000-0000-7000-8000-000000000001", "01a20000-0000-7000-8000-000000000001"),
    ],
)
def test_numbers_of_callers_are_not_in_the_log_unless_asked(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for numbers, wanted in ((False, shown), (True, text)):
        with _logged(monkeypatch, numbers=numbers) as lines:
            structlog.get_logger().info("refused", problem=text, names=[text])
        assert lines[0]["problem"] == wanted and lines[0]["names"] == [wanted]


@given(
    st.from_regex(r"\+?[0-9]{9,15}", fullmatch=True), st.sampled_from(["{}", "to {} now", "a|{}|b", "<{}>"])
)
def test_no_number_passes_wherever_it_stands(number: str, around: str) -> None:
    line = without_numbers(None, "", {"event": "x", "problem": around.format(number)})
    assert number not in str(line["problem"])


@pytest.mark.parametrize(
    ("direction", "number", "shown"),
    [
        ("outbound", "34567890", "(8 digits)"),
        ("outbound", "110", "(3 digits)"),
        ("inbound", "+81 3 1234 5678", "(11 digits)"),
        ("inbound", "taro@city.example", "(0 digits)"),
        (None, "34567890", "(8 digits)"),
        ("internal", "2102", "2102"),
        ("internal", "09012345678", "(11 digits)"),
    ],
)
def test_the_other_party_has_no_number_however_it_is_written(
    direction: str | None, number: str, shown: str
) -> None:
    """A local call has no area code, and some call from an address."""
    line = {"event": "answered", "extension": "2101", "number": number}
    line |= {"direction": direction} if direction else {}
    assert without_numbers(None, "", line) == {**line, "number": shown}


def test_ids_stay_whole() -> None:
    ids = {"call": "01a20000-0000-7000-8000-000000000001", "linkedid": "1732870000.42", "at": "123456789"}
    assert without_numbers(None, "", {"event": "x", **ids}) == {"event": "x", **ids}


def test_a_bug_that_names_a_number_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with _logged(monkeypatch, numbers=False) as lines:
        try:
            raise ValueError("+81312345678")
        except ValueError:
            structlog.get_logger().exception("a bug: please report it")
    assert "ValueError" in lines[0]["exception"] and "12345678" not in lines[0]["exception"]


def test_an_entry_of_the_journal_has_each_value_as_a_field() -> None:
    line = {"event": "over\x1b[2J", "level": "warning", "timestamp": "2026", "call": "c", "rule": 3}
    assert as_entry(line) == {
        "MESSAGE": "over\\x1b[2J call=c rule=3",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "callrec",
        "CALLREC_EVENT": "over\x1b[2J",
        "CALLREC_TIMESTAMP": "2026",
        "CALLREC_CALL": "c",
        "CALLREC_RULE": "3",
    }


def test_a_reader_that_hangs_holds_nobody_up_and_what_is_lost_is_counted() -> None:
    begun, goes_on, written = threading.Event(), threading.Event(), list[object]()

    def write(line: object) -> None:
        begun.set()
        goes_on.wait(30)
        written.append(line)

    writer = Writer(write, lambda count: f"{count} lost")
    for number in range(MOST_WAITING + 100):  # would never end if one of them waited
        writer.msg(number)
        assert begun.wait(20), "else one more would be taken while the others are too many"
    goes_on.set()
    while not any(isinstance(each, str) for each in written):
        assert writer._thread.is_alive()
    writer.close()
    numbers = [each for each in written if isinstance(each, int)]
    assert numbers == list(range(len(numbers)))
    assert written[-1] == f"{MOST_WAITING + 100 - len(numbers)} lost"


def test_a_journal_that_hangs_for_a_while_loses_no_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        sender = Journal(tmp_path / "socket", seconds=0.01)
        tries = threading.Semaphore(0)

        def write(line: str) -> None:
            try:
                sender.send({"MESSAGE": line})
            except TimeoutError:
                tries.release()
                raise

        writer = Writer(write, str)
        for number in range(500):  # more than wait in a socket
            writer.msg(str(number))
        for _ in range(3):
            assert tries.acquire(timeout=20), "nobody reads"
        journal.settimeout(20)
        told = [journal.recv(1000) for _ in range(500)]
        writer.close()
        sender.close()
    assert [each.rstrip().rpartition(b"\0")[2] for each in told] == [
        str(each).encode() for each in range(500)
    ]


def test_lines_that_wait_are_written_at_the_end() -> None:
    written: list[object] = []
    writer = Writer(written.append, str)
    for number in range(500):
        writer.msg(number)
    writer.close()
    assert written == list(range(500))


def test_a_reader_that_is_gone_ends_nothing() -> None:
    written: list[object] = []

    def write(line: object) -> None:
        if line == "first":
            raise BrokenPipeError
        written.append(line)

    writer = Writer(write, str)
    writer.msg("first")
    writer.msg("second")
    writer.close()
    assert written == ["second"]
