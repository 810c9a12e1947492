"""Variables are set by AMI; by ARI, which takes DB() from the dialplan, only while AMI does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from callrec.errors import CallrecError, NotFound, PbxUnreachable
from callrec.pbx.channel_variables import AWAY_SECONDS, ChannelVariables

WANTED = {"CALLREC_PROMPTS": "a&b", "CALLREC_ANSWER": ""}


class Way:
    """AMI or ARI: notes what is set, or fails."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], str] = {}
        self.fails: CallrecError | None = None
        self.asked = 0

    def set_variable(self, channel_id: str, name: str, value: str) -> None:
        if self.fails:
            raise self.fails
        self.there[channel_id, name] = value

    @contextmanager
    def used(self) -> Iterator[Way]:
        self.asked += 1
        yield self


class Ways:
    def __init__(self) -> None:
        self.ami, self.ari, self.now = Way(), Way(), 0.0
        self.variables = ChannelVariables(self.ami.used, self.ari, lambda: self.now)


def test_what_ami_sets_ari_does_not() -> None:
    ways = Ways()
    ways.variables.set("1.0", WANTED)
    assert ways.ami.there == {("1.0", name): value for name, value in WANTED.items()}
    assert not ways.ari.there


def test_while_ami_is_away_ari_sets_them_and_ami_is_not_waited_for_again() -> None:
    ways = Ways()
    ways.ami.fails = PbxUnreachable("away")
    for number in range(3):
        ways.variables.set(f"1.{number}", WANTED)
    assert ways.ami.asked == 1 and len(ways.ari.there) == 6
    ways.ami.fails, ways.now = None, AWAY_SECONDS
    ways.variables.set("1.4", WANTED)
    assert len(ways.ami.there) == 2 and len(ways.ari.there) == 6


def test_where_neither_does_it_is_told() -> None:
    ways = Ways()
    ways.ami.fails, ways.ari.fails = PbxUnreachable("away"), NotFound("no such channel")
    with pytest.raises(NotFound, match="no such channel"):
        ways.variables.set("1.0", WANTED)
