"""The queues of bench/scale.py are as Erlang has them, and docs/scale.md has what that reckons."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path

import numpy as np
import pytest

from bench.queueing import at_once, erlang_b, lengths, lines_for, lost, poisson, waits
from bench.scale import MEAN_SECONDS, PAGE, Costs, at_mean, between, simulate, sizes_table


def test_calls_that_find_all_lines_busy_are_as_many_as_erlang_b_says() -> None:
    dice = np.random.default_rng(7)
    begins = poisson(dice, 0.5, 200_000.0)
    took = lengths(dice, len(begins), 20.0, 1.0)  # 10 Erlang, however long each is
    assert lost(begins, took, 12) / len(begins) == pytest.approx(erlang_b(10.0, 12), rel=0.05)
    assert erlang_b(10.0, 12) == pytest.approx(0.1197, abs=0.0001)
    assert erlang_b(10.0, lines_for(10.0, 0.001)) <= 0.001 < erlang_b(10.0, lines_for(10.0, 0.001) - 1)


def test_who_waits_waits_as_long_as_erlang_c_says() -> None:
    dice, servers, load = np.random.default_rng(7), 3, 2.4
    begins = poisson(dice, load, 200_000.0)
    waited = waits(begins, dice.exponential(1.0, len(begins)), servers)
    blocked = erlang_b(load, servers)
    waiting = blocked / (1 - load / servers * (1 - blocked))
    assert float(np.mean(waited > 0)) == pytest.approx(waiting, rel=0.03)
    assert float(np.mean(waited)) == pytest.approx(waiting / (servers - load), rel=0.05)


def test_calls_last_as_long_as_was_asked_for() -> None:
    dice = np.random.default_rng(7)
    took = lengths(dice, 400_000, 180.0, 1.2)
    assert float(np.mean(took)) == pytest.approx(180.0, rel=0.03)
    assert at_once(np.array([0.0, 1.0, 5.0]), np.array([2.0, 2.0, 1.0])) == 2


def test_ten_times_the_office_takes_ten_times_the_machines_and_has_one_custody_log() -> None:
    small, large = simulate(30_000, Costs()), simulate(300_000, Costs())
    assert large.nodes == pytest.approx(small.nodes * 10, abs=10)
    assert large.parts[-1].used == pytest.approx(small.parts[-1].used * 10)
    assert math.isclose(large.calls_s, 10 * small.calls_s)
    assert small.highest > small.erlangs


def test_what_a_call_costs_once_is_a_smaller_part_of_a_longer_call() -> None:
    once, a_minute = 0.05, 0.3
    by_length = {seconds: a_minute + once * 60 / seconds for seconds in (20.0, 60.0)}
    assert at_mean(by_length) == pytest.approx(a_minute + once * 60 / MEAN_SECONDS)


def test_the_page_has_what_is_reckoned_by_the_costs_that_it_names() -> None:
    page = PAGE.read_text("utf-8")
    rows = [line.split(" | ") for line in page.partition("<!-- costs")[2].splitlines()[3:]]
    values = [float(row[1].replace(",", "")) for row in rows if len(row) == 3]
    costs = Costs(*values[: len(Costs.__dataclass_fields__)])
    assert between(page, "sizes", sizes_table(costs)) == page, "python -m bench.scale --write"


def test_the_page_names_benchmarks_that_there_are() -> None:
    found = re.findall(r"`python -m ([\w.-]+)((?: --\w+)*)`", PAGE.read_text("utf-8"))
    assert len(found) > 5
    for module, options in found:
        spec = importlib.util.find_spec(module)
        assert spec and spec.origin, module
        assert all(f'"{each}"' in Path(spec.origin).read_text("utf-8") for each in options.split())
