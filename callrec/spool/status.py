"""Tells others how the controller stands, by a file of the spool: the controller writes it twice a second,
`callrec status` and the demo read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from callrec.files import write_unsynced

FILE = "status.json"


def write(directory: Path, told: dict[str, Any]) -> None:
    """Replaces the file. Not fsynced: after a power failure it would be out of date in any case."""
    write_unsynced(directory / FILE, json.dumps(told).encode())


def read(directory: Path) -> dict[str, Any]:
    """Returns what the controller told last; nothing where there is no such file, or a damaged one."""
    try:
        told = json.loads((directory / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
