"""Rows of docs/en/calls.md: the next phone has another rule."""

from __future__ import annotations

import pytest

from tests.unit.recording.by_mode import COLLEAGUE, end, press, segments, talking, transfer


@pytest.mark.parametrize(
    ("first", "before", "then", "audible", "keys", "effects", "wanted"),
    [
        ("manual", "keep stop", "automatic", 2, "keep stop", "unchanged refused", [1, 2]),
        ("manual", "keep stop", "manual", 0, "keep", "started", [1, 2]),
        ("manual", "keep stop", "standby", 0, "keep", "started", [1, 2]),
        ("manual", "", "standby", 2, "keep", "kept", [1]),
        ("never", "", "standby", 2, "keep", "kept", [1]),
        ("manual", "", "standby", 2, "", "", []),
        ("never", "", "manual", 0, "keep stop", "started stopped", [1]),
        ("standby", "", "manual", 2, "stop keep", "refused kept", [1, 2]),
        ("automatic", "", "manual", 2, "stop keep", "refused marked", [1, 2]),
        ("automatic", "", "standby", 2, "stop keep", "refused marked", [1, 2]),
        ("manual", "keep", "manual", 2, "keep stop", "unchanged stopped", [1, 2]),
        ("manual", "keep", "standby", 2, "keep stop", "unchanged refused", [1, 2]),
        ("manual", "keep", "automatic", 2, "keep stop", "unchanged refused", [1, 2]),
    ],
)
def test_a_transfer_to_a_phone_with_another_rule(
    first: str, before: str, then: str, audible: int, keys: str, effects: str, wanted: list[int]
) -> None:
    pbx = talking((first, "extension", "2101", "none"), (then, "extension", "2102", "none"))
    press(pbx, *before.split())
    transfer(pbx, COLLEAGUE)
    assert len(pbx.audible()) == audible
    assert press(pbx, *keys.split(), by=COLLEAGUE) == effects.split()
    end(pbx)
    assert (segments(pbx) if pbx.kept else []) == wanted
    assert bool(pbx.discarded) is (not wanted)
