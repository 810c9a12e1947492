"""Writes the catalogue of an office with many calls at once, and beside it the CDR table of a FreePBX.

Five years of 60 facilities and 3,000 extensions: 80 % of the calls come in, some 45 % are recorded, lengths
are log-normal, half a percent are incidents, a note is on one of a hundred. The same each time. Rows go
through the types of the tables' columns, and indexes are made when all rows are there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import calls as call_rows
from callrec.catalogue import grams, hits, tables
from callrec.catalogue.database import Database
from callrec.catalogue.places import SLOTS, place_of
from callrec.ids import derived
from callrec.model.calls import CallRecord, Outcome, Participant
from callrec.model.captures import KeptBecause
from callrec.model.rules import Announce, Candidate, Decision, Direction, Mode
from callrec.numbers import Number
from callrec.texts import folded

BEGIN, YEARS = datetime(2021, 11, 1, tzinfo=UTC), timedelta(days=5 * 365)
FACILITIES = [f"ward-{number:02}" for number in range(60)]
EXTENSIONS = [str(2000 + number) for number in range(3000)]
AT_ONCE = 20_000
PHRASES = (
    "大声で怒鳴られた",
    "長時間の拘束",
    "謝罪を要求",
    "折り返しを約束",
    "介護保険の相談",
    "住民税の問合せ",
    "担当課へ転送",
)
_MODES = [Mode.AUTOMATIC] * 10 + [Mode.STANDBY] * 5 + [Mode.MANUAL] * 2 + [Mode.NEVER] * 3
_KEPT = {Mode.AUTOMATIC: 1.0, Mode.STANDBY: 0.06, Mode.MANUAL: 0.15, Mode.NEVER: 0.0}
Rows = dict[str, list[dict[str, Any]]]

CDR = sa.Table(
    "cdr",
    sa.MetaData(),
    sa.Column("calldate", sa.DateTime, nullable=False, index=True),
    *(
        sa.Column(name, sa.String(length), nullable=False)
        for name, length in (
            ("clid", 80), ("src", 80), ("dst", 80), ("dcontext", 80), ("channel", 80), ("dstchannel", 80),
            ("lastapp", 80), ("lastdata", 80),
        )
    ),
    sa.Column("duration", sa.Integer, nullable=False),
    sa.Column("billsec", sa.Integer, nullable=False),
    *(
        sa.Column(name, sa.String(length), nullable=False)
        for name, length in (
            ("disposition", 45), ("accountcode", 20), ("uniqueid", 32), ("linkedid", 32), ("cnum", 80),
            ("cnam", 80), ("did", 50), ("recordingfile", 255),
        )
    ),
    *(sa.Index(f"cdr_{name}", name) for name in ("dst", "accountcode", "uniqueid", "did", "recordingfile")),
)  # fmt: skip
"""As FreePBX makes it, with its own indexes."""


def made(count: int, seed: int = 7) -> Iterator[Rows]:
    """Yields the rows of so many calls, the oldest first, by their tables, some thousands at a time."""
    dice = random.Random(seed)  # noqa: S311
    rows: Rows = {}
    for number in range(count):
        at = BEGIN + YEARS * ((number + dice.random()) / count)
        _add(rows, dice, number, at.replace(microsecond=at.microsecond // 1000 * 1000))
        if number % AT_ONCE == AT_ONCE - 1:
            yield rows
            rows = {}
    if rows:
        yield rows


def _add(rows: Rows, dice: random.Random, number: int, at: datetime) -> None:
    call = _call(dice, number, at)
    kept = [] if dice.random() > _share(call) else _recordings(dice, call, number)
    add(rows, call, kept, is_test=number % 97 == 0)
    if dice.random() < 0.01:
        add_note(rows, call, f"{'、'.join(dice.sample(PHRASES, 2))}。受付 {dice.randrange(10_000)}")


def add(rows: Rows, call: CallRecord, kept: Sequence[dict[str, Any]], *, is_test: bool = False) -> None:
    """Adds the rows of a call, which began no earlier than those before it, and of its recordings."""
    row = {"id": call.id, **call_rows.call_row(call), "test": is_test}
    rows.setdefault("calls", []).append(row)
    rows.setdefault("recordings", []).extend(kept)
    extensions = sorted(call_rows.extensions_of(call))
    facilities = sorted({facility_of(each) for each in extensions})
    rows.setdefault("participants", []).extend(
        {"call_id": call.id, "extension": each, "started_at": call.started_at} for each in extensions
    )
    rows.setdefault("call_facilities", []).extend(
        {"call_id": call.id, "facility": each} for each in facilities
    )
    add_hits(rows, row, kept, hits.others_of(call, extensions, facilities))


def add_hits(
    rows: Rows, row: dict[str, Any], kept: Sequence[dict[str, Any]], others: dict[str, list[str]]
) -> None:
    """Adds what a search goes by of a call and its recordings."""
    for each in hits.rows_of(SimpleNamespace(**row), [SimpleNamespace(**one) for one in kept]):
        before = rows.setdefault("hits", [])
        last = before[-1]["place"] if before else -SLOTS
        each["place"] = last + 1 if last // SLOTS == each["place"] // SLOTS else each["place"]
        before.append(each)
        for table, some in hits.following(each, others).items():
            rows.setdefault(table.name, []).extend(some)


def add_note(rows: Rows, call: CallRecord, text: str) -> None:
    """Adds the rows of a note about a call."""
    fold = folded(text)
    note = {"id": derived(call.started_at, f"note {call.id}"), "call_id": call.id, "at": call.started_at}
    rows.setdefault("notes", []).append({**note, "who": "tanaka", "text": text, "folded": fold})
    began = place_of(call.started_at)
    rows.setdefault("note_grams", []).extend(
        {"gram": each, "began": began, "call_id": call.id} for each in grams.of(fold)
    )


def facility_of(extension: str) -> str:
    return FACILITIES[int(extension) % len(FACILITIES)]


def _share(call: CallRecord) -> float:
    """Returns how many of the calls like this one are recorded."""
    if call.answered_at is None or call.decision is None:
        return 0.0
    return _KEPT[call.decision.mode]


def _call(dice: random.Random, number: int, at: datetime) -> CallRecord:
    chance, extension = dice.random(), EXTENSIONS[int(len(EXTENSIONS) * dice.random() ** 1.2)]
    direction = (
        Direction.INBOUND if chance < 0.8 else Direction.OUTBOUND if chance < 0.95 else Direction.INTERNAL
    )
    outside = Number(dice.choice(EXTENSIONS)) if direction is Direction.INTERNAL else _number(dice)
    answered = None if dice.random() < 0.15 else at + timedelta(seconds=int(dice.uniform(2, 15)))
    ended = (answered or at) + timedelta(seconds=int(min(dice.lognormvariate(4.7, 1.0), 4 * 3600)) + 1)
    second = [dice.choice(EXTENSIONS)] if dice.random() < 0.25 else []
    linked = f"{int(at.timestamp())}.{2 * number}"
    mode = dice.choice(_MODES)
    parties = [Participant(linked, outside or "", None, at, ended)] if direction is Direction.INBOUND else []
    parties += [
        Participant(f"{linked}{place}", each, each, answered or at, ended)
        for place, each in enumerate([extension, *second])
    ]
    return replace(
        _BASE,
        id=derived(at, f"call {number}"),
        linkedid=linked,
        direction=direction,
        facility=facility_of(extension),
        extension=extension,
        number=outside,
        dialled=extension,
        started_at=at,
        answered_at=answered,
        ended_at=ended,
        outcome=Outcome.ANSWERED if answered else Outcome.UNANSWERED,
        decision=_DECISIONS[mode],
        participants=tuple(parties),
        incident=dice.random() < 0.005,
    )


_DECISIONS = {
    mode: Decision(
        mode,
        Announce.BEFORE_CONNECT,
        ("ja",),
        "notice",
        90,
        1827,
        12,
        3,
        "facility",
        tuple(
            Candidate(12 + each, 1, won=each == 0, why="won" if not each else "narrower-scope")
            for each in range(3)
        ),
    )
    for mode in Mode
}


def _number(dice: random.Random) -> Number | None:
    """Returns a number outside: none of every tenth caller, and some that call again and again."""
    chance = dice.random()
    if chance < 0.1:
        return None
    return Number(f"+8135{dice.randrange(200) if chance < 0.15 else dice.randrange(1_000_000):07}")


_BASE = CallRecord(
    id="", pbx="pbx", linkedid="", direction=None, facility=None, extension=None, number=None, dialled=None,
    started_at=BEGIN, answered_at=None, ended_at=None, outcome=None, decision=None,
)  # fmt: skip


def _recordings(dice: random.Random, call: CallRecord, number: int) -> list[dict[str, Any]]:
    assert call.ended_at and call.answered_at
    length = (call.ended_at - call.answered_at).total_seconds() + dice.random() / 2
    return [
        _recording(dice, call, f"{number} {each}", length) for each in range(2 if number % 500 == 0 else 1)
    ]


def _recording(dice: random.Random, call: CallRecord, name: str, length: float) -> dict[str, Any]:
    because = KeptBecause.AUTOMATIC if dice.random() < 0.9 else KeptBecause.KEY
    held = dice.random() < 0.0005
    digests = [f"{dice.getrandbits(256):064x}" for _ in range(2)]
    return recording(call, name, round(length, 3), because, held=held, digests=digests)


def recording(
    call: CallRecord, name: str, length: float, because: KeptBecause, *, held: bool, digests: Sequence[str]
) -> dict[str, Any]:
    """Returns the row of a recording of a call."""
    id_ = derived(call.started_at, f"recording {name}")
    return {
        "id": id_,
        "call_id": call.id,
        "started_at": call.answered_at,
        "duration_s": length,
        "kept_because": because,
        "incident": call.incident,
        "announced": True,
        "state": "archived",
        "hold": held,
        "retain_until": call.started_at + timedelta(days=90),
        "retained_because": "incident" if call.incident else "rule",
        "sha256": digests[0],
        "manifest_sha256": digests[1],
        "size": int(length * 8000),
        "key": f"recordings/{call.facility}/{call.started_at:%Y/%m/%d}/{id_}.flac",
    }


def cdr(rows: Rows) -> list[dict[str, Any]]:
    """Returns the same calls as FreePBX writes them down."""
    recorded = {each["call_id"]: each["key"] for each in rows["recordings"]}
    return [_cdr(row, recorded.get(row["id"], "")) for row in rows["calls"]]


def _cdr(row: dict[str, Any], file: str) -> dict[str, Any]:
    inbound = row["direction"] == Direction.INBOUND
    outside, extension = row["number"] or "anonymous", row["extension"]
    src, dst = (outside, extension) if inbound else (extension, outside)
    linked = row["details"]["linkedid"]
    seconds = int((row["ended_at"] - row["started_at"]).total_seconds())
    talked = int((row["ended_at"] - row["answered_at"]).total_seconds()) if row["answered_at"] else 0
    return {
        "calldate": row["started_at"].replace(tzinfo=None),
        "clid": f'"{src}" <{src}>',
        "src": src,
        "dst": dst,
        "dcontext": "from-internal",
        "channel": f"PJSIP/trunk-{linked[-8:]}",
        "dstchannel": f"PJSIP/{extension}-{linked[-8:]}",
        "lastapp": "Dial",
        "lastdata": f"PJSIP/{extension}/sip:{extension}@10.1.2.3:5060,,HhTtrM(auto-blkvm)",
        "duration": seconds,
        "billsec": talked,
        "disposition": "ANSWERED" if talked else "NO ANSWER",
        "accountcode": row["facility"],
        "uniqueid": linked,
        "linkedid": linked,
        "cnum": src,
        "cnam": "",
        "did": "0335782111" if inbound else "",
        "recordingfile": file.rpartition("/")[2].replace(".flac", ".wav"),
    }


def fill(database: Database, other: sa.Engine, count: int, tell: Callable[[str], None] = print) -> None:
    """Writes so many calls into an empty catalogue, and into a CDR table of another database."""
    CDR.create(other)
    with database.engine.begin() as connection:
        connection.execute(tables.facilities.insert(), [{"code": each, "name": each} for each in FACILITIES])
    kinds = [each for each in tables.metadata.sorted_tables if each.name in WRITTEN]
    left_out = [(table, index) for table in (*kinds, CDR) for index in table.indexes]
    for table, index in left_out:
        index.drop(other if table is CDR else database.engine)
    done = 0
    with database.engine.connect() as ours, other.connect() as theirs:
        for rows in made(count):
            with ours.begin(), theirs.begin():
                write(ours, rows)
                load(theirs, CDR, cdr(rows))
            done += len(rows["calls"])
            if done % 200_000 == 0:
                tell(f"{done:,} calls are written")
    for table, index in left_out:
        index.create(other if table is CDR else database.engine)
    for engine in (database.engine, other):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE")


WRITTEN = (
    "calls", "recordings", "participants", "call_facilities", "notes", "hits", "hit_extensions",
    "hit_facilities", "note_grams",
)  # fmt: skip


def write(connection: sa.Connection, rows: Rows) -> None:
    """Writes rows into their tables."""
    for table in tables.metadata.sorted_tables:
        load(connection, table, rows.get(table.name, []))


def load(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows by what the driver has for many, with the values that the columns' types make of them."""
    if not rows:
        return
    names = list(rows[0])
    kinds = [
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        for name in names
    ]
    values = [tuple(_value(kind, row[name]) for kind, name in zip(kinds, names, strict=True)) for row in rows]
    driver, columns = connection.connection.driver_connection, ", ".join(f'"{name}"' for name in names)
    assert driver is not None
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        driver.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", values)  # noqa: S608
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in values:
            copy.write_row(row)


def _value(kind: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if kind is None else kind(value)
