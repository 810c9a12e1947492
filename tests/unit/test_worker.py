"""The loop of a thread: no wake and no stop is lost, whenever it comes."""

from __future__ import annotations

import threading

from callrec.worker import Worker

HOURS = 3600.0


def test_a_stop_that_comes_as_a_round_begins_ends_the_loop() -> None:
    """Between the look at whether to stop and the clearing of the wake."""
    worker = Worker(lambda: None, lambda: HOURS)
    clear = worker._wake.clear

    def stopped_meanwhile() -> None:
        worker.stop()
        clear()

    worker._wake.clear = stopped_meanwhile  # type: ignore[method-assign]
    _ends(worker)


def test_a_wake_during_the_work_begins_another_round() -> None:
    rounds: list[int] = []

    def work() -> None:
        rounds.append(len(rounds))
        (worker.wake if len(rounds) < 3 else worker.stop)()

    worker = Worker(work, lambda: HOURS)
    _ends(worker)
    assert rounds == [0, 1, 2]


def _ends(worker: Worker) -> None:
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
