"""Ways have their turns side by side: none always first, none with a round more."""

from __future__ import annotations

import pytest

from bench.pairs import by_round, in_turn


def test_each_way_has_one_turn_a_round() -> None:
    said: list[str] = []

    def way(name: str) -> int:
        said.append(name)
        return len(said)

    found = in_turn({"a": lambda: way("a"), "b": lambda: way("b")}, rounds=3, warm_up=1)
    assert said == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert found == {"a": [4, 5, 8], "b": [3, 6, 7]}, "the warm-up is left out"


def test_a_ratio_is_of_one_round() -> None:
    assert by_round([1, 6], [2, 3]) == [0.5, 2]
    with pytest.raises(ValueError, match="shorter"):
        by_round([1, 6], [2])
