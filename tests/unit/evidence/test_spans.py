"""The spans of a redaction: as they are written, and which cannot be."""

from __future__ import annotations

import pytest

from callrec.errors import CallrecError, WrongEntries, WrongUsage
from callrec.evidence.spans import Cover, Span, SpanTrack, check, read

BOTH, EXTERNAL, STAFF = SpanTrack.BOTH, SpanTrack.EXTERNAL, SpanTrack.STAFF


def table(*lines: str) -> str:
    return "\n".join(["[[span]]", *lines, ""])


def problems(spans: list[Span], seconds: float = 60.0) -> list[tuple[int, str]]:
    with pytest.raises(WrongEntries) as told:
        check(spans, seconds)
    return [(line, str(each)) for line, each in told.value.entries]


def test_spans_are_read_as_they_are_written() -> None:
    text = "# 開示\n" + table('from = "0:01"', 'to = "1:02:03"', 'track = "external"', 'with = "tone"')
    text += table('from = "３:１０"', 'to = "3分25秒"')
    assert read(text) == [
        Span(1.0, 3723.0, EXTERNAL, Cover.TONE, 2),
        Span(190.0, 205.0, BOTH, Cover.SILENCE, 7),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('to = "0:02"',), "from is missing"),
        (('from = "0:01"',), "to is missing"),
        (('from = "soon"', 'to = "0:02"'), "soon is no place in a recording"),
        (("from = 1", 'to = "0:02"'), "from = 1 is of the wrong type"),
        (('from = "0:01"', 'to = "0:02"', 'track = "left"'), "track = left is none: write one of external"),
        (('from = "0:01"', 'to = "0:02"', 'with = "noise"'), "with = noise is none: write one of silence"),
        (('from = "0:01"', 'to = "0:02"', 'wiht = "tone"'), "there is no key wiht"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(WrongEntries) as told:
        read(table('from = "0:01"', 'to = "0:02"') + table(*lines))
    ((line, error),) = told.value.entries
    assert line == 4 and said in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    "text", ["", "[[span]", "[[spans]]", "span = 1", "span = []", "[span]\na = 1", "a = 1"]
)
def test_a_file_without_spans_is_none(text: str) -> None:
    with pytest.raises(WrongUsage) as told:
        read(text)
    assert not isinstance(told.value, WrongEntries) and "\n" not in str(told.value)


def test_a_span_that_is_no_table() -> None:
    with pytest.raises(CallrecError):
        read("span = [1, 2]")


def test_spans_side_by_side_and_on_both_tracks_at_once_are_right() -> None:
    check([Span(0, 10), Span(10, 20), Span(20, 30, EXTERNAL), Span(25, 35, STAFF), Span(35, 60)], 59.2)


def test_each_span_that_cannot_be_is_told() -> None:
    wrong = [Span(5, 5, line=1), Span(9, 8, line=2), Span(60, 61, line=3), Span(1, 61.5, line=4)]
    assert [line for line, _ in problems(wrong)] == [1, 2, 3, 4]
    assert "is empty" in problems(wrong)[0][1] and "ends at 1:00" in problems(wrong)[3][1]
    assert "is empty" in problems([Span(0, float("nan"))])[0][1]
    assert "is not in the recording" in problems([Span(-1, 2)])[0][1]


@pytest.mark.parametrize(
    ("one", "other"),
    [(BOTH, BOTH), (BOTH, STAFF), (EXTERNAL, BOTH), (EXTERNAL, EXTERNAL), (STAFF, STAFF)],
)
def test_spans_that_overlap_on_a_track(one: SpanTrack, other: SpanTrack) -> None:
    between = (
        Span(9, 9.5, {EXTERNAL: STAFF, STAFF: EXTERNAL}.get(one, STAFF)) if BOTH not in (one, other) else None
    )
    spans = [Span(0, 10, one, line=1), *([between] if between else []), Span(9.9, 20, other, line=3)]
    ((line, said),) = problems(spans)
    assert line == 3 and said == "the spans 0:00–0:10 and 0:09.9–0:20 overlap"


def test_a_long_span_overlaps_what_does_not_follow_it_at_once() -> None:
    assert problems([Span(0, 50), Span(1, 2, EXTERNAL, line=2), Span(3, 4, EXTERNAL, line=3)])


@pytest.mark.parametrize("spans", [[], [Span(1, 2)] * 1001])
def test_none_and_too_many(spans: list[Span]) -> None:
    with pytest.raises(WrongUsage, match="from 1 to 1000 spans"):
        check(spans, 60.0)
