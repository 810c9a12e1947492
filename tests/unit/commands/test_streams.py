"""Outputs that are closed, full, or read by nobody: one clear line or none, and never a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.catalogue import facilities
from callrec.commands import streams
from tests.unit.program import Done

Office = Callable[..., Done]
FORMS: tuple[list[str], ...] = ([], ["--json"], ["--csv"], ["--help"])


@pytest.fixture
def into(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def descriptor(number: int) -> None:
        monkeypatch.setattr(sys, "stdout", streams.output(number, "utf-8"))

    return descriptor


@pytest.mark.parametrize(
    ("path", "flags", "problem"),
    [("/dev/full", os.O_WRONLY, "the disk is full"), (os.devnull, os.O_RDONLY, "it is closed")],
)
def test_an_output_that_takes_nothing_is_one_line(
    shiba: Office, into: Callable[[int], None], path: str, flags: int, problem: str
) -> None:
    descriptor = os.open(path, flags)
    for form in FORMS:
        into(descriptor)
        done = shiba("extension", "list", *form)
        assert (done.code, done.complaint) == (1, f"callrec: the output cannot be written: {problem}")
        sys.stdout.flush()  # as at the end of the process: nothing is told twice
    os.close(descriptor)


def test_a_reader_may_go(shiba: Office, into: Callable[[int], None]) -> None:
    read, write = os.pipe()
    os.close(read)
    for form in FORMS:
        into(write)
        done = shiba("extension", "list", *form)
        assert (done.code, done.err) == (0, "")
        sys.stdout.flush()
    os.close(write)


def test_a_socket_that_breaks_is_no_reader_that_went(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(facilities, "all_facilities", broken)
    done = office("facility", "list")
    assert done.code == 1 and "it ended the connection" in done.complaint


def test_an_error_that_cannot_be_told_is_in_the_exit_code(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(sys, "stderr", streams.error_output(descriptor, "utf-8"))
    assert office("nonsense").code == 2
    sys.stderr.flush()
    os.close(descriptor)


SCRIPT = r"""
c="$0 -m callrec"
$c extension list >&- ; echo "out $?" >&2
$c extension list <&- >&- 2>&- ; echo "all $?" >&2
"""


def test_streams_that_the_shell_closed(shiba: Office, tmp_path: Path) -> None:
    """In processes of their own, as what the interpreter does at its end counts too."""
    done = subprocess.run(
        ["sh", "-c", SCRIPT, sys.executable], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stderr.splitlines() == [
        "callrec: the output cannot be written: it is closed",
        *("out 1", "all 1"),
    ]
    assert done.stdout == ""
    assert shiba("extension", "list").out, "the database did not get what was printed"
