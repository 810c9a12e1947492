"""Side by side: nothing waits behind an upload or a join but what is as long, and one that hangs is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from callrec.archive.attempts import SLOW_SECONDS
from callrec.catalogue import calls
from callrec.demo.processes import wait_until
from callrec.errors import PbxUnreachable, StoreUnreachable
from callrec.model.captures import Track
from tests.told import told_by
from tests.unit.bench import Bench
from tests.unit.samples import (
    CALL_ID,
    END,
    RECORDING_ID,
    START,
    call,
    captured_call,
    checkpoint,
    over,
    segment,
)

CALL_OF_NOBODY = CALL_ID[:-1] + "c"
SHORT = RECORDING_ID[:-1] + "5"


class Held:
    """Holds up what is done with some recordings, until the block ends. `reached` counts those held up."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: object, name: str, *ids: str) -> None:
        self._free, self._ids, self.reached = threading.Event(), ids, set[str]()
        self._real: Callable[..., Any] = getattr(owner, name)
        patch.setattr(owner, name, self._step)

    def _step(self, *args: Any, **options: Any) -> Any:
        for id_ in self._ids:
            if any(id_ in str(each) for each in args):
                self.reached.add(id_)
                assert self._free.wait(60)
        return self._real(*args, **options)

    def __enter__(self) -> Held:
        return self

    def wait(self, count: int = 1) -> None:
        wait_until(lambda: len(self.reached) >= count, 20, "what is held up")

    def let_go(self, *_: object) -> None:
        self._free.set()

    __exit__ = let_go


def _one(bench: Bench, id_: str, seconds: float) -> None:
    """A capture of so many seconds, with its tracks on the PBX."""
    tracks = [Track(f"callrec/{id_}-1-{side}", START, END) for side in ("external", "staff")]
    for track in tracks:
        bench.track(track.name, 500, seconds)
    captured = captured_call(
        recording_id=id_,
        segments=(segment(external=tracks[0], staff=tracks[1]),),
        call={"id": CALL_ID[:-2] + id_[-2:]},
        ended_at=END.replace(hour=23) if seconds > 10 else END,
    )
    bench.spool.hand_over(captured)


def _small_things(bench: Bench) -> None:
    """A call without a recording, and a capture that is to be destroyed."""
    bench.spool.save_call(call(id=CALL_OF_NOBODY))
    gone = over(checkpoint(recording_id=RECORDING_ID[:-1] + "9", segments=(), kept_because=None))
    bench.spool.discard(gone, whole=False)


def _pass(bench: Bench, *left: str) -> None:
    """All but these recordings are archived, and the small things are done."""
    bench.archiver.wake()
    wait_until(lambda: bench.spool.waiting() == sorted(left), 20, "the other recordings")
    wait_until(lambda: not bench.spool.calls() and not bench.spool.discards(), 20, "the small things")
    with bench.database.read() as connection:
        assert calls.is_known(connection, CALL_OF_NOBODY)


def test_an_upload_that_hangs_holds_up_nothing_else_and_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    held = Held(monkeypatch, bench.store, "put", RECORDING_ID)
    with bench.running(), held:
        held.wait()
        assert told_by(bench.archiver) == []
        bench.captured_too()
        _small_things(bench)
        _pass(bench, RECORDING_ID)
        bench.clock.now += SLOW_SECONDS + 1
        told = f"the upload of recording {RECORDING_ID} hangs or is very slow: look at the S3 server"
        # the other one is out of the spool a moment before its upload counts as over
        wait_until(lambda: told_by(bench.archiver) == [told], 20, "what is told of the upload")
        held.let_go()
        wait_until(lambda: not bench.spool.waiting(), 20, "the first recording")
        wait_until(lambda: not told_by(bench.archiver), 20, "an end of the problem")


def test_long_uploads_that_hang_hold_up_no_short_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [RECORDING_ID[:-1] + digit for digit in "1234"]
    for id_ in long:
        _one(bench, id_, 10.0)
    _one(bench, SHORT, 5.0)
    for id_ in (*long, SHORT):
        bench.recordings.prepare(id_)
    size = bench.builder.audio_file(SHORT).stat().st_size
    monkeypatch.setattr("callrec.archive.archiver.SHORT_BYTES", size)
    held = Held(monkeypatch, bench.store, "put", *long)
    with bench.running(), held:
        held.wait(2)
        _small_things(bench)
        _pass(bench, *long)
        assert len(held.reached) == 2, "the others wait for those of their kind"


def test_a_long_join_holds_up_no_short_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _one(bench, RECORDING_ID, 11.0)
    held = Held(monkeypatch, bench.builder, "build", RECORDING_ID)
    with bench.running(), held:
        held.wait()
        _one(bench, SHORT, 5.0)
        _small_things(bench)
        _pass(bench, RECORDING_ID)


def test_while_a_store_hangs_all_sound_is_fetched_and_joined(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [RECORDING_ID[:-1] + digit for digit in "12345678"]
    held = Held(monkeypatch, bench.store, "put", *ids)
    with bench.running(), held:
        for id_ in ids:
            _one(bench, id_, 5.0)
        bench.archiver.wake()
        held.wait(3)
        wait_until(lambda: all(map(bench.builder.is_joined, ids)), 20, "the joined files")


def test_what_waits_for_the_archive_alone_is_not_looked_at_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is away they become ten thousands, and each call that ends wakes all lanes."""
    looked: list[str] = []
    real = bench.builder.is_joined

    def is_joined(id_: str) -> bool:
        looked.append(id_)
        return real(id_)

    bench.captured()
    bench.store.away = True
    bench.later()
    bench.archiver.work()
    monkeypatch.setattr(bench.builder, "is_joined", is_joined)
    other = bench.captured_too()
    bench.archiver.work()
    assert set(looked) == {other} and bench.spool.waiting() == [RECORDING_ID, other]
    bench.store.away = False
    bench.later()
    assert not bench.spool.waiting()


def test_one_recording_is_on_one_lane_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.captured()
    at_once, most = [0], [0]
    real = bench.recordings.archive

    def counted(id_: str) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        try:
            return real(id_)
        finally:
            at_once[0] -= 1

    monkeypatch.setattr(bench.recordings, "archive", counted)
    held = Held(monkeypatch, bench.store, "put", RECORDING_ID)
    with bench.running(), held:
        held.wait()
        for _ in range(20):
            bench.archiver.wake()
        held.let_go()
        wait_until(lambda: not bench.spool.waiting(), 20, "the recording")
    assert most == [1] and all(len(each) == 1 for each in bench.store.versions.values())


def test_a_lane_that_dies_ends_the_archiver(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the process ends, and is started again: one that only seems to run archives nothing."""

    monkeypatch.setattr(bench.archiver._uploading[-1], "run", lambda: None)
    thread = threading.Thread(target=bench.archiver.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_a_lane_with_nothing_of_its_own_rests(bench: Bench) -> None:
    """What is due and another lane's is no reason to look again and again."""
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    bench.clock.now += 1
    lane = bench.archiver._uploading[-1]
    lane.take()
    assert lane._pause_s() == 5.0


def test_what_another_lane_has_done_meanwhile_is_no_problem(bench: Bench) -> None:
    """It was seen waiting by both, and is gone when the second comes to it."""
    _one(bench, RECORDING_ID, 1.0)
    steps = [step for take in (bench.archiver._to_join,) for _, step in take(lambda _: True)]
    bench.archiver.work()
    assert bench.spool.waiting() == []
    for step in steps:
        step()


def test_a_failure_of_what_waits_no_more_is_told_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is noted last of all: no lane has anything to do after it."""
    _one(bench, RECORDING_ID, 1.0)
    bench.archiver.work()

    def late(_fits: object) -> Iterator[tuple[str, Callable[[], object]]]:
        if not tried.is_set():
            tried.set()
            yield RECORDING_ID, refused

    def refused() -> None:
        raise StoreUnreachable("the S3 server does not answer")

    tried = threading.Event()
    lane = bench.archiver._uploading[0]
    monkeypatch.setattr(lane, "_waiting", lambda: late(None))
    with bench.running():
        wait_until(tried.is_set, 20, "the attempt")
        wait_until(lambda: "does not answer" not in str(told_by(bench.archiver)), 20, "the end of it")


def test_what_is_damaged_after_it_was_joined_is_joined_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload finds the damage; by then another lane has taken note that nothing is to be joined."""
    bench.captured()
    bench.store.away = True
    bench.archiver.work()
    sound = bench.builder.audio_file(RECORDING_ID)
    sound.write_bytes(b"x" + sound.read_bytes()[1:])
    bench.store.away = False
    build = bench.builder.build

    def looked_meanwhile(id_: str) -> Any:
        assert not list(bench.archiver._to_join(lambda each: True))
        return build(id_)

    with monkeypatch.context() as patch:
        patch.setattr(bench.builder, "build", looked_meanwhile)
        patch.setattr(bench.builder._tracks, "fetch", lambda captured: _away())
        bench.later()  # the damage is found, and the PBX is away
    bench.later()
    bench.later()
    assert not bench.spool.waiting(), told_by(bench.archiver)


def _away() -> None:
    raise PbxUnreachable("the PBX is away")
