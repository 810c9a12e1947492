"""What is asked of the dialplan of channels: by AMI; ARI, which takes DB() from it, stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from callrec.errors import CallrecError, NotFound, PbxUnreachable
from callrec.pbx.dialplan import AWAY_SECONDS, GATE_SECONDS, Dialplan

WANTED = {"CALLREC_PROMPTS": "a&b", "CALLREC_ANSWER": ""}


class Way:
    """AMI or ARI: notes what is asked, or fails."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], str] = {}
        self.fails: CallrecError | None = None
        self.patience: list[float | None] = []
        self.asked: list[tuple[object, ...]] = []

    def variable(self, channel_id: str, name: str) -> str:
        return self.there.get((channel_id, name), "")

    def set_variable(self, channel_id: str, name: str, value: str) -> None:
        if self.fails:
            raise self.fails
        self.there[channel_id, name] = value

    def stop_monitor(self, name: str, monitor: str) -> None:
        self.asked.append(("stop", name, monitor))

    def mute_monitor(self, channel_id: str, monitor: str, direction: str, *, on: bool) -> None:
        self.asked.append(("mute", channel_id, monitor, direction, on))

    @contextmanager
    def used(self, seconds: float | None) -> Iterator[Way]:
        self.patience.append(seconds)
        if self.fails:
            raise self.fails
        yield self


class Asked:
    """A dialplan with its ways, and the lines that were forgotten."""

    def __init__(self) -> None:
        self.ami, self.ari, self.now = Way(), Way(), 0.0
        self.forgotten: list[str] = []
        self.dialplan = Dialplan(self.ami.used, self.ari, self.forgotten.append, lambda: self.now)


def test_what_ami_sets_ari_does_not() -> None:
    asked = Asked()
    assert asked.dialplan.set_variables("1.0", WANTED) and asked.dialplan.answers()
    assert asked.ami.there == {("1.0", name): value for name, value in WANTED.items()}
    assert not asked.ari.there and asked.ami.patience == [GATE_SECONDS, GATE_SECONDS]


def test_while_ami_is_away_ari_sets_them_and_ami_is_not_waited_for_again() -> None:
    asked = Asked()
    asked.ami.fails = PbxUnreachable("away")
    for number in range(3):
        assert not asked.dialplan.set_variables(f"1.{number}", WANTED)
        assert not asked.dialplan.answers()
    assert len(asked.ami.patience) == 1 and len(asked.ari.there) == 6
    asked.ami.fails, asked.now = None, AWAY_SECONDS
    assert asked.dialplan.set_variables("1.4", WANTED)
    assert len(asked.ami.there) == 2 and len(asked.ari.there) == 6


def test_where_neither_does_it_is_told() -> None:
    asked = Asked()
    asked.ami.fails, asked.ari.fails = PbxUnreachable("away"), NotFound("no such channel")
    with pytest.raises(NotFound, match="no such channel"):
        asked.dialplan.set_variables("1.0", WANTED)


def test_only_the_monitor_that_records_for_callrec_is_ended_and_muted() -> None:
    asked = Asked()
    asked.ari.there["1.0", "CALLREC_MIXMONITOR"] = "0x7f"
    assert asked.dialplan.records("1.0") and not asked.dialplan.records("2.0")
    asked.dialplan.stop("1.0")
    asked.dialplan.stop("2.0")  # it is gone, or nothing records it: not the office's own
    asked.dialplan.mute("1.0", "external", on=True)
    asked.dialplan.mute("1.0", "staff", on=False)
    assert asked.ami.asked == [
        ("stop", "1.0", "0x7f"),
        ("mute", "1.0", "0x7f", "read", True),
        ("mute", "1.0", "0x7f", "write", False),
    ]


def test_what_is_destroyed_is_told_of_by_nothing() -> None:
    asked = Asked()
    asked.dialplan.forget("2.0")  # gone: who reads the journal forgets its line
    assert not asked.forgotten and not asked.ami.there
    asked.ari.there["1.0", "CALLREC_FALLBACK"] = "1764000000.123"
    asked.dialplan.forget("1.0")
    assert asked.forgotten == ["1.0"] and asked.ami.there == {("1.0", "CALLREC_FALLBACK"): ""}
