"""Whatever fails with one recording or call: the others go on, it is said, and it is tried again."""

from __future__ import annotations

import math
import struct
import threading
from typing import Any

import pytest
import soundfile
import sqlalchemy as sa
from mutagen import MutagenError

from callrec.catalogue import calls, finding
from callrec.demo.processes import wait_until
from callrec.errors import WrongConfiguration
from callrec.model.access import EVERYWHERE
from callrec.model.calls import CallRecord
from tests.told import told_by
from tests.unit.bench import Bench
from tests.unit.samples import CALL_ID, RECORDING_ID, call, captured_call


def test_one_bad_recording_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.spool.hand_over(captured_call())
    bench.captured_too()
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID]
    (problem,) = told_by(bench.archiver)
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
    bench.captured()
    bench.captured_too()
    real, failures = bench.builder._make, iter([error])

    def failing(*args: Any) -> Any:
        if failed := next(failures, None):
            raise failed
        return real(*args)

    monkeypatch.setattr(bench.builder, "_make", failing)
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID]
    (problem,) = told_by(bench.archiver)
    assert problem and "\n" not in problem and "03-1234" not in problem
    bench.later()
    assert bench.spool.waiting() == [] and told_by(bench.archiver) == []


def test_a_spool_that_cannot_be_read_does_not_end_the_archiver(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> list[str]:
        raise OSError(5, "Input/output error")

    thread = threading.Thread(target=bench.archiver.run)
    with monkeypatch.context() as patch:
        patch.setattr(bench.spool, "waiting", gone)
        thread.start()
        wait_until(lambda: bool(told_by(bench.archiver)), 20, "the problem")
        assert told_by(bench.archiver) == ["the disk fails"] and thread.is_alive()
    bench.captured()
    bench.clock.now += 60
    bench.archiver.wake()
    wait_until(lambda: not bench.spool.waiting(), 20, "an end of waiting")
    bench.archiver.stop()
    thread.join(5)
    assert bench.spool.waiting() == [] and told_by(bench.archiver) == []


def test_what_vanished_is_not_waited_for(bench: Bench) -> None:
    """Else its attempt would be due for ever, and the archiver would never rest."""
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    bench.spool.quarantine(RECORDING_ID)
    bench.later()
    assert told_by(bench.archiver.attempts) == [] and bench.archiver.attempts.pause(-math.inf) == 5


def test_a_damaged_call_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    other = CALL_ID[:-1] + "b"
    bench.spool.save_call(call())
    (bench.spool.directory / "calls" / f"{other[:-1]}0.json").write_text("{")
    bench.spool.save_call(call(id=other))
    bench.archiver.work()
    assert bench.spool.calls() == [] and bench.spool.quarantined() == [f"{other[:-1]}0.json"]
    assert "look at them" in told_by(bench.archiver)[0]
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE) and finding.call(
            connection, other, reach=EVERYWHERE
        )


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
    assert bench.spool.calls() == [CALL_ID] and len(told_by(bench.archiver)) == 1


def test_a_number_of_any_length_has_its_row(bench: Bench) -> None:
    number = "9" * 700
    bench.spool.save_call(call(number=number, extension=number))
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).number == number


def test_without_the_store_recordings_go_as_far_as_the_spool(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question to the store a pass; all sound is fetched, joined and hashed meanwhile."""
    bench.captured()
    other, asked = bench.captured_too(), []
    real = bench.store.put

    def counted(*args: Any) -> None:
        asked.append(args[0])
        real(*args)

    monkeypatch.setattr(bench.store, "put", counted)
    bench.store.away = True
    bench.archiver.work()
    assert len(asked) == 1 and told_by(bench.archiver) == ["the store is away"]
    assert all(bench.builder.manifest_file(each).exists() for each in (RECORDING_ID, other))
    assert not bench.deleted
    bench.archiver.work()
    assert len(asked) == 1, "not asked again at once"
    bench.store.away = False
    bench.later()
    assert bench.spool.waiting() == [] and told_by(bench.archiver) == []


def test_without_a_key_to_sign_with_it_waits_and_is_joined_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tracks are safe in the spool; joining an hour of them at each try would be for nothing."""

    def gone() -> None:
        raise WrongConfiguration("the signing key is gone")

    joined: list[object] = []
    make = bench.builder._make

    def made(*args: Any) -> Any:
        joined.append(args)
        return make(*args)

    monkeypatch.setattr(bench.builder, "_make", made)
    bench.captured()
    with monkeypatch.context() as patched:
        patched.setattr(bench.builder._sources, "signer", gone)
        bench.archiver.work()
        bench.later()
        assert told_by(bench.archiver) == ["the signing key is gone"] and not joined and not bench.deleted
        assert len(list(bench.spool.folder(RECORDING_ID).glob("*.wav"))) == 2
    bench.later()
    assert bench.spool.waiting() == [] and told_by(bench.archiver) == [] and len(joined) == 1
