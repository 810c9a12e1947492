"""Finds the files that come with callrec: Asterisk includes, migrations, prompts."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Returns the path of a shipped file or folder, e.g. ``shipped("prompts/ja")``. Raises FileNotFoundError.

    In an installed wheel these stand inside the package, in a checkout beside it. Beside an installed package
    stand those of others, of which one may have such a name.
    """
    for base in (_PACKAGE / "shipped", _PACKAGE.parent):
        if (base / name).exists():
            return base / name
    raise FileNotFoundError(f"{name} is missing from this installation of callrec")
