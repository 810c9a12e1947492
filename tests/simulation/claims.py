"""What must be so of every run, compared with what really happened. Limits are those of docs/en/calls.md."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from callrec.fallback import journal
from callrec.model.calls import CallRecord, FeatureCode, KeyResult
from callrec.model.rules import Decision, Direction, Mode
from callrec.numbers import normalise
from callrec.policy.combine import is_final
from tests.simulation.archive import Kept
from tests.simulation.recorder import BUFFER_S
from tests.simulation.timeline import moment, seconds
from tests.simulation.truth import Lines, Span, Talk, without
from tests.simulation.weather import LONG_S
from tests.simulation.world import World

AFTER_REFUSAL_S = 75.0
"""How long after a refusal nothing is claimed: what is refused is tried again within a minute."""
AFTER_OUTAGE_S = 15.0
SOON_S = 0.3
"""How soon what is automatic is recorded where nothing comes late."""
EVENT_S = 2.0
"""How long an event can be under way where things come late; what is under way when the link ends is lost."""
LATE_S = LONG_S * 6
"""The same where commands come late: some are needed one after the other."""
SHORTEST_S = 0.05
TAKEOVER_S = 15.0
"""How long after an outage the dialplan's recordings may go on: they end where two talk, or soon after."""


def broken(world: World) -> Iterator[str]:
    """Yields everything that is not as it must be, each in one line."""
    yield from nothing_is_left(world)
    yield from every_call_has_one_row(world)
    yield from what_is_never_is_silent(world)
    yield from pauses_are_silent(world)
    yield from who_is_automatic_is_recorded(world)


# --- nothing is left behind, every track ends kept or destroyed


def nothing_is_left(world: World) -> Iterator[str]:
    """All is quiet: what is still there is there for ever."""
    machine, spool = world.machine, world.machine.spool
    left = {
        "snoops": list(world.recorder.snoops),
        "bridges of ours": list(world.recorder.own_bridges),
        "tracks": [name for name in world.recorder.tapes if not _is_lost(world, name)],
        "checkpoints": [each.capture.recording_id for each in spool.checkpoints()],
        "open calls": [each.id for each in spool.open_calls()],
        "rows": spool.calls(),
        "recordings": spool.waiting(),
        "discards": spool.discards(),
        "in quarantine": spool.quarantined(),
        "lines in AstDB": [key for lines in world.plan.database.families.values() for key in lines],
    }
    yield from (f"left behind: {what} {each}" for what, them in left.items() for each in them)
    if machine.tracker and not machine.tracker.is_empty:
        calls = list(machine.tracker.calls)
        yield f"left behind: the tracker knows of {calls or 'an owner or a bridge'}"


def _is_lost(world: World, name: str) -> bool:
    """Whether a track waits to be reconciled (`health.reconciliation`): it is of the fallback, whose line
    went in a crash, or the PBX was so late with it that it had been given up."""
    late = world.weather.was_late and world.recorder.tapes[name].length < LONG_S
    return late or journal.channel_of(name) in world.plan.lost_lines


# --- every call has exactly one row


def every_call_has_one_row(world: World) -> Iterator[str]:
    """Whoever passed the gate has a row, and one only."""
    rows = {row.linkedid for row in world.machine.archive.rows.values()} | world.machine.archive.rows.keys()
    for linkedid, row_id in sorted(world.plan.gated.items()):
        if (
            not {row_id, linkedid} & rows
            and not _is_excused(world, linkedid)
            and not _went_on(world, linkedid)
        ):
            yield f"no row: call {linkedid}"
    for row in world.machine.archive.rows.values():
        if not row.outcome:
            yield f"a row without an end: call {row.linkedid}"


def _went_on(world: World, linkedid: str) -> bool:
    """Whether a line had talked before it passed a gate first, and the row of that conversation names it."""
    talked = min(
        (each.begin for each in world.exchange.witness.talks if linkedid in each.group), default=None
    )
    took_part = {each.channel for row in world.machine.archive.rows.values() for each in row.participants}
    return talked is not None and talked < world.plan.asked_at[linkedid] and linkedid in took_part


def _is_excused(world: World, linkedid: str) -> bool:
    """Whether the fallback's line of this call was never written, because the PBX crashed; whether the caller
    hung up at the gate, which nobody heard of, before the fallback had the call."""
    in_fallback = linkedid in world.plan.fallbacks
    asked, late = world.plan.asked_at[linkedid], EVENT_S if world.weather.was_late else SHORTEST_S
    heard = any(begin <= asked and asked + late <= end for begin, end in world.link.covered)
    unheard = not in_fallback and not heard
    crashed = linkedid in world.plan.lost_lines
    return unheard or crashed


# --- never is silent


def what_is_never_is_silent(world: World) -> Iterator[str]:
    """In no recording is anybody heard who is connected with somebody whose rule says never."""
    for id_, kept in world.machine.archive.kept.items():
        for span in kept.sound:
            if _is_of_fallback(world, kept) and not _is_watched(world, span, kept):
                continue
            who = _forbidden(world, span.group)
            if not who or span.end - span.begin < SHORTEST_S:
                continue
            if _was_told(world, span):
                yield f"never: {who} is in {id_} of {kept.captured.call.linkedid}, {_when(span)}"


def _is_of_fallback(world: World, kept: Kept) -> bool:
    """Tells whether a recording begins with what the dialplan has recorded by itself."""
    of_fallback = kept.captured.call.linkedid in world.plan.fallbacks
    return of_fallback and kept.captured.capture.segments[0].external.name.startswith("callrec/fallback")


def _is_watched(world: World, span: Span, kept: Kept) -> bool:
    """Whether the controller had been there for a while, in which it ends what the dialplan records.

    A PBX that is late with that or refuses it records on.
    """
    taken_over = len(kept.captured.capture.segments) > 1
    at_once = not world.weather.was_late and not world.recorder.refusals
    there = any(begin + TAKEOVER_S < span.begin and span.end < end for begin, end in world.link.covered)
    return there and (taken_over or at_once)


def _was_told(world: World, span: Span) -> bool:
    """Whether the controller could know of this conversation, while it lasted."""
    talks = world.exchange.witness.talks
    talk = next(each for each in talks if each.group == span.group and each.begin <= span.begin < each.end)
    return any(begin < talk.end and end > talk.begin for begin, end in world.link.covered)


def _is_covered(world: World, at: float) -> bool:
    # what happened as the link broke was under way
    return any(begin <= at < end for begin, end in world.link.covered)


def _forbidden(world: World, group: Lines) -> str:
    """Returns who of these must not be recorded, by a rule; empty: nobody."""
    if len(group) < 2:
        return ""
    parties = sorted({world.exchange.parties[id_] for id_ in group})
    return next((party for party in parties if _forbidden_party(world, party)), "")


def _forbidden_party(world: World, party: str) -> bool:
    """Tells whether a rule says never for an extension or a number outside."""
    return is_final(_decision(world, party))


def _decision(world: World, party: str) -> Decision:
    """Returns what is decided of an extension, or of a number outside, by itself."""
    staff = [party] if party in world.extensions else []
    number = None if staff else normalise(party)
    return world.office.decide(world.office.facts(Direction.INBOUND, staff, number, moment(0)))


def _when(span: Span | Talk) -> str:
    return f"from {span.begin:.3f} to {span.end:.3f} s ({', '.join(sorted(span.group))})"


# --- pauses are silent


def pauses_are_silent(world: World) -> Iterator[str]:
    """From the key that pauses to the next key nobody is heard."""
    for id_, kept in world.machine.archive.kept.items():
        for begin, end in _pauses(kept.captured.call):
            for span in kept.sound:
                heard = min(span.end, end) - max(span.begin, begin)
                if heard > SHORTEST_S:
                    yield f"pause: {heard:.3f} s are heard in {id_} from {max(span.begin, begin):.3f} s"


def _pauses(call: CallRecord) -> Iterator[tuple[float, float]]:
    presses = sorted(call.key_presses, key=lambda press: press.at)
    for press, following in pairwise([*presses, None]):
        if press and press.result is KeyResult.PAUSED:
            yield seconds(press.at), seconds(following.at) if following else float("inf")


# --- who is automatic and talks is recorded


def who_is_automatic_is_recorded(world: World) -> Iterator[str]:
    """Of every conversation that is to be recorded, all is kept but what had a reason not to be."""
    sound, quiet = _heard_of(world), set[str]()
    for talk in sorted(world.exchange.witness.talks, key=lambda talk: talk.begin):
        if talk.group & quiet or _is_paused(world, talk):  # a pause holds over a transfer
            quiet |= talk.group
            continue
        called_never = talk.group & world.plan.called_never or _was_answered_unseen(world, talk)
        if not _is_automatic(world, talk) or called_never:
            continue
        soon = LATE_S if world.weather.was_late else SOON_S
        for begin, end in without((talk.begin + soon, talk.end - SOON_S), _disturbances(world)):
            for first, last in without((begin, end), sound.get(talk.group, [])):
                if last - first > SOON_S:
                    yield f"not recorded: {_when(Talk(talk.group, first, last))}"


def _was_answered_unseen(world: World, talk: Talk) -> bool:
    """Whether one of these talked first, which nobody saw, after a phone was dialled that is never recorded.

    That it was dialled is known, and whether it has talked, or another one in its place, is not.
    """
    talks = sorted(world.exchange.witness.talks, key=lambda each: each.begin)
    firsts = {id_: next(each for each in talks if id_ in each.group) for id_ in talk.group}
    unseen = {id_: each for id_, each in firsts.items() if not _is_covered(world, each.begin)}
    dialled = {party for id_ in unseen for party in world.plan.rang[id_]}
    talked = any(_forbidden(world, each.group) for each in unseen.values())
    return talked or any(_forbidden_party(world, party) for party in dialled)


def _rang_unseen(world: World) -> Iterator[tuple[float, float]]:
    """Yields when a line was there that is never to be recorded (or has no rule) and came to talk later, as
    nobody saw."""
    for talk in world.exchange.witness.talks:
        for id_ in talk.group if not _is_covered(world, talk.begin) else ():
            if _decision(world, world.exchange.parties[id_]).mode is Mode.NEVER:
                yield world.exchange.created[id_], talk.begin + SOON_S


def _heard_of(world: World) -> dict[Lines, list[tuple[float, float]]]:
    """Returns when something of a group was kept."""
    found: dict[Lines, list[tuple[float, float]]] = {}
    for kept in world.machine.archive.kept.values():
        for span in kept.sound:
            found.setdefault(span.group, []).append((span.begin, span.end))
    return found


def _is_automatic(world: World, talk: Talk) -> bool:
    parties = {world.exchange.parties[id_] for id_ in talk.group}
    staff = sorted(parties & set(world.extensions))
    facts = world.office.facts(Direction.INBOUND, staff, None, moment(0))
    return not _forbidden(world, talk.group) and world.office.decide(facts).mode is Mode.AUTOMATIC


def _is_paused(world: World, talk: Talk) -> bool:
    """Whether staff paused or stopped it."""
    keys = [press for id_ in talk.group for press in world.plan.presses.get(id_, [])]
    return any(key in {FeatureCode.PAUSE, FeatureCode.STOP} and at < talk.end for at, key in keys)


def _disturbances(world: World) -> list[tuple[float, float]]:
    """Returns when the controller was away or catching up, the PBX refused, or had not written to disk."""
    edges = [0.0, *(edge for span in world.link.covered for edge in span), float("inf")]
    after = LATE_S if world.weather.was_late else AFTER_OUTAGE_S
    away = [(begin, end + after) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    unwritten = [(at - BUFFER_S, at) for at in world.crashes]
    return [
        *away,
        *unwritten,
        *_rang_unseen(world),
        *((at - 1, at + AFTER_REFUSAL_S) for at in world.recorder.refusals),
    ]
