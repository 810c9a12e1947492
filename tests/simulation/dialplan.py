"""What the dialplan does: the gate, dialling, the fallback with its journal, the keys (extensions.conf)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from callrec import ids
from callrec.controller.controller import PARTIES_VARIABLE
from callrec.controller.performer import END
from callrec.fallback import journal
from callrec.model.calls import FeatureCode
from callrec.model.rules import Direction, Mode
from callrec.pbx import events as ev
from callrec.pbx import mixmonitor
from callrec.pbx.mixmonitor import FALLBACK_VARIABLE, MONITOR_VARIABLE
from callrec.policy.office import Office
from tests.simulation.exchange import Exchange, Line
from tests.simulation.recorder import Recorder
from tests.simulation.timeline import Step, moment
from tests.unit.fakes import AstDb

GATE_S = 2.0
"""How long the gate waits for a controller that is there but does not answer."""
UNWRITTEN_S = 1.0
"""How old what the PBX wrote into its database can be, and be lost when it crashes."""


class CrashingAstDb(AstDb):
    """The same of a PBX that can crash before what it wrote is on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._unwritten: dict[tuple[str, str], tuple[float, str | None]] = {}

    def delete(self, family: str, keys: Iterable[str]) -> None:
        for key in keys:
            self.families[family].pop(key, None)

    def write(self, family: str, key: str, value: str, now: float) -> None:
        """Writes a line, which is on the disk within a second."""
        self._unwritten[family, key] = now, self.families[family].get(key)
        self.families[family][key] = value

    def crash(self, now: float) -> set[str]:
        """Forgets what is not on the disk yet; returns of what nothing is."""
        fresh = {which: before for which, (at, before) in self._unwritten.items() if now - at < UNWRITTEN_S}
        for (family, key), before in fresh.items():
            if self.families[family].pop(key, None) and before:
                self.families[family][key] = before
        self._unwritten.clear()
        return {key for (_, key), before in fresh.items() if not before}


@dataclass(slots=True)
class Ringing:
    """A line that calls, and the one that rings for it."""

    caller: Line
    called: Line
    bridge: str
    answered: bool = False


@dataclass
class Dialplan:
    """Lets lines call one another."""

    exchange: Exchange
    recorder: Recorder
    office: Office
    database: CrashingAstDb = field(default_factory=CrashingAstDb)
    ringing: list[Ringing] = field(default_factory=list)
    fallbacks: set[str] = field(default_factory=set)
    """The linked ids of the calls that the fallback has handled."""
    called_never: set[str] = field(default_factory=set)
    """Lines that were picked up where a phone rang whose rule says never."""
    rang: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Whose phones have rung for each line."""
    asked_at: dict[str, float] = field(default_factory=dict)
    """When each call passed the gate first, by its linked id."""
    lost_lines: set[str] = field(default_factory=set)
    """The lines (channels) of fallback calls of which the database has none, for the PBX crashed."""
    presses: dict[str, list[tuple[float, FeatureCode]]] = field(default_factory=lambda: defaultdict(list))
    """The keys that were pressed, by the lines that heard one another then."""
    gated: dict[str, str] = field(default_factory=dict)
    """The calls that passed the gate, by their linked ids then: of one of the fallback, the id of its row."""

    # --- the gate

    def gate(self, line: Line, direction: Direction, extension: str, number: str, go: Step) -> None:
        """Asks the controller, and goes on when it lets the call through, or after two seconds without."""
        if not self.exchange.is_there(line):
            return
        line.variables[PARTIES_VARIABLE] = f"{direction}|{extension}|{number}"
        self.gated.setdefault(line.linkedid, "")
        self.asked_at.setdefault(line.linkedid, self.exchange.timeline.now)
        if FALLBACK_VARIABLE in line.variables:
            of = line.variables
            of["CALLREC_ANSWERED"] = f"{of.get('CALLREC_ANSWERED', '')}{of.get('DIALEDPEERNAME', '-')}&"
        passed = False

        def through(since: str = "", *, away: bool = False) -> None:
            nonlocal passed
            if passed or not self.exchange.is_there(line):
                return
            passed, line.let_through = True, None
            if away and "known" not in line.variables:
                self._fall_back(line, direction, extension, number)
            if since == END:
                self.recorder.end_monitor(line.id)
            elif since:
                self._begin(line, since, f"{direction}|{extension}|{number}")
            line.variables["known"] = "1"
            if direction is Direction.OUTBOUND:  # who is dialled has it as well
                line.variables |= {"_called": number} if away else {"_known": "1"}
            go()

        if not self.exchange.link.registered:
            through(away=True)
            return
        line.let_through = through
        self.exchange.timeline.after(GATE_S, lambda: through(away=True))
        now = self.exchange.timeline.clock
        codecs = ("g722",) if line.is_staff else ("ulaw",)
        self.exchange.tell(ev.GateEntered(now, line.told(), str(direction), extension, number, codecs))

    def _begin(self, line: Line, since: str, parties: str) -> None:
        """Records a line for the controller, and writes of the call from its beginning."""
        file, at = mixmonitor.file_of(line.id), f"{since[:10]}.{since[10:]}"
        if line.linkedid == line.id:
            began = datetime.fromtimestamp(float(at), UTC)
            self.gated[line.id] = ids.of_fallback_call("demo", line.id, began)
        line.variables |= {
            FALLBACK_VARIABLE: at,
            "CALLREC_LINKED": line.linkedid,
            "CALLREC_FALLBACK_PARTIES": parties,
            "CALLREC_FILE": file,
            "CALLREC_MODE": Mode.AUTOMATIC,
        }
        line.at_end.append(lambda: self._note_end(line))
        self._write_line(line, "||")
        self._record(line, file, outbound=False)

    def _fall_back(self, line: Line, asked: Direction, extension: str, number: str) -> None:
        """Records what is automatic, and writes of the call from its beginning; asks nobody."""
        begun, called = self.exchange.timeline.now, line.variables.get("called")
        direction, number = (Direction.OUTBOUND, called) if called else (asked, number)
        since = f"{moment(begun).timestamp():.6f}"
        parties = f"{direction}|{extension}|{number}"
        self.fallbacks.add(line.linkedid)
        if line.linkedid == line.id:
            self.gated[line.id] = ids.of_fallback_call("demo", line.id, moment(begun))
        who = [extension, number] if direction is Direction.INTERNAL else [extension]
        mode = self.office.decide(self.office.facts(direction, who, None, moment(begun))).mode
        file = f"{mixmonitor.RECORDED}{line.id}" if mode is Mode.AUTOMATIC else ""
        line.variables |= {
            FALLBACK_VARIABLE: since,
            "CALLREC_LINKED": line.linkedid,
            "CALLREC_FALLBACK_PARTIES": parties,
            "CALLREC_FILE": file,
            "CALLREC_MODE": mode,
        }
        line.at_end.append(lambda: self._note_end(line))
        self._write_line(line, "||")
        says = {"Fallback": since, "File": file, "Parties": parties}
        self.exchange.tell(ev.DialplanSaid(self.exchange.timeline.clock, line.told(), says))
        if file:
            self._record(line, file, outbound=asked is Direction.OUTBOUND)

    def _record(self, line: Line, file: str, *, outbound: bool) -> None:
        says, hears = ("staff", "external") if outbound else ("external", "staff")
        self.recorder.begin_tape(f"{file}-{says}", line.id, "external", bridged=True)
        self.recorder.begin_tape(f"{file}-{hears}", line.id, "staff", bridged=True)
        line.variables[MONITOR_VARIABLE] = line.id

    def _note_end(self, line: Line) -> None:
        """Takes what is done at the hang-up: MixMonitor ends, and the line in the database gets its end."""
        self.recorder.end_monitor(line.id)
        if line.id not in self.database.families[journal.FAMILY]:
            return
        answered, talked = line.variables.get("answered"), ""
        if answered:
            talked = str(round(1000 * (self.exchange.timeline.now - float(answered))))
        status = "ANSWER" if answered else "NOANSWER"
        self._write_line(line, f"{self.exchange.timeline.clock.timestamp():.3f}|{status}|{talked}")

    def _write_line(self, line: Line, end: str) -> None:
        of = line.variables
        peer = of.get("CALLREC_ANSWERED", "") + of.get("DIALEDPEERNAME", "")
        when = f"{of[FALLBACK_VARIABLE]}|{end}"
        what = f"{of['CALLREC_MODE']}|{of['CALLREC_FILE']}||{line.name}"
        linked = "&".join(dict.fromkeys((of["CALLREC_LINKED"], line.linkedid)))
        entry = f"{of['CALLREC_FALLBACK_PARTIES']}|{linked}|{peer}|{when}|{what}"
        self.database.write(journal.FAMILY, line.id, entry, self.exchange.timeline.now)

    # --- dialling

    def dial(self, line: Line, party: str, *, staff: bool, patience: float | None) -> Ringing | None:
        """Lets another line ring, that answers after `patience` seconds; None: it does not answer."""
        if not self.exchange.is_there(line):
            return None
        called = self.exchange.create(party, staff=staff, linkedid=line.linkedid)
        line.variables.pop("DIALEDPEERNAME", None)
        for name in ("called", "known"):
            if value := line.variables.get(f"_{name}"):
                called.variables[name] = value
        self._dialled(line, called, "")
        ring = Ringing(line, called, self.exchange.new_id("dial"))
        self.ringing.append(ring)
        self.rang[line.id].add(party)
        if patience is None:
            self.exchange.timeline.after(5, lambda: self._give_up(ring))
        else:
            self.exchange.timeline.after(patience, lambda: self.answer(ring))
        return ring

    def answer(self, ring: Ringing) -> None:
        """Connects the two, unless one has gone."""
        if ring not in self.ringing:
            return
        self.ringing.remove(ring)
        if not self.exchange.is_there(ring.caller) or ring.caller.bridge:
            self.exchange.hang_up(ring.called)
            return
        if not self.exchange.is_there(ring.called):
            self.exchange.hang_up(ring.caller)
            return
        ring.answered = True
        ring.caller.variables.setdefault("answered", str(self.exchange.timeline.now))
        ring.caller.variables["DIALEDPEERNAME"] = ring.called.name
        self._dialled(ring.caller, ring.called, "ANSWER")
        self.exchange.enter(ring.called, ring.bridge)
        self.exchange.enter(ring.caller, ring.bridge)

    def _give_up(self, ring: Ringing) -> None:
        if ring in self.ringing:
            self.ringing.remove(ring)
            self._dialled(ring.caller, ring.called, "NOANSWER")
            self.exchange.hang_up(ring.called)
            self.exchange.hang_up(ring.caller)

    def _dialled(self, caller: Line, called: Line, status: str) -> None:
        now = self.exchange.timeline.clock
        self.exchange.tell(ev.Dialled(now, caller.told(), called.told(), status))

    # --- keys

    def press(self, line: Line, key: FeatureCode) -> None:
        """Presses a key: the controller is told, and it is written down."""
        now = self.exchange.timeline.clock
        stamp = f"{now.timestamp():.3f}"
        id_ = f"{line.id}-{self.exchange.new_id('')}-{stamp}"
        for each in self.exchange.group(line.id):
            self.presses[each].append((self.exchange.timeline.now, key))
        fields = {"Key": str(key), "Id": id_, "By": line.name}
        self.exchange.tell(ev.DialplanSaid(now, line.told(), fields))
        entry = f"{key}|{line.linkedid}|{line.name}|{stamp}|{line.id}"
        self.database.write(journal.KEYS, id_, entry, self.exchange.timeline.now)

    def crash(self) -> None:
        """Nobody rings any more, and the last lines of the database are lost."""
        self.ringing.clear()
        self.lost_lines |= self.database.crash(self.exchange.timeline.now)
