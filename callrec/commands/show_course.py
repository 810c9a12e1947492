"""Tells what happened during a call: keys pressed, decisions made anew, silences. For `callrec show`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchHit
from callrec.dates import spoken
from callrec.durations import clock
from callrec.language import translated as _
from callrec.manifest import capture_of
from callrec.model.calls import CallRecord
from callrec.model.captures import Silence, SilenceReason
from callrec.rulebook import explanation
from callrec.wording import FEATURES, KEY_RESULTS, SILENCE_REASONS


@dataclass(frozen=True, slots=True)
class ShownSilence:
    """A silence, on the clock and in the recording: `begin_s` and `end_s` are seconds of the recording."""

    begin_s: float
    end_s: float
    started_at: datetime
    finished_at: datetime | None
    reason: SilenceReason


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


def silences(kept: ArchivedRecording | None) -> list[ShownSilence]:
    """Returns the silences of a recording, as its manifest has them. One without an end lasts to the end.

    Nothing is known of one that was destroyed.
    """
    if kept is None or not kept.manifest:
        return []
    capture = capture_of(kept.manifest)
    zero = capture.began_at

    def place(moment: datetime) -> float:
        return round(min(max(0.0, (moment - zero).total_seconds()), kept.duration_s), 3)

    def silence(each: Silence) -> ShownSilence:
        end_s = place(each.finished_at) if each.finished_at else round(kept.duration_s, 3)
        return ShownSilence(place(each.started_at), end_s, each.started_at, each.finished_at, each.reason)

    return [silence(each) for each in capture.silences]


def _decision_changes(call: CallRecord, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for each in call.decision_changes:
        said = next(explanation.verdict(each.decision))
        yield "decided anew", f"{spoken(each.at, zone)}  {', '.join(each.extensions)}  {said}"


def _keys(call: CallRecord, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for each in call.key_presses:
        did = f"{_(FEATURES[each.key])}: {_(KEY_RESULTS[each.result])}"
        yield "key pressed", f"{spoken(each.at, zone)}  {each.extension}  {did}"
