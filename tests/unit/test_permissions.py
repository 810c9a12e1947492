"""Files that more people can read than should."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrec.permissions import OTHERS, too_wide


@pytest.mark.parametrize(
    ("mode", "alone", "with_a_group"),
    [(0o600, False, False), (0o640, True, False), (0o644, True, True), (0o602, True, True)],
)
def test_what_others_can_use_is_found(tmp_path: Path, mode: int, alone: bool, with_a_group: bool) -> None:
    path = tmp_path / "callrec.toml"
    path.touch()
    path.chmod(mode)
    assert too_wide([path]) == [path] * alone
    assert too_wide([path], OTHERS) == [path] * with_a_group


def test_folders_count_and_what_is_not_there_does_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert too_wide([tmp_path, tmp_path / "nothing", Path("/dev/null")]) == [tmp_path]
