"""Tells what happened during a call: keys pressed, decisions made anew, silences. For `callrec show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from callrec.catalogue.calls import ArchivedRecording, PlacedSilence
from callrec.catalogue.finding import SearchHit
from callrec.dates import spoken
from callrec.durations import clock
from callrec.language import translated as _
from callrec.model.calls import CallRecord
from callrec.rulebook import explanation
from callrec.wording import FEATURES, KEY_RESULTS, SILENCE_REASONS


def course(found: SearchHit, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yields the lines that tell what happened, each with its name."""
    yield from _decision_changes(found.call, zone)
    yield from _keys(found.call, zone)
    for each in silences(found.recording):
        until = spoken(each.finished_at, zone)[11:] if each.finished_at else "…"
        span = f"{clock(each.begin_s)} – {clock(each.end_s)}"
        yield (
            "silence",
            f"{span}  ({spoken(each.started_at, zone)} – {until}): {_(SILENCE_REASONS[each.reason])}",
        )


def silences(kept: ArchivedRecording | None) -> Sequence[PlacedSilence]:
    """Returns the silences of a recording. Nothing is known of one that was destroyed."""
    return kept.silences or () if kept else ()


def _decision_changes(call: CallRecord, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for each in call.decision_changes:
        said = next(explanation.verdict(each.decision))
        yield "decided anew", f"{spoken(each.at, zone)}  {', '.join(each.extensions)}  {said}"


def _keys(call: CallRecord, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for each in call.key_presses:
        did = f"{_(FEATURES[each.key])}: {_(KEY_RESULTS[each.result])}"
        yield "key pressed", f"{spoken(each.at, zone)}  {each.extension}  {did}"
