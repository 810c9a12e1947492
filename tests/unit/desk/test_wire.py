"""Values and errors on their way between desk and client: what arrives is what was sent, or one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callrec.desk import wire
from callrec.desk.operation import Operation, Session
from callrec.errors import (
    CallrecError,
    CheckFailed,
    NotFound,
    OutOfSight,
    Refused,
    Sentence,
    StoreUnreachable,
    Unreachable,
    WrongEntries,
    WrongUsage,
)
from callrec.model.access import Role
from callrec.model.office import Facility


def named(session: Session, /, facility: Facility, at: datetime, note: str | None = None) -> Facility | None:
    return facility


def listed(session: Session, /) -> Iterator[str | None]:
    yield None


NAMED = Operation("named", "test named", tuple(Role), named)
LISTED = Operation("listed", "test listed", tuple(Role), listed)
AT = datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)


def test_arguments_arrive_as_they_were() -> None:
    sent = wire.arguments(NAMED, (Facility("shiba", "芝地区総合支所"),), {"at": AT, "note": "\x00\u2028\\"})
    assert b"\n" not in sent
    assert wire.read_arguments(NAMED, sent) == {
        "facility": Facility("shiba", "芝地区総合支所"),
        "at": AT,
        "note": "\x00\u2028\\",
    }


@pytest.mark.parametrize("value", [None, Facility("shiba", "芝\n港")])
def test_a_value_arrives_as_it_was(value: Facility | None) -> None:
    line = wire.value_line(NAMED, value)
    assert line.count(b"\n") == 1
    assert wire.read_line(NAMED, line) == value


def test_a_result_that_is_nothing_is_not_the_end() -> None:
    assert wire.read_line(LISTED, wire.value_line(LISTED, None)) is None
    assert wire.read_line(LISTED, wire.END_LINE) is wire.END


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b'{"value": null}',
        b"{}\n",
        b"null\n",
        b"7\n",
        b"[]\n",
        b'"value"\n',
        b'{"value": 7}\n',
        b"<html>\n",
        b"\xff\n",
        b'{"value": ' + b"[" * 100_000 + b"\n",
        b'{"error": "NotFound"}\n',
        b'{"error": [], "template": "x", "values": {}}\n',
        b'{"error": "NotFound", "template": 7, "values": {}}\n',
        b'{"error": "WrongEntries", "template": "x", "values": {}, "entries": 7}\n',
    ],
)
def test_a_line_that_is_not_whole_is_told_as_that(line: bytes) -> None:
    with pytest.raises(Unreachable, match="not whole"):
        wire.read_line(LISTED, line)


class BucketGone(StoreUnreachable):
    """An error that a part has of its own."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotFound("there is no {id}", id="01a2"), NotFound),
        (Refused("{path} is {problem}", path=Path("/x"), problem=Sentence("{n} too many", n=2)), Refused),
        (CheckFailed("{error}", error=WrongUsage("{what}", what="芝")), CheckFailed),
        (BucketGone("the bucket {name} is gone", name="b"), StoreUnreachable),
        (CallrecError("{ratio} of {at}", ratio=0.25, at=AT), CallrecError),
        (OutOfSight("there is no {id}", recording_id="secret", id="01a2"), NotFound),
    ],
)
def test_an_error_arrives_as_it_was(error: CallrecError, kind: type[CallrecError]) -> None:
    line = wire.error_line(error)
    assert b"secret" not in line
    with pytest.raises(kind) as found:
        wire.read_line(LISTED, line)
    assert type(found.value) is kind
    assert (str(found.value), found.value.exit_code) == (str(error), error.exit_code)


def test_the_lines_of_a_file_arrive_with_their_reasons() -> None:
    error = WrongEntries([(3, NotFound("no {code}", code="x")), (5, WrongUsage("a number"))])
    with pytest.raises(WrongEntries) as found:
        wire.read_line(LISTED, wire.error_line(error))
    assert [(line, str(each)) for line, each in found.value.entries] == [(3, "no x"), (5, "a number")]


def test_it_is_read_in_the_language_of_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    line = wire.error_line(Refused("another callrec desk listens at {path} already", path="/x"))
    assert json.loads(line)["template"] == "another callrec desk listens at {path} already"


def test_an_answer_that_nobody_would_read_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_LINE", 40)
    assert wire.value_line(LISTED, "x" * 20)
    with pytest.raises(CheckFailed, match="too long"):
        wire.value_line(LISTED, "x" * 40)
