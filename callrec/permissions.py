"""Finds files that more people can read than should."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

OTHERS, GROUP_AND_OTHERS = 0o007, 0o077
"""Bits of a mode that a file with secrets must not have: the first where a group may read it on purpose."""


def too_wide(paths: Iterable[Path], forbidden: int = GROUP_AND_OTHERS) -> list[Path]:
    """Returns those of the files and folders that somebody can use who should not. Pipes are nobody's, and
    what is not there or cannot be looked at is left out."""
    return [path for path in paths if _mode(path) & forbidden]


def _mode(path: Path) -> int:
    """Returns the bits of a file or folder that say who may use it; 0 of anything else."""
    try:
        return path.stat().st_mode if path.is_file() or path.is_dir() else 0
    except OSError:
        return 0
