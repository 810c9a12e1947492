"""What must be so of every history, whatever the fault was. Pure: one line for each violation."""

from __future__ import annotations

from collections.abc import Iterator

from callrec.model.calls import Outcome
from tests.faults.history import History, Kept, Limits, Row, Spoken
from tests.faults.melody import longest_gap, seconds_of, tones_in

FOREIGN_SECONDS = 0.3
"""How long the tone of a call must be heard to say that it is there: a click is shorter."""


def violations(history: History) -> list[str]:
    """Returns everything that is not as it must be."""
    return [
        *_wanted_ones_are_kept(history),
        *_unwanted_ones_are_nowhere(history),
        *_every_sound_is_known(history),
        *_rows_are_true(history),
        *_no_call_was_disturbed(history),
        *(f"did not come to rest: {each}" for each in history.unrest),
        *(f"is told still: {each}" for each in history.problems),
    ]


# --- each wanted call is in S3 once, verified, whole, under the right extension


def _wanted_ones_are_kept(history: History) -> Iterator[str]:
    for call in (each for each in history.calls if each.wanted):
        found = [each for each in history.kept if _is_of(each, call)]
        if len(found) != 1:
            yield f"{call.name}: wanted, and in the bucket {len(found)} times"
        for kept in found:
            yield from _is_evidence(kept, call, history.rows)
            yield from _is_whole(kept, call, history.limits)


def _is_of(kept: Kept, call: Spoken) -> bool:
    """Tells whether the call is heard in a sound; the tones of a call are nobody else's."""
    return bool(_loud(kept) & call.tones)


def _loud(kept: Kept) -> set[int]:
    return tones_in(kept.external, FOREIGN_SECONDS) | tones_in(kept.staff, FOREIGN_SECONDS)


def _is_evidence(kept: Kept, call: Spoken, rows: tuple[Row, ...]) -> Iterator[str]:
    for problem in kept.problems:
        yield f"{call.name}: does not verify: {problem}"
    if kept.extension not in call.extensions:
        yield f"{call.name}: kept under extension {kept.extension} in place of {call.extensions}"
    if not kept.key.startswith(f"recordings/{call.facility}/"):
        yield f"{call.name}: of {call.facility}, and lies under {kept.key}"
    if not any(kept.id in row.recordings and row.number == call.number for row in rows):
        yield f"{call.name}: its recording {kept.id} cannot be found by its number"


def _is_whole(kept: Kept, call: Spoken, limits: Limits) -> Iterator[str]:
    """What a phone heard of the other is in the track of the other: that, and no more."""
    sides = (
        ("external", kept.external, call.heard_by_staff, (call.external,)),
        ("staff", kept.staff, call.heard_by_external, call.staff),
    )
    for side, track, ear, tones in sides:
        missing = seconds_of(ear, tones) - seconds_of(track, tones)
        if missing > limits.missing:
            yield f"{call.name}: {missing:.1f} s of {side} are missing of {seconds_of(ear, tones):.1f}"
        if call.steady and missing < -limits.missing:
            yield f"{call.name}: {-missing:.1f} s of {side} are in it that nobody heard"
    others = call.tones - {call.external}
    if tones_in(kept.external, FOREIGN_SECONDS) & others or call.external in tones_in(
        kept.staff, FOREIGN_SECONDS
    ):
        yield f"{call.name}: the sides are swapped or mixed"


# --- no unwanted one is anywhere


def _unwanted_ones_are_nowhere(history: History) -> Iterator[str]:
    unwanted = [each for each in history.calls if not each.wanted]
    for call in unwanted:
        for kept in history.kept:
            if _is_of(kept, call):
                yield f"{call.name}: unwanted, and heard in {kept.key}"
    for call in history.calls:
        for left in history.left:
            if tones_in(left.heard, FOREIGN_SECONDS) & call.tones:
                yield f"{call.name}: {'wanted' if call.wanted else 'unwanted'}, and heard in {left.where}"


def _every_sound_is_known(history: History) -> Iterator[str]:
    """A sound has one call in it, and no call's sound is in the recording of another."""
    for kept in history.kept:
        calls = [each.name for each in history.calls if _is_of(kept, each)]
        if len(calls) > 1:
            yield f"{' and '.join(calls)} are heard in one recording, {kept.key}"
        if not calls:
            yield f"nobody of these calls is heard in {kept.key}"


# --- rows are true


def _rows_are_true(history: History) -> Iterator[str]:
    for call in history.calls:
        rows = [each for each in history.rows if each.number == call.number]
        if len(rows) != 1:
            yield f"{call.name}: {len(rows)} rows"
        for row in rows:
            yield from _is_true(row, call, history)


def _is_true(row: Row, call: Spoken, history: History) -> Iterator[str]:
    if row.extension not in call.extensions or row.facility != call.facility:
        yield f"{call.name}: its row says {row.extension} of {row.facility}"
    if row.mode is not call.mode:
        yield f"{call.name}: its row says {row.mode}, the rule {call.mode}"
    if row.outcome is not (Outcome.ANSWERED if call.talked else Outcome.UNANSWERED):
        yield f"{call.name}: its row says {row.outcome}"
    if call.steady and row.talked is not None and not _is_about(row.talked, call.talked, history.limits):
        yield f"{call.name}: its row says {row.talked:.1f} s, the phones {call.talked:.1f}"
    if row.presses != call.presses:
        yield f"{call.name}: {row.presses} key presses in its row, {call.presses} at the phone"
    there = {each.id for each in history.kept}
    for id_ in set(row.recordings) - there:
        yield f"{call.name}: its row names recording {id_}, which is not in the bucket"
    if len(row.recordings) != int(call.wanted):
        yield f"{call.name}: its row has {len(row.recordings)} recordings"


def _is_about(told: float, talked: float, limits: Limits) -> bool:
    return talked - limits.missing <= told <= talked + limits.missing + limits.unseen


# --- no call is cut or delayed


def _no_call_was_disturbed(history: History) -> Iterator[str]:
    limits = history.limits
    for call in history.calls:
        if call.ended_by_itself:
            yield f"{call.name}: ended although nobody hung up"
        for what, seconds in call.delays.items():
            if seconds > limits.delay:
                yield f"{call.name}: {what} took {seconds:.1f} s"
        if call.steady:
            yield from _is_uncut(call, limits)


def _is_uncut(call: Spoken, limits: Limits) -> Iterator[str]:
    ears = (
        ("staff", call.heard_by_staff, (call.external,)),
        ("external", call.heard_by_external, call.staff),
    )
    for who, ear, tones in ears:
        gap = longest_gap(ear, tones)
        if gap > limits.cut:
            yield f"{call.name}: {who} did not hear the other for {gap:.1f} s"
        if call.talked > limits.cut + limits.delay and not seconds_of(ear, tones):
            yield f"{call.name}: {who} never heard the other"
