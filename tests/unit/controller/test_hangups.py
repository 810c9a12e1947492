"""Waiting for channels to go."""

from __future__ import annotations

import threading
import time

import pytest

from callrec.controller.hangups import Hangups


def test_those_that_went_before_or_meanwhile_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.controller.hangups.PATIENCE_SECONDS", 60.0)
    departures = Hangups()
    departures.gone("a")
    later = threading.Timer(0.05, departures.gone, ["b"])
    later.start()
    assert departures.wait(["a", "b"])
    later.join()
    assert departures.wait(["b"]), "each may be waited for twice"


def test_what_never_goes_is_waited_for_a_moment() -> None:
    departures, began = Hangups(), time.monotonic()
    departures.gone("another")
    assert not departures.wait(["a"])
    assert time.monotonic() - began < 5


def test_not_all_that_ever_went_is_remembered() -> None:
    departures = Hangups()
    for number in range(5000):
        departures.gone(str(number))
    assert departures.wait(["4999", "4100"]) and not departures.wait(["1"])
