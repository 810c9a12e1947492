"""The checker over histories finds each kind of violation, and nothing in a history in which all is well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from callrec.model.calls import Outcome
from callrec.model.rules import Mode
from tests.faults.checker import violations
from tests.faults.history import History, Kept, Left, Row, Spoken
from tests.faults.melody import Melody, longest_gap, melody, seconds_of, tone, tones_in

EXTERNAL, STAFF, OTHER = tone(0), tone(1), tone(2)


def _of(hertz: int, seconds: float = 3.0) -> Melody:
    return (0, *(hertz for _ in range(round(seconds * 10))), 0)


WANTED = Spoken(
    name="wanted",
    number="+81311250001",
    external=EXTERNAL,
    staff=(STAFF,),
    extensions=("2101",),
    facility="shiba",
    mode=Mode.AUTOMATIC,
    wanted=True,
    heard_by_staff=_of(EXTERNAL),
    heard_by_external=_of(STAFF),
    talked=3.0,
    delays={"ringing": 0.1},
)
UNWANTED = replace(
    WANTED,
    name="unwanted",
    number="+81311250002",
    external=OTHER,
    staff=(tone(3),),
    wanted=False,
    mode=Mode.NEVER,
    heard_by_staff=_of(OTHER),
    heard_by_external=_of(tone(3)),
)
KEPT = Kept("r1", "recordings/shiba/2026/11/29/r1.flac", "2101", _of(EXTERNAL), _of(STAFF))
ROW = Row("c1", WANTED.number, "2101", "shiba", Mode.AUTOMATIC, Outcome.ANSWERED, 3.0, 0, ("r1",))
OTHER_ROW = replace(ROW, id="c2", number=UNWANTED.number, mode=Mode.NEVER, recordings=())
WELL = History((WANTED, UNWANTED), (ROW, OTHER_ROW), (KEPT,))


def _with(**changed: object) -> History:
    return replace(WELL, **changed)  # type: ignore[arg-type]


def _call(**changed: object) -> History:
    return _with(calls=(replace(WANTED, **changed), UNWANTED))  # type: ignore[arg-type]


def _kept(**changed: object) -> History:
    return _with(kept=(replace(KEPT, **changed),))  # type: ignore[arg-type]


def _row(**changed: object) -> History:
    return _with(rows=(replace(ROW, **changed), OTHER_ROW))  # type: ignore[arg-type]


TWICE = replace(KEPT, id="r2", key="recordings/shiba/2026/11/29/r2.flac")
BOTH = (*_of(EXTERNAL), *_of(OTHER))


def test_nothing_is_found_where_all_is_well() -> None:
    assert violations(WELL) == []


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (_with(kept=()), "wanted: wanted, and in the bucket 0 times"),
        (_with(kept=(KEPT, TWICE)), "wanted: wanted, and in the bucket 2 times"),
        (_kept(problems=("the hash is another",)), "wanted: does not verify: the hash is another"),
        (_kept(extension="2102"), "wanted: kept under extension 2102"),
        (
            _kept(key="recordings/azabu/2026/11/29/r1.flac"),
            "wanted: of shiba, and lies under recordings/azabu/",
        ),
        (_row(number=None), "wanted: its recording r1 cannot be found by its number"),
        (_row(recordings=()), "wanted: its recording r1 cannot be found by its number"),
        (_kept(external=_of(EXTERNAL, 1.5)), "wanted: 1.5 s of external are missing of 3.0"),
        (_kept(staff=_of(STAFF, 1.0)), "wanted: 2.0 s of staff are missing of 3.0"),
        (_kept(staff=_of(STAFF, 5.0)), "wanted: 2.0 s of staff are in it that nobody heard"),
        (_kept(external=_of(STAFF), staff=_of(EXTERNAL)), "wanted: the sides are swapped or mixed"),
        (_kept(external=BOTH), "wanted and unwanted are heard in one recording"),
        (_kept(external=BOTH), "unwanted: unwanted, and heard in recordings/shiba"),
        (_with(left=(Left("the PBX", _of(OTHER)),)), "unwanted: unwanted, and heard in the PBX"),
        (_with(left=(Left("spool/x.wav", _of(STAFF)),)), "wanted: wanted, and heard in spool/x.wav"),
        (_with(kept=(KEPT, replace(TWICE, external=(), staff=()))), "nobody of these calls is heard in"),
        (_with(rows=(ROW,)), "unwanted: 0 rows"),
        (_with(rows=(ROW, OTHER_ROW, OTHER_ROW)), "unwanted: 2 rows"),
        (_row(extension="2201"), "wanted: its row says 2201 of shiba"),
        (_row(facility=None), "wanted: its row says 2101 of None"),
        (_row(mode=Mode.STANDBY), "wanted: its row says standby, the rule automatic"),
        (_row(outcome=Outcome.UNANSWERED), "wanted: its row says unanswered"),
        (_row(outcome=None), "wanted: its row says None"),
        (_row(talked=9.0), "wanted: its row says 9.0 s, the phones 3.0"),
        (_row(presses=1), "wanted: 1 key presses in its row, 0 at the phone"),
        (_row(recordings=("r1", "r9")), "wanted: its row names recording r9, which is not in the bucket"),
        (_row(recordings=("r1", "r9")), "wanted: its row has 2 recordings"),
        (_call(ended_by_itself=True), "wanted: ended although nobody hung up"),
        (_call(delays={"ringing": 5.0}), "wanted: ringing took 5.0 s"),
        (
            _call(heard_by_staff=(*_of(EXTERNAL, 2.0), *(0,) * 10, *_of(EXTERNAL, 1.0))),
            "wanted: staff did not hear the other for 1.2 s",
        ),
        (_call(heard_by_external=()), "wanted: external never heard the other"),
        (_with(unrest=("spool/r1",)), "did not come to rest: spool/r1"),
        (_with(problems=("S3 is away",)), "is told still: S3 is away"),
    ],
)
def test_each_violation_is_found(history: History, told: str) -> None:
    assert any(each.startswith(told) for each in violations(history)), violations(history)


def test_the_ears_tell_tones_and_silence() -> None:
    time = np.arange(8000) / 8000
    sound = np.concatenate(
        [8000 * np.sin(2 * np.pi * STAFF * time), np.zeros(8000), 8000 * np.sin(2 * np.pi * STAFF * time)]
    )
    heard = melody(sound.astype(np.int16), 8000)
    assert len(heard) == 30 and set(heard) == {0, STAFF}
    assert seconds_of(heard, (STAFF,)) == pytest.approx(2.0) and tones_in(heard, 0.3) == {STAFF}
    assert longest_gap(heard, (STAFF,)) == pytest.approx(1.0)
    assert longest_gap(heard, (OTHER,)) == 0.0 and melody(sound[:0].astype(np.int16), 8000) == ()
