"""From the spool into the archive: nothing is let go before its successor has been read back."""

from __future__ import annotations

import struct
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import soundfile
import sqlalchemy as sa
from mutagen import MutagenError

from callrec.archive.archiver import object_key
from callrec.catalogue import calls, custody
from callrec.errors import EvidenceBroken, StoreUnreachable
from callrec.manifest import read
from callrec.model import CallRecord, Custody, Track
from tests.unit.conftest import Bench
from tests.unit.samples import CALL_ID, DECISION, END, RECORDING_ID, START, call, draft, part

KEY = f"recordings/shiba/2026/11/22/{RECORDING_ID}.flac"


def _captured(bench: Bench, **changes: Any) -> None:
    bench.track("callrec/r-1-in", 500)
    bench.track("callrec/r-1-out", 1000)
    bench.spool.hand_over(draft(**changes))


def _other(bench: Bench) -> str:
    """A second recording that waits; its id is the later one."""
    id_ = RECORDING_ID[:-1] + "2"
    bench.track("callrec/s-1-in", 500)
    bench.track("callrec/s-1-out", 1000)
    whole = part(external=Track("callrec/s-1-in", START, END), staff=Track("callrec/s-1-out", START, END))
    bench.spool.hand_over(draft(recording_id=id_, parts=(whole,), call={"id": CALL_ID[:-1] + "b"}))
    return id_


def test_the_whole_way(bench: Bench) -> None:
    _captured(bench)
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and object_key(manifest, bench.archiver._zone) == KEY
    assert sorted(bench.store.objects) == [KEY, KEY.replace(".flac", ".manifest.json")]
    assert bench.deleted == ["callrec/r-1-in", "callrec/r-1-out"]
    assert bench.spool.waiting() == []
    with bench.database.read() as connection:
        kept = calls.recording(connection, RECORDING_ID)
        assert [entry.action for entry in custody.of(connection, RECORDING_ID)] == [
            "captured",
            "spooled",
            "archived",
        ]
        assert custody.broken_at(connection) is None
    assert kept.state is Custody.ARCHIVED and kept.call_id == CALL_ID
    assert kept.retain_until == END + timedelta(days=90)
    assert read(bench.store.objects[kept.manifest_key]).audio.sha256 == kept.sha256


def test_the_day_in_the_key_is_that_of_the_facility(bench: Bench) -> None:
    late = START + timedelta(hours=15)  # past midnight in Tokyo
    _captured(bench, started_at=late)
    assert bench.archiver.archive(RECORDING_ID) is not None
    assert any("/2026/11/23/" in key for key in bench.store.objects)


STEPS = ["put", "head", "read", "spool", "catalogue", "delete", "remove"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_failure_at_any_step_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, count: int
) -> None:
    """The step fails `count` times; what is on the PBX goes only once the archive has it."""
    _captured(bench)
    owner, name = {
        "put": (bench.store, "put"),
        "head": (bench.store, "head"),
        "read": (bench.store, "read"),
        "spool": (bench.spooler, "spool"),
        "catalogue": (calls, "save_recording"),
        "delete": (bench.archiver, "_delete_track"),
        "remove": (bench.spool, "remove"),
    }[step]
    real, failures = getattr(owner, name), iter(range(count))

    def failing(*args: Any, **options: Any) -> Any:
        if next(failures, None) is not None:
            raise StoreUnreachable("it failed")
        return real(*args, **options)

    monkeypatch.setattr(owner, name, failing)
    for _ in range(count):
        with pytest.raises(StoreUnreachable):
            bench.archiver.archive(RECORDING_ID)
        in_archive = len(bench.store.objects) == 2
        assert in_archive or not bench.deleted, "deleted before the archive had it"
        assert bench.spool.waiting() == [RECORDING_ID]
    assert bench.archiver.archive(RECORDING_ID) is not None
    with bench.database.read() as connection:
        assert calls.find_recording(connection, RECORDING_ID)
        assert len(custody.of(connection, RECORDING_ID)) == 3, "written down once"
    assert bench.spool.waiting() == [] and not list(bench.pbx.rglob("r-*"))


def test_bytes_that_read_back_different_are_not_let_go(bench: Bench) -> None:
    _captured(bench)
    bench.store.put_over(KEY, b"somebody was here first")
    with pytest.raises(EvidenceBroken, match="reads back different"):
        bench.archiver.archive(RECORDING_ID)
    assert not bench.deleted and bench.spool.waiting() == [RECORDING_ID]


def test_a_store_that_drops_locks_is_noticed(bench: Bench) -> None:
    _captured(bench)
    bench.store.drops_locks = True
    with pytest.raises(EvidenceBroken, match="does not lock"):
        bench.archiver.archive(RECORDING_ID)
    assert not bench.deleted and bench.spool.waiting() == [RECORDING_ID]


def test_one_bad_recording_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.spool.hand_over(draft())
    _other(bench)
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID]
    (problem,) = bench.archiver.problems()
    assert problem.startswith(f"the PBX has no sound of recording {RECORDING_ID}")


BUGS = [
    soundfile.LibsndfileError(2),
    MutagenError("x"),
    sa.exc.DataError("INSERT … 03-1234-5678", {}, Exception("value too long")),
    sa.exc.InternalError("x", {}, Exception("x")),
    struct.error("unpack requires a buffer of 16 bytes"),
    OSError(28, "No space left on device"),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("error", BUGS, ids=lambda each: type(each).__name__)
def test_nothing_stops_the_archiver(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever fails with one recording is a problem in the status; the others go on, and so does it."""
    _captured(bench)
    _other(bench)
    real, failures = bench.spooler._make, iter([error])

    def failing(*args: Any) -> Any:
        if failed := next(failures, None):
            raise failed
        return real(*args)

    monkeypatch.setattr(bench.spooler, "_make", failing)
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID]
    (problem,) = bench.archiver.problems()
    assert problem and "\n" not in problem and "03-1234" not in problem
    bench.later()
    assert bench.spool.waiting() == [] and bench.archiver.problems() == []


def test_a_spool_that_cannot_be_read_does_not_end_the_archiver(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> list[str]:
        raise OSError(5, "Input/output error")

    thread = threading.Thread(target=bench.archiver.run)
    with monkeypatch.context() as patch:
        patch.setattr(bench.spool, "waiting", gone)
        thread.start()
        for _ in range(100):
            if bench.archiver.problems():
                break
            time.sleep(0.02)
        assert bench.archiver.problems() == ["[Errno 5] Input/output error"] and thread.is_alive()
    _captured(bench)
    bench.clock.now += 60
    bench.archiver.wake()
    for _ in range(100):
        if not bench.spool.waiting():
            break
        time.sleep(0.02)
    bench.archiver.stop()
    thread.join(5)
    assert bench.spool.waiting() == [] and bench.archiver.problems() == []


def test_what_vanished_is_not_waited_for(bench: Bench) -> None:
    """Else its attempt would be due for ever, and the archiver would never rest."""
    bench.spool.hand_over(draft())
    bench.archiver.work()
    bench.spool.set_aside(RECORDING_ID)
    bench.later()
    assert bench.archiver._attempts.problems() == [] and bench.archiver._attempts.pause() == 5


def test_a_damaged_call_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    other = CALL_ID[:-1] + "b"
    bench.spool.save_call(call())
    (bench.spool.directory / "calls" / f"{other[:-1]}0.json").write_text("{")
    bench.spool.save_call(call(id=other))
    bench.archiver.work()
    assert bench.spool.calls() == [] and bench.spool.aside() == [f"{other[:-1]}0.json"]
    assert "look at them" in bench.archiver.problems()[0]
    with bench.database.read() as connection:
        assert calls.call(connection, CALL_ID) and calls.call(connection, other)


def test_a_call_that_cannot_be_written_does_not_hold_up_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, real = CALL_ID[:-1] + "b", calls.save_call

    def failing(connection: sa.Connection, each: CallRecord) -> None:
        if each.id == CALL_ID:
            raise sa.exc.DataError("x", {}, Exception("x"))
        real(connection, each)

    monkeypatch.setattr(calls, "save_call", failing)
    bench.spool.save_call(call())
    bench.spool.save_call(call(id=other))
    bench.archiver.work()
    assert bench.spool.calls() == [CALL_ID] and len(bench.archiver.problems()) == 1


def test_a_number_of_any_length_has_its_row(bench: Bench) -> None:
    number = "9" * 700
    bench.spool.save_call(call(number=number, extension=number))
    bench.archiver.work()
    with bench.database.read() as connection:
        assert calls.call(connection, CALL_ID).number == number


def test_without_the_store_recordings_go_as_far_as_the_spool(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question to the store a pass; all sound is fetched, joined and hashed meanwhile."""
    _captured(bench)
    other, asked = _other(bench), []
    real = bench.store.put

    def counted(*args: Any) -> None:
        asked.append(args[0])
        real(*args)

    monkeypatch.setattr(bench.store, "put", counted)
    bench.store.away = True
    bench.archiver.work()
    assert len(asked) == 1 and bench.archiver.problems() == ["the store is away"]
    assert all(bench.spooler.manifest_file(each).exists() for each in (RECORDING_ID, other))
    assert not bench.deleted
    bench.archiver.work()
    assert len(asked) == 1, "not asked again at once"
    bench.store.away = False
    bench.later()
    assert bench.spool.waiting() == [] and bench.archiver.problems() == []


def test_retention_shorter_than_an_outage_locks_for_a_day(bench: Bench) -> None:
    _captured(bench, call={"decision": replace(DECISION, retain_days=1)})
    bench.archiver.archive(RECORDING_ID)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert all(abs(until - tomorrow) < timedelta(minutes=1) for until in bench.store.until.values())
    with bench.database.read() as connection:
        assert calls.recording(connection, RECORDING_ID).retain_until == END + timedelta(days=1)


def test_the_versions_that_were_proved_are_on_record(bench: Bench) -> None:
    _captured(bench)
    bench.archiver.archive(RECORDING_ID)
    with bench.database.read() as connection:
        kept = calls.recording(connection, RECORDING_ID)
        archived = custody.of(connection, RECORDING_ID)[-1]
    assert (kept.version, kept.manifest_version) == ("0", "0")
    assert (archived.details["version"], archived.details["manifest_version"]) == ("0", "0")


def test_what_was_captured_after_the_archive_had_it_is_kept_aside(bench: Bench) -> None:
    """A draft that comes back with more than was archived: nothing of it is deleted or put over."""
    _captured(bench)
    bench.archiver.archive(RECORDING_ID)
    before = dict(bench.store.objects)
    bench.track("callrec/r-2-in", 500)
    bench.spool.hand_over(draft(parts=(part(1), part(2))))
    bench.archiver.work()
    assert bench.spool.aside() == [RECORDING_ID] and (bench.pbx / "callrec/r-2-in").exists()
    assert bench.store.objects == before


def test_calls_without_a_recording_get_their_row(bench: Bench) -> None:
    bench.spool.save_call(call())
    bench.archiver.work()
    with bench.database.read() as connection:
        assert calls.call(connection, CALL_ID) == call()
    assert bench.spool.calls() == []


def test_an_end_that_nobody_saw_is_told_by_the_sound(bench: Bench) -> None:
    _captured(bench, ended_at=None, call={"ended_at": None})
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    assert manifest.call.ended_at == manifest.capture.ended_at == START + timedelta(seconds=12)


def test_sound_that_is_shorter_than_its_time_is_said(bench: Bench) -> None:
    bench.track("callrec/r-1-in", 500, 4.0)
    bench.track("callrec/r-1-out", 1000, 4.0)
    bench.spool.hand_over(draft())
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    assert [note.text for note in manifest.call.notes] == ["the sound is 6.0 s shorter than the time it ran"]


def test_parts_stand_at_their_time(bench: Bench) -> None:
    """Two parts of 2 s, the second 5 s after the first: 7 s, with silence between them."""
    begin = START + timedelta(seconds=2)
    for number in (1, 2):
        bench.track(f"callrec/r-{number}-in", 500, 2.0)
        bench.track(f"callrec/r-{number}-out", 1000, 2.0)
    later = begin + timedelta(seconds=5)
    parts = (
        part(1),
        part(2, external=Track("callrec/r-2-in", later, END), staff=Track("callrec/r-2-out", later, END)),
    )
    bench.spool.hand_over(draft(parts=parts, ended_at=later + timedelta(seconds=2)))
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and manifest.audio.duration_s == 7.0
    assert [(each.part, each.offset_s) for each in manifest.placements] == [(1, 0.0), (2, 5.0)]


def test_it_stops_between_recordings(bench: Bench) -> None:
    _captured(bench)
    bench.archiver.stop()
    bench.archiver.run()
    assert bench.spool.waiting() == [RECORDING_ID]
