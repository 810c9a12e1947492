"""Finds the files that come with callrec: Asterisk includes, migrations, prompts."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Returns the path of a shipped file or folder, e.g. ``shipped("prompts/ja")``. Raises FileNotFoundError.

    In a checkout these stand beside the package, in an installed wheel inside it.
    """
    for base in (_PACKAGE.parent, _PACKAGE / "shipped"):
        if (base / name).exists():
            return base / name
    raise FileNotFoundError(f"{name} is missing from this installation of callrec")
