"""Work that grows with what there is: for each part that does some, what it is given and does.

`tests/unit/test_work_grows.py` counts the operations of each at two sizes; `python -m bench.growth` takes the
time of ten and a hundred times as many.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from callrec import log_reader
from callrec.alerts.delivery_worker import DeliveryWorker
from callrec.alerts.ledger import Ledger
from callrec.catalogue.custody import Link
from callrec.controller.unsaved import Unsaved
from callrec.errors import Sentence
from callrec.evidence import chain
from callrec.evidence.anchor import Anchor, AnchorReason
from callrec.fallback import rule_mirror
from callrec.fallback.adoption import Adoption
from callrec.fallback.journal_reader import JournalReader
from callrec.health import backlog, differences
from callrec.model.alerts import Alert
from callrec.model.calls import FeatureCode, KeyPress, KeyResult, Participant
from callrec.model.captures import CapturedCall, Custody, Silence, SilenceReason
from callrec.model.office import Extension, Facility
from callrec.model.rules import Announce, Direction, Mode, Rule, Scope
from callrec.model.tones import Tones
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.problems import Problems
from callrec.recording.actions import RecordSnoop, SaveOpenCall, StartSnoop
from callrec.recording.environment import Environment
from callrec.recording.segment import SIDES
from callrec.recording.tracker import CallTracker
from callrec.rulebook import office_file, review
from callrec.rulebook.difference import difference
from callrec.spool.directory import Spool, written_captured
from callrec.spool.sound import SegmentSound, Wav, join
from tests.scenarios.replay import PROMPT
from tests.unit.fakes import AstDb
from tests.unit.fallback.samples import LINE, SECOND_OF_SOUND, Storage
from tests.unit.samples import START, alert, call, captured_call
from tests.unit.wave import tone, write_wav

Step = Callable[[], object]
JAPAN = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 28, tzinfo=UTC)
READ_CAPTURED = TypeAdapter(CapturedCall)


@dataclass(frozen=True)
class Case:
    """What is done about so many things: `make` prepares it, and returns what is done once.

    `least` is the least number of which the time is worth taking; `beside`: what is done is about one of
    them only.
    """

    make: Callable[[int, Path], Step]
    least: int = 100
    beside: bool = False


# --- calls


class Exchange:
    """A tracker, and the events of calls as Asterisk tells them."""

    def __init__(self, live: int = 0) -> None:
        self._numbers, ids = count(1), count(1)
        rule = Rule(1, 1, Scope.EVERYWHERE, None, Mode.AUTOMATIC, NOW, "bench", announce=Announce.NONE)
        office = Office([Facility("shiba", "芝")], [Extension("2101", "shiba")], [rule])
        supply = (f"01a20000-0000-7000-8000-{next(ids):012}" for _ in count())
        self.tracker = CallTracker(
            Environment(office, lambda decision: (), Tones("/prompts"), lambda: next(supply))
        )
        for _ in range(live):
            self.begin()

    def begin(self) -> tuple[ev.Channel, ev.Channel]:
        """Begins one more call, up to the first sample of both its tracks; returns its channels."""
        number = next(self._numbers)
        caller = self.channel(f"{number}.0", f"PJSIP/trunk-{number:08x}", f"{number}.0")
        phone = self.channel(f"{number}.1", f"PJSIP/2101-{number:08x}", f"{number}.0")
        self.tell(ev.ChannelCreated(NOW, caller))
        self.tell(ev.GateEntered(NOW, caller, "inbound", "2101", "0312345678"))
        self.tell(ev.ChannelCreated(NOW, phone))
        self.tell(ev.EnteredBridge(NOW, caller, f"bridge-{number}", (caller.id,)))
        actions = self.tell(ev.EnteredBridge(NOW, phone, f"bridge-{number}", (caller.id, phone.id)))
        for snoop in [each.snoop for each in actions if isinstance(each, StartSnoop)]:
            for record in self.tell(ev.OwnChannelStarted(NOW, self.channel(snoop, "Snoop/x", snoop))):
                assert isinstance(record, RecordSnoop)
                self.tell(ev.RecordingStarted(NOW, record.name))
        return caller, phone

    def end(self, caller: ev.Channel, phone: ev.Channel) -> None:
        """Hangs that call up; at the next tick its recordings are over too, and it is forgotten."""
        bridge = f"bridge-{caller.id.partition('.')[0]}"
        self.tell(ev.LeftBridge(NOW, caller, bridge, (phone.id,)))
        self.tell(ev.LeftBridge(NOW, phone, bridge, ()))
        self.tell(ev.ChannelDestroyed(NOW, caller))
        self.tell(ev.ChannelDestroyed(NOW, phone))

    def conference(self, people: int) -> list[ev.Channel]:
        """Has so many phones talk in one bridge, each sent there by the dialplan; returns their channels."""
        caller, phone = self.begin()
        here = [caller, phone]
        for number in range(2, people):
            here.append(self.join(here, number))
        return here

    def join(self, here: Sequence[ev.Channel], number: int) -> ev.Channel:
        """Has one more phone enter the bridge of the first call."""
        one = self.channel(f"1.{number}", f"PJSIP/2101-{number:08x}", f"1.{number}")
        self.tell(ev.ChannelCreated(NOW, one))
        self.tell(ev.SentOn(NOW, one, "8000"))
        self.tell(ev.EnteredBridge(NOW, one, "bridge-1", (*(each.id for each in here), one.id)))
        return one

    def tell(self, event: ev.Event) -> list[Any]:
        return self.tracker.handle(event)

    @staticmethod
    def channel(id_: str, name: str, linkedid: str) -> ev.Channel:
        return ev.Channel(id_, name, "Up", "0312345678", "2101", linkedid, NOW)


def _one_more_call(live: int, _folder: Path) -> Step:
    return Exchange(live).begin


def _one_more_call_beside_locals(waiting: int, _folder: Path) -> Step:
    """Beside so many that begin with a Local channel at the gate, and have no other yet."""
    exchange = Exchange()
    for each in range(waiting):
        half = exchange.channel(f"local-{each};1", f"Local/2101@phones-{each:08x};1", f"local-{each}")
        exchange.tell(ev.ChannelCreated(NOW, half))
        exchange.tell(ev.GateEntered(NOW, half, "internal", "2101", "2102"))
    return exchange.begin


def _tick(live: int, _folder: Path) -> Step:
    exchange = Exchange(live)
    return lambda: exchange.tracker.tick(NOW + timedelta(seconds=1))


def _one_more_in_a_conference(people: int, _folder: Path) -> Step:
    exchange = Exchange()
    here = exchange.conference(people)
    return lambda: exchange.join(here, people)


def _waiting_for_the_disk(actions: int, _folder: Path) -> Step:
    unsaved, made = Unsaved(), [SaveOpenCall(f"{each}.0", call()) for each in range(actions)]

    def ask_and_save() -> None:
        for each in made:
            unsaved.ask(each)
        for each in made:
            unsaved.is_newest(each)
            unsaved.saved(each)

    return ask_and_save


# --- what was recorded


def _join(seconds: int, folder: Path) -> Step:
    """A call of so many seconds, with sound on both sides."""
    folder.mkdir(parents=True, exist_ok=True)
    external, staff = (Wav(write_wav(folder / f"{hz}.wav", tone(hz, seconds))) for hz in (500, 1000))
    return lambda: join([SegmentSound(1, 0.0, external, staff)], folder / "joined.flac")


def _manifest(presses: int, _folder: Path) -> Step:
    """A call in which staff pressed a key, paused it and were joined so often."""
    moments = [START + timedelta(seconds=each) for each in range(presses)]
    second = timedelta(seconds=1)
    keys = tuple(KeyPress(str(at), FeatureCode.PAUSE, KeyResult.PAUSED, "1.1", "2101", at) for at in moments)
    people = tuple(Participant(str(at), "2101", "2101", at, at + second) for at in moments)
    pauses = tuple(Silence(at, at + second, SilenceReason.PRIVACY) for at in moments)
    made = captured_call(silences=pauses, call={"key_presses": keys, "participants": people})
    written = written_captured(made)
    return lambda: (written_captured(made), READ_CAPTURED.validate_json(written))


# --- rules


def an_office(rules: int) -> Office:
    """An office of so many rules, and extensions and facilities as in a large one."""
    extensions = [
        Extension(str(20_000 + each), f"f{each % _facilities(rules)}") for each in range(rules * 3 // 10)
    ]
    facilities = [Facility(f"f{each}", f"f{each}") for each in range(_facilities(rules))]
    return Office(facilities, extensions, [_rule(each, rules) for each in range(1, rules + 1)])


def _facilities(rules: int) -> int:
    return max(rules // 30, 1)


def _rule(id_: int, rules: int) -> Rule:
    """Every tenth is about a facility, the others about an extension, but for two that all have."""
    modes = list(Mode)
    scope, target = Scope.EXTENSION, str(20_000 + id_ % (rules * 3 // 10))
    if id_ % 10 == 0:
        scope, target = Scope.FACILITY, f"f{id_ % _facilities(rules)}"
    if id_ <= 2:
        return Rule(id_, 1, Scope.EVERYWHERE, None, modes[id_ % len(modes)], NOW, "bench")
    return Rule(id_, 1, scope, target, modes[id_ % len(modes)], NOW, "bench", priority=id_ % 3)


def _decide(rules: int, _folder: Path) -> Step:
    office = an_office(rules)
    facts = office.facts(Direction.INBOUND, ["20007"], None, NOW)
    return lambda: office.decide(facts)


def _make_office(rules: int, _folder: Path) -> Step:
    office = an_office(rules)
    parts = list(office.facilities.values()), list(office.extensions.values()), list(office.rules)
    return lambda: Office(*parts)


def _check_rules(rules: int, _folder: Path) -> Step:
    office = an_office(rules)
    return lambda: review.of_rules(office, NOW, JAPAN)


def _export_and_import(rules: int, _folder: Path) -> Step:
    office = an_office(rules)
    return lambda: difference(office, office_file.parse(office_file.write(office, JAPAN), JAPAN, NOW))


def _mirror(rules: int, _folder: Path) -> Step:
    office, database = an_office(rules), _Copy()

    def copy() -> None:
        wanted = rule_mirror.entries(office, lambda decision: (), NOW, answer_first=False)
        rule_mirror.synchronise(database, wanted)

    return copy


class _Copy(AstDb):
    def write(self, family: str, entries: Mapping[str, str]) -> None:
        self.families.setdefault(family, {}).update(entries)


# --- what waits


def id_of(number: int) -> str:
    return f"01a20000-0000-7000-8000-{number:012x}"


def spool_with(recordings: int, folder: Path) -> Spool:
    """A spool in which so many recordings wait for the archive, each with its call."""
    spool = Spool(folder)
    for each in range(recordings):
        made = captured_call(recording_id=id_of(each), call={"id": id_of(each), "linkedid": f"{each}.0"})
        spool.folder(id_of(each)).mkdir()
        (spool.folder(id_of(each)) / "captured.json").write_bytes(written_captured(made))
    return spool


def _spool(recordings: int, folder: Path) -> Step:
    spool = spool_with(recordings, folder)
    return lambda: (spool.waiting(), backlog.backlogs(folder), spool.known_calls(), spool.followed())


def _unknown_calls(calls: int, folder: Path) -> Step:
    """So many calls of which it is asked whether they are here, where as many recordings wait."""
    spool = spool_with(calls, folder)
    spool.known_calls()
    return lambda: [spool.knows_call(id_of(each)) for each in (1, calls + 1)]


def _journal(lines: int, folder: Path) -> Step:
    """So many lines of the dialplan's journal, and a key pressed in each of their calls."""
    database, office, spool = AstDb(), an_office(100), Spool(folder)
    names = [f"demo-{each}.0" for each in range(lines)]
    database.families["callrec-journal"] = {name: LINE.replace("demo-1.0", name) for name in names}
    database.families["callrec-key"] = {
        f"{each}.9": f"keep|{name}|PJSIP/2101-0000000{each % 9}|{1795361040 + each % 5}|{name}"
        for each, name in enumerate(names)
    }
    files = [f"callrec/fallback-{name}-{side}" for name in names for side in SIDES]
    sizes = dict.fromkeys(files, SECOND_OF_SOUND)
    adoption = Adoption(Storage(sizes), spool, lambda: office, lambda at: office, "demo", lambda _: PROMPT)
    controller: Any = _Linked()
    return JournalReader(lambda: database, controller, adoption, Problems(), lambda: None, list).read


class _Linked:
    link_up, pbx_ahead = True, timedelta(0)

    def now(self) -> datetime:
        return NOW + timedelta(days=1)

    def in_fallback(self) -> set[str]:
        return set()

    def monitored(self) -> tuple[set[str], set[str]]:
        return set(), set()

    def recall(self, noted: dict[str, str]) -> None: ...

    def asked(self) -> int:
        return 0

    def is_saved(self, mark: int) -> bool:
        return True


class _Post:
    name = "mail"

    def recipients(self, _alert: Alert) -> Sequence[str]:
        return ["help@city.example"]

    def send(self, alert: Alert, recipient: str) -> None: ...


def _alerts(alerts: int, folder: Path) -> Step:
    ledger = Ledger(Spool(folder))
    for each in range(alerts):
        ledger.add(replace(alert(), id=id_of(each)))
    return DeliveryWorker(_Post(), ledger, lambda: None).work


def _problems(problems: int, _folder: Path) -> Step:
    said = [Sentence("extension {number} is not recorded", number=str(each)) for each in range(problems)]
    noted = Problems(lambda: NOW)

    def take() -> None:
        noted.take("calls", said)
        noted.take("calls", said[1:])

    return take


# --- what is read back


def _log(lines: int, _folder: Path) -> Step:
    made = [
        json.dumps(
            {
                "timestamp": "2026-11-28T01:00:00Z",
                "level": "info",
                "event": "talks",
                "call": id_of(each // 20),
            }
        )
        for each in range(lines)
    ]
    return lambda: log_reader.of_call([id_of(1)], log_reader.of_lines(made))


def _custody(rows: int, _folder: Path) -> Step:
    """A log in which one row of five is anchored, and the older half of the anchors does not fit."""
    anchors = [_standing(row, "x" if row < rows // 2 else str(row)) for row in range(5, rows + 1, 5)]
    links = [Link(each, str(each), each, follows=True) for each in range(1, rows + 1)]
    return lambda: chain.compare(links, anchors)


def _standing(row: int, hash_: str) -> chain.Standing:
    made = Anchor(
        "callrec-anchor/1", row, AnchorReason.DAILY, "", NOW, "x", row, hash_, 0, "", "", "", "callrec"
    )
    return chain.Standing(f"anchors/{row}", made)


def _detail_records(records: int, _folder: Path) -> Step:
    """Records of a PBX that tell no channel's id, of which the catalogue has half."""
    moments = [START + timedelta(minutes=each) for each in range(records)]
    made = [differences.DetailRecord("", at, "0312345678", "2101", 60) for at in moments]
    return lambda: differences.of_records(made, frozenset(), tuple(moments[::2]))


def _filed(recordings: int, _folder: Path) -> Step:
    keys = [f"recordings/shiba/2026/11/28/{id_of(each)}.flac" for each in range(recordings)]
    objects = {name: frozenset(["1"]) for key in keys for name in (key, f"{key}.json")}
    kept = tuple(
        differences.Kept(id_of(each), key, f"{key}.json", "1", "1", Custody.ARCHIVED)
        for each, key in enumerate(keys)
    )
    return lambda: differences.of_filed(differences.Filed(objects, kept))


CASES: Mapping[str, Case] = {
    "one more call beside so many": Case(_one_more_call, 10, beside=True),
    "one more call beside so many at the gate": Case(_one_more_call_beside_locals, 10, beside=True),
    "a tick of so many live calls": Case(_tick, 10),
    "one more in a conference of so many": Case(_one_more_in_a_conference, 3),
    "joining so many seconds of a call": Case(_join, 60),
    "a call of so many keys, pauses and people": Case(_manifest),
    "actions that wait for the disk": Case(_waiting_for_the_disk),
    "a decision by so many rules": Case(_decide, beside=True),
    "making an office of so many rules": Case(_make_office),
    "rule check": Case(_check_rules),
    "office export, and import": Case(_export_and_import),
    "the PBX's copy of so many rules": Case(_mirror),
    "looks at a spool of so many recordings": Case(_spool),
    "a call looked for among so many that wait": Case(_unknown_calls),
    "a journal of so many lines, with keys": Case(_journal, 10),
    "so many alerts sent": Case(_alerts, 10),
    "so many problems of one part": Case(_problems),
    "a call in a log of so many lines": Case(_log, 5_000),
    "a custody log of so many rows compared": Case(_custody, 1000),
    "so many records of the PBX compared": Case(_detail_records),
    "catalogue and bucket of so many recordings": Case(_filed, 1000),
}
