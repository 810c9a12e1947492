"""A thread that hangs is told of; one that waits, or goes from one thing to the next, is not."""

from __future__ import annotations

import threading

from callrec.health.progress import Progress
from callrec.worker import Pulse, SharedPulse, Worker


def test_a_thread_hangs_that_is_at_one_thing_for_too_long() -> None:
    now = [0.0]
    pulses = {name: Pulse(lambda: now[0]) for name in ("watch", "archive", "house")}
    progress = Progress(pulses, {"archive": 1800.0})
    pulses["watch"].beat()
    pulses["archive"].beat()
    now[0] = 61.0
    assert progress.stalled() == ["watch"], "the archive may take longer, the house waits"
    assert [str(each) for each in progress.problems()] == [
        "the thread watch hangs: callrec serve must be started again"
    ]
    now[0] = 1801.0
    assert progress.stalled() == ["watch", "archive"]
    pulses["watch"].beat()
    pulses["archive"].rest()
    assert progress.stalled() == []


def test_of_threads_side_by_side_the_slowest_counts() -> None:
    now = [0.0]
    pulse = SharedPulse(lambda: now[0])
    slow_is_at_it, is_over = threading.Event(), threading.Event()

    def slow() -> None:
        pulse.beat()
        slow_is_at_it.set()
        is_over.wait(10)
        pulse.rest()

    thread = threading.Thread(target=slow)
    thread.start()
    assert slow_is_at_it.wait(10)
    now[0] = 70.0
    pulse.beat()  # another one
    pulse.rest()
    assert pulse.busy_for() == 70.0
    is_over.set()
    thread.join(10)
    assert pulse.busy_for() == 0.0


def test_a_worker_tells_of_itself() -> None:
    seen: list[bool] = []

    def work() -> None:
        seen.append(worker.pulse.busy_for() > 0.0)
        worker.stop()

    worker = Worker(work, lambda: 0.0)
    worker.run()
    assert seen == [True] and worker.pulse.busy_for() == 0.0
