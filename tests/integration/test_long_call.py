"""A call of hours: as much memory as one of minutes."""

from __future__ import annotations

from pathlib import Path

from tests.long_call import peak_megabytes


def test_memory_does_not_grow_with_the_call(tmp_path: Path) -> None:
    """Half an hour and three hours need the same: everything is streamed."""
    short, long = peak_megabytes(30, tmp_path), peak_megabytes(180, tmp_path)
    assert long < 100, "the whole process, with its libraries"
    assert long - short < 10
