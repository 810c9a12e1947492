"""Reads what the spool has of calls that the catalogue may not have yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from callrec.model.calls import CallRecord
from callrec.spool.directory import Damaged, Spool

T = TypeVar("T")


@dataclass(slots=True)
class InSpool:
    """The calls in the spool by their ids, and what each of them waits for. `waiting`: the recording of a
    call that is to be archived; `discards`: calls of which what was captured is to be destroyed;
    `unreadable`: what of it is damaged."""

    calls: dict[str, CallRecord] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    discards: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)


def look(spool: Spool) -> InSpool:
    """Returns what is in the spool. What is taken out meanwhile is in the catalogue then."""
    found = InSpool()
    found.calls.update({each.call.id: each.call for each in spool.checkpoints()})
    for id_ in spool.calls():
        if call := _read(spool.call_of, id_, found):
            found.calls[id_] = call
    for id_ in spool.waiting():
        if captured := _read(spool.captured_call, id_, found):
            found.calls[captured.call.id], found.waiting[captured.call.id] = captured.call, id_
    for id_ in spool.discards():
        discarded = _read(spool.discard_of, id_, found)
        if discarded and discarded.whole:
            call = discarded.captured.call
            found.calls[call.id] = call
            found.discards.add(call.id)
    return found


def _read(read: Callable[[str], T], id_: str, found: InSpool) -> T | None:
    """Returns what is read; None of what is damaged, which is noted, or not there any more."""
    try:
        return read(id_)
    except Damaged:
        found.unreadable.append(id_)
    except FileNotFoundError:
        pass
    return None
