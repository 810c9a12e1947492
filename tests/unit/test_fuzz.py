"""Whatever comes from outside: it is read, or refused in the way that its reader promises.

Few examples, so that all of it takes a second; `CALLREC_EXAMPLES=5000` tries more.
"""

from __future__ import annotations

import json
import os
import struct
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrec import manifest
from callrec.durations import parse_clip, parse_days, parse_duration
from callrec.errors import CallrecError, EvidenceBroken, WrongUsage
from callrec.fallback import journal
from callrec.pbx import event_messages
from callrec.pbx.events import Event
from callrec.rulebook import extension_table, office_file
from callrec.signing import opened
from callrec.spool.sound import Wav
from tests.scenarios.replay import HERE, RULES, office, tracker
from tests.unit.fallback.samples import LINE, OPEN

few = settings(
    max_examples=int(os.environ.get("CALLREC_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ZONE, NOW = ZoneInfo("Asia/Tokyo"), datetime(2026, 11, 22, tzinfo=UTC)
ODD: list[Any] = [
    None,
    "",
    " ",
    "\0",
    "\ud800",
    "\u202e2101",
    "９９",
    "inf",
    "nan",
    "9" * 400,
    "-1",
    "2106-02-07T06:28:16Z",
    "9999-12-31T23:59:59-12:00",
    -1,
    2**63,
    10**400,
    1.5,
    float("inf"),
    True,
    [],
    {},
    [[]],
    {"": None},
]
"""What stands where something else is expected."""
MANIFEST = json.loads((Path(__file__).parent / "manifest-3.json").read_text("utf-8"))
TABLE = 'number,facility,name\n2101,shiba,窓口\n2102,azabu,"会議室, 2"\n'.encode()
OFFICE = """
[[facility]]
code = "shiba"
name = "芝地区総合支所"

[[extension]]
number = "2101"
facility = "shiba"

[[rule]]
scope = "extension"
target = "2101"
mode = "automatic"
hours = "mon-fri 08:30-17:15"
from = 2026-11-22
""".encode()


@st.composite
def spoilt(draw: st.DrawFn, whole: Any) -> Any:
    """A value like JSON in which one or two places hold something odd, or are gone."""
    found = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 2))):
        found = _spoil(draw, found)
    return found


def _spoil(draw: st.DrawFn, value: Any) -> Any:
    places = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    if not places or draw(st.integers(0, 5)) == 0:
        return deepcopy(draw(st.sampled_from(ODD)))  # it may be spoilt itself
    place = draw(st.sampled_from(places))
    if draw(st.integers(0, 5)) == 0:
        del value[place]
    else:
        value[place] = _spoil(draw, value[place])
    return value


@st.composite
def torn(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes of which some are others, are gone, are there twice or end early."""
    found = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(found)))
        end = draw(st.integers(begin, min(len(found), begin + 12)))
        put = draw(
            st.one_of(
                st.binary(max_size=6), st.sampled_from([b"", b"\n", b'"', b"\xff", found[begin:end] * 2])
            )
        )
        found[begin:end] = put
    return bytes(found[: draw(st.sampled_from([len(found), len(found) // 2]))])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Lines of the journal with odd fields, and with too many or too few of them."""
    fields = draw(st.sampled_from([LINE, OPEN])).split("|")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(fields) - 1))
        fields[place] = draw(
            st.one_of(
                st.text("0123456789.&-+>/ aé\0", max_size=20), st.sampled_from([str(each) for each in ODD])
            )
        )
    return "|".join(fields[: draw(st.integers(1, len(fields)))] if draw(st.booleans()) else fields)


SCENARIOS = [name for name in RULES if name != "busy"]
MESSAGES = {
    name: [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()]
    for name in SCENARIOS
}


@few
@given(st.data())
def test_an_event_of_ari(data: st.DataObject) -> None:
    """An event that is odd, wherever it comes in a call, is refused as a whole, or upsets nothing."""
    name = data.draw(st.sampled_from(SCENARIOS))
    messages = MESSAGES[name]
    place = data.draw(st.integers(0, len(messages) - 1))
    odd = data.draw(spoilt(messages[place]))
    tracked = tracker(office(*RULES[name]), map(str, count()))
    for message in [*messages[:place], odd, *messages[place:]]:
        if event := _event(message):
            tracked.handle(event)


def _event(message: Any) -> Event | None:
    try:
        return event_messages.parse(message)
    except Exception:  # it is told of, and passed over
        return None


@few
@given(lines())
def test_a_line_of_the_journal(line: str) -> None:
    try:
        entry = journal.parse("demo-1.0", line)
    except ValueError:
        return
    assert journal.EARLIEST < entry.started_at < journal.LATEST
    assert all(journal.file_of(name) == entry.file for name in journal.files(entry))


@few
@given(
    torn(
        struct.pack(
            "<4sI4s4sIHHIIHH4sI", b"RIFF", 836, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 800
        )
    )
)
def test_the_header_of_a_wav(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(head + bytes(800))
    try:
        track = Wav(path)
    except EvidenceBroken:
        return
    assert 0 <= track.frames <= (len(head) + 800) // 2
    assert sum(len(block) for block in track.blocks(track.rate)) == track.frames


@few
@given(torn(json.dumps(MANIFEST).encode()))
def test_a_manifest_that_is_torn(data: bytes) -> None:
    _read_manifest(data)


@few
@given(spoilt(MANIFEST))
def test_a_manifest_that_says_odd_things(found: Any) -> None:
    _read_manifest(json.dumps(found).encode("utf-8", "surrogatepass"))


def _read_manifest(data: bytes) -> None:
    for read in (manifest.read, lambda data: opened(data, _NoKeys())):
        with suppress(EvidenceBroken):
            read(data)


class _NoKeys:
    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        return False


@few
@given(torn(TABLE))
def test_a_table_of_extensions(data: bytes) -> None:
    try:
        found = extension_table.parse(data, office())
    except CallrecError as error:
        assert "\n" not in str(error).strip() or error.exit_code == 2
        return
    assert len({each.number for each in found}) == len(found)


@few
@given(torn(OFFICE))
def test_a_file_of_an_office(data: bytes) -> None:
    try:
        office_file.parse(data.decode(errors="replace"), ZONE, NOW)
    except CallrecError as error:
        assert error.exit_code == 2


@few
@given(st.text(st.sampled_from("0123456789hmsdy:.-+ 年月日時分秒hー〜ｄ９∞"), max_size=14))
def test_a_duration(text: str) -> None:
    for parse in (parse_duration, parse_days, parse_clip):
        try:
            found = parse(text)
        except WrongUsage:
            continue
        numbers = found if isinstance(found, tuple) else (found,)
        assert all(0 <= each < float("inf") for each in numbers)
