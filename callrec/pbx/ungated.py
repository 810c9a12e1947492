"""Finds the steps of a dialplan that connect calls which have not passed the gate, and proposes its line.

The line goes before the step, or before the one that changes the number of the caller. What is right in it
can be seen from the step itself: which number is dialled, where the number of the extension is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from callrec.errors import Sentence
from callrec.pbx.dialplan_listing import Listing, Step
from callrec.pbx.dialplan_ways import CALLS, GATE, OURS, SPECIAL, Dialplan, Sequence
from callrec.pbx.dialplan_words import parts

LINE, PHONE = "line", "phone"
"""The kinds of contexts in which calls come in: of lines to the outside, of phones."""
NOTES = {
    "mixed": "calls from inside come here, too: for those the word is internal, where the ways part",
    "guess": "where these calls come from cannot be seen: from phones, the word is internal",
    "number": "write the number of the queue or group in place of EXTENSION",
    "called": "write the number that is called in place of NUMBER",
    "first": "the line that was first begins with same => n",
    "caller": "before the number of the caller is changed",
}
_NUMBER = re.compile(r"\d+|\$\{(?:EXTEN|ARG\d+|MACRO_EXTEN)(?::-?\d+)*\}")
_CALLER = re.compile(r"CALLERID\((?:num|number|all)\)\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ungated:
    """A step that connects calls without the gate, and the line that would be right before `before`."""

    step: Step
    direction: str
    before: int
    line: str
    notes: tuple[str, ...]
    """Codes of NOTES."""

    def note(self) -> Sentence | None:
        """Returns the first note: what is to be known before the line is written."""
        return Sentence(NOTES[self.notes[0]]) if self.notes else None


@dataclass(frozen=True)
class Found:
    """What came of a look at a dialplan. `unfollowed` are steps whose way nobody can see, `callers` the
    contexts that call the gate."""

    ungated: tuple[Ungated, ...]
    unfollowed: tuple[Step, ...]
    callers: tuple[str, ...]


def look(listing: Listing, entries: Mapping[str, Collection[str]], trunks: Collection[str]) -> Found:
    """Returns the steps without the gate. `entries` are contexts of endpoints with their kinds, `trunks` the
    endpoints of lines to the outside."""
    dialplan = Dialplan(listing)
    ways = dialplan.ways({name: kinds for name, kinds in entries.items() if not name.startswith(OURS)})
    found = {}
    for node, kinds in sorted(ways.reached.items()):
        step, sequence = dialplan.step(node), dialplan.sequences[node[0]]
        is_ours = step.context.startswith(OURS)
        if step.application.lower() in CALLS and not is_ours and not _is_local_only(step):
            found[step] = _proposed(step, sequence, kinds, trunks)
    theirs = [each for each in listing.steps if not each.context.startswith(OURS)]
    return Found(
        tuple(found.values()),
        tuple(each for each in theirs if each in ways.unfollowed),
        tuple(sorted({each.context for each in theirs if GATE in each.data})),
    )


def _proposed(step: Step, sequence: Sequence, kinds: set[str], trunks: Collection[str]) -> Ungated:
    direction, notes = _direction(step, kinds, trunks)
    before = next((each for each in sequence.steps if _changes_caller(each)), step)
    if before.priority >= step.priority:
        before = step
    if direction == "outbound":
        number = _number_called(step)
        notes += ["called"] if number == "NUMBER" else []
        given = f"outbound,${{CALLERID(num)}},{number}"
    else:
        extension = _extension(step)
        notes += ["number"] if extension == "EXTENSION" else []
        given = f"{direction},{extension},${{CALLERID(num)}}"
    is_first = before == sequence.steps[0]
    begin = f"exten => {step.extension},1," if is_first else "same => n,"
    notes += ["caller"] if before != step else []
    notes += ["first"] if is_first else []
    return Ungated(step, direction, before.priority, f"{begin}Gosub({GATE},s,1({given}))", tuple(notes))


def _direction(step: Step, kinds: set[str], trunks: Collection[str]) -> tuple[str, list[str]]:
    goes_out = any(_is_outside(each, trunks) for each in _destinations(step))
    if LINE in kinds:
        return "inbound", ["mixed"] if PHONE in kinds else []
    if goes_out:
        return "outbound", []
    return ("internal", []) if PHONE in kinds else ("inbound", ["guess"])


def _destinations(step: Step) -> list[str]:
    """Returns what is dialled, such as PJSIP/2101; nothing of a queue."""
    if step.application.lower() not in ("dial", "retrydial"):
        return []
    arguments = parts(step.data, ",")
    where = arguments[0] if step.application.lower() == "dial" or len(arguments) < 4 else arguments[3]
    return [each for each in parts(where, "&") if each]


def _is_local_only(step: Step) -> bool:
    """Returns whether only Local channels are dialled: their ways are followed."""
    found = _destinations(step)
    return bool(found) and all(each.startswith("Local/") for each in found)


def _is_outside(destination: str, trunks: Collection[str]) -> bool:
    technology, _, rest = destination.partition("/")
    if technology == "Local":
        return False
    called, at, endpoint = rest.rpartition("@")
    names = {endpoint.partition("/")[0]} if at else set(rest.split("/")[:1])
    return bool(names & set(trunks)) or bool(at and called) or rest.count("/") > 0


def _extension(step: Step) -> str:
    """Returns what says the extension that is called."""
    found = _destinations(step)
    if len(found) == 1:
        name = found[0].partition("/")[2]
        if _NUMBER.fullmatch(name):
            return name
    if step.extension not in SPECIAL | {"s"}:
        return "${EXTEN}"
    first = parts(step.data, ",")[0]
    if _NUMBER.fullmatch(first):
        return first
    return "${MACRO_EXTEN}" if step.context.startswith("macro-") else "EXTENSION"


def _number_called(step: Step) -> str:
    """Returns what says the number outside."""
    for each in _destinations(step):
        rest = each.partition("/")[2]
        for part in _pieces(rest):
            if _NUMBER.fullmatch(part) or (part.startswith("${") and part.endswith("}")):
                return part
    return "${EXTEN}" if step.extension not in SPECIAL | {"s"} else "NUMBER"


def _pieces(rest: str) -> Iterator[str]:
    number, at, _endpoint = rest.rpartition("@")
    if at:
        yield number.rpartition("/")[2].removeprefix("sip:")
    else:
        yield from reversed(rest.split("/")[1:])


def _changes_caller(step: Step) -> bool:
    return step.application.lower() in ("set", "execif") and bool(_CALLER.search(step.data))
