"""What people do: they call, answer, transfer, meet, park, press keys, and hang up; each act is one function.

An act is given the world and its own chance, and does nothing where it makes no sense at the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from callrec.model.calls import FeatureCode
from callrec.model.rules import Direction, Mode
from tests.simulation.exchange import Line
from tests.simulation.timeline import moment
from tests.simulation.world import Consultation, World

Act = Callable[[World, Random], str]
"""Does something; returns what it was, in words, empty where nothing could be done."""
ROOM, LOT = "room7000", "lot"
KEYS = [*FeatureCode, FeatureCode.KEEP]


def call_in(world: World, chance: Random) -> str:
    """Somebody outside calls a phone, or the conference."""
    number, extension = chance.choice(world.numbers), chance.choice(world.extensions)
    line = world.exchange.create(number, staff=False, exten=extension)
    return _call(world, chance, line, extension, Direction.INBOUND, to_room=0.15)


def call_out(world: World, chance: Random) -> str:
    """A phone calls the outside."""
    number, extension = chance.choice(world.numbers), chance.choice(world.extensions)
    line = world.exchange.create(extension, staff=True, exten=number)
    go = _dial(world, chance, line, number, staff=False)
    world.later(0.05, lambda: world.plan.gate(line, Direction.OUTBOUND, extension, number, go))
    return f"{_named(line)} calls {number}"


def call_inside(world: World, chance: Random) -> str:
    """A phone calls another, or the conference."""
    caller, extension = chance.sample(world.extensions, 2)
    line = world.exchange.create(caller, staff=True, exten=extension)
    return _call(world, chance, line, extension, Direction.INTERNAL, to_room=0.4)


def hang_up(world: World, chance: Random) -> str:
    """Anybody hangs up."""
    lines = list(world.exchange.lines.values())
    if not lines:
        return ""
    line = chance.choice(lines)
    world.exchange.hang_up(line)
    return f"{_named(line)} hangs up"


def press(world: World, chance: Random) -> str:
    """Somebody who talks presses a key; from outside that means nothing."""
    lines = [line for line in world.exchange.lines.values() if line.bridge]
    if not lines:
        return ""
    line, key = chance.choice(lines), chance.choice(KEYS)
    world.plan.press(line, key)
    return f"{_named(line)} presses {key}"


def transfer(world: World, chance: Random) -> str:
    """Staff transfer blind: to a phone, to the outside, into the conference, or to the parking lot."""
    if not (pair := _pair(world, chance)):
        return ""
    staff, other = pair
    to = chance.choice([*world.extensions * 2, *world.numbers[:2], "7000", "park"])
    world.exchange.leave(staff)
    world.exchange.leave(other)
    world.later(0.003, lambda: world.exchange.hang_up(staff))
    world.later(0.004, lambda: _go_to(world, chance, other, to))
    return f"{_named(staff)} transfers {_named(other)} to {to}"


def _go_to(world: World, chance: Random, line: Line, to: str) -> None:
    if to == "park":
        world.exchange.enter(line, world.exchange.new_id(LOT))
    elif to == "7000":
        world.plan.gate(line, Direction.INTERNAL, to, line.party, _enter(world, line))
    elif to in world.extensions:
        called = line.is_staff or "called" in line.variables
        where = Direction.INTERNAL if called else Direction.INBOUND
        world.plan.gate(line, where, to, line.party, _dial(world, chance, line, to, staff=True))
    else:
        go = _dial(world, chance, line, to, staff=False)
        world.plan.gate(line, Direction.OUTBOUND, line.party, to, go)


def unpark(world: World, chance: Random) -> str:
    """A phone takes up who is parked."""
    lots = [bridge for bridge, ids in world.exchange.bridges.items() if bridge.startswith(LOT) and ids]
    if not lots:
        return ""
    line = world.exchange.create(chance.choice(world.extensions), staff=True, exten="701")
    lot, bridge = chance.choice(lots), world.exchange.new_id("dial")
    for id_ in list(world.exchange.bridges[lot]):
        world.exchange.enter(world.exchange.lines[id_], bridge)
    world.exchange.enter(line, bridge)
    world.exchange.join_calls(bridge)
    return f"{_named(line)} takes up who is parked"


def pick_up(world: World, chance: Random) -> str:
    """Another phone picks up a call that rings."""
    if not world.plan.ringing:
        return ""
    ring = chance.choice(world.plan.ringing)
    if not ring.called.is_staff or not world.exchange.is_there(ring.called):
        return ""
    decided = world.office.decide(world.office.facts(Direction.INBOUND, [ring.called.party], None, moment(0)))
    if decided.mode is Mode.NEVER:
        world.plan.called_never |= {ring.called.id, ring.caller.id}
    world.exchange.rename(ring.called, chance.choice(world.extensions))
    world.plan.answer(ring)
    return f"{_named(ring.called)} picks up the call of {_named(ring.caller)}"


def consult(world: World, chance: Random) -> str:
    """Staff call somebody else on a second line, while the other party waits."""
    if not (pair := _pair(world, chance)):
        return ""
    staff, other = pair
    second = world.exchange.create(staff.party, staff=True, exten="s")
    to = chance.choice([*world.extensions, *world.extensions, "7000", world.numbers[0]])
    asked = Consultation(staff, other, second)
    world.consultations.append(asked)
    if to == "7000":
        world.exchange.enter(second, ROOM)
    elif to in world.extensions:
        go = _dial(world, chance, second, to, staff=True)
        world.plan.gate(second, Direction.INTERNAL, to, staff.party, go)
    else:
        go = _dial(world, chance, second, to, staff=False)
        world.plan.gate(second, Direction.OUTBOUND, staff.party, to, go)
    return f"{_named(staff)} asks {to}, as {_named(second)}"


def connect(world: World, chance: Random) -> str:
    """Staff connect who waits with whom they asked, also before that one has answered."""
    asked = next((each for each in world.consultations if _still(world, each)), None)
    if not asked:
        return ""
    world.consultations.remove(asked)
    other, second, exchange = asked.other, asked.second, world.exchange
    if second.bridge == ROOM:
        exchange.take_place(other, second)
    elif second.bridge and other.bridge:
        _bring_together(world, chance, asked)
    else:
        ring = next((each for each in world.plan.ringing if each.caller is second), None)
        exchange.leave(other)
        if ring:
            ring.caller = other
    world.later(0.002, lambda: exchange.hang_up(second))
    world.later(0.003, lambda: exchange.hang_up(asked.staff))
    return f"{_named(asked.staff)} connects {_named(other)}"


def _bring_together(world: World, chance: Random, asked: Consultation) -> None:
    other, second, exchange = asked.other, asked.second, world.exchange
    mine, theirs = other.bridge, second.bridge
    assert mine and theirs
    if chance.random() < 0.5:
        exchange.enter(other, theirs)
        exchange.leave(second)
        exchange.join_calls(theirs)
    else:
        for line in list(exchange.others(second)):
            exchange.enter(line, mine)
        exchange.leave(asked.staff)
        exchange.join_calls(mine)


def move(world: World, chance: Random) -> str:
    """Somebody is put into another bridge: a console, an AMI Redirect, three who talk."""
    lines = [line for line in world.exchange.lines.values() if line.bridge]
    bridges = [bridge for bridge in world.exchange.bridges if not bridge.startswith(LOT)]
    if not lines or len(bridges) < 2:
        return ""
    line, bridge = chance.choice(lines), chance.choice(bridges)
    if line.bridge == bridge:
        return ""
    left = list(world.exchange.others(line))
    world.exchange.enter(line, bridge)
    if chance.random() < 0.5:
        world.exchange.join_calls(bridge)
    for each in left if len(left) == 1 else []:
        world.later(chance.uniform(0, 0.2), lambda each=each: _alone(world, each))  # type: ignore[misc]
    return f"{_named(line)} is moved to {bridge}"


def _alone(world: World, line: Line) -> None:
    if world.exchange.is_there(line) and not any(world.exchange.others(line)):
        world.exchange.hang_up(line)


def cut(world: World, chance: Random) -> str:
    """The link breaks, and is made again after a while."""
    answers, away = chance.random() < 0.5, chance.choice([0.1, 1.0, 5.0, 20.0])
    world.link.cut(answers=answers, noticed_after=min(away, chance.uniform(0.01, 3)))
    world.later(away * chance.uniform(0.5, 1.5), world.reopen)
    return f"the link breaks{'' if answers else ', and the PBX does not answer'}"


def kill(world: World, chance: Random) -> str:
    """The controller is killed, and started again."""
    world.machine.kill()
    world.later(chance.choice([0.05, 0.5, 3.0, 15.0]), world.machine.start)
    return "the controller is killed"


def crash(world: World, chance: Random) -> str:
    """The PBX crashes, and comes back."""
    if chance.random() < 0.7:
        return ""
    world.crash()
    world.later(chance.uniform(0.5, 5), world.reopen)
    return "the PBX crashes"


def break_tape(world: World, chance: Random) -> str:
    """A recording breaks by itself."""
    tapes = [tape.name for tape in world.recorder.tapes.values() if tape.ended is None and not tape.bridged]
    if not tapes or not world.weather.refusing:
        return ""
    name = chance.choice(tapes)
    world.recorder.break_tape(name)
    return f"the recording {name} breaks"


ACTS: dict[Act, int] = {
    call_in: 16,
    call_out: 6,
    call_inside: 8,
    hang_up: 10,
    press: 12,
    transfer: 10,
    unpark: 4,
    pick_up: 4,
    consult: 8,
    connect: 10,
    move: 4,
    cut: 3,
    kill: 3,
    crash: 1,
    break_tape: 2,
}
"""What is done, and how often of a hundred times."""


# --- inside


def _pair(world: World, chance: Random) -> tuple[Line, Line] | None:
    """Chooses staff who talk with one other line, and that one."""
    pairs = list(_pairs(world))
    return chance.choice(pairs) if pairs else None


def _pairs(world: World) -> Iterator[tuple[Line, Line]]:
    for bridge, ids in world.exchange.bridges.items():
        if bridge.startswith("dial") and len(ids) == 2:
            one, other = (world.exchange.lines[id_] for id_ in ids)
            yield from ((a, b) for a, b in ((one, other), (other, one)) if a.is_staff)


def _still(world: World, asked: Consultation) -> bool:
    there = all(world.exchange.is_there(line) for line in (asked.staff, asked.other, asked.second))
    return there and asked.staff.bridge == asked.other.bridge and asked.staff.bridge is not None


def _call(
    world: World, chance: Random, line: Line, extension: str, direction: Direction, *, to_room: float
) -> str:
    """A new line passes the gate to a phone or, so often, to the conference."""
    if chance.random() < to_room:
        enter = _enter(world, line)
        world.later(0.1, lambda: world.plan.gate(line, direction, "7000", line.party, enter))
        return f"{_named(line)} calls the conference"
    go = _dial(world, chance, line, extension, staff=True)
    world.later(0.05, lambda: world.plan.gate(line, direction, extension, line.party, go))
    return f"{_named(line)} calls {extension}"


def _enter(world: World, line: Line) -> Callable[[], None]:
    return lambda: world.exchange.enter(line, ROOM)


def _dial(world: World, chance: Random, line: Line, to: str, *, staff: bool) -> Callable[[], None]:
    patience = chance.uniform(0.3, 3.0) if chance.random() < 0.85 else None

    def go() -> None:
        world.plan.dial(line, to, staff=staff, patience=patience)

    return go


def _named(line: Line) -> str:
    return f"{line.party}[{line.id}]"
