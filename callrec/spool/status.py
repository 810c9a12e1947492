"""Tells others how the controller stands, by a file of the spool: the controller writes it twice a second,
`callrec status` and the demo read it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from callrec.files import write_unsynced
from callrec.settings import Settings

FILE = "status.json"
_LOGIN = re.compile(r"//[^/\"]*@")


def write(directory: Path, told: dict[str, Any]) -> None:
    """Replaces the file. Not fsynced: after a power failure it would be out of date in any case."""
    write_unsynced(directory / FILE, json.dumps(told).encode())


def mark_of(settings: Settings) -> str:
    """Returns what tells these settings from others. No secret enters into it, also none in an address."""
    text = _LOGIN.sub("//", settings.model_dump_json())
    return hashlib.sha256(text.encode()).hexdigest()


def read(directory: Path) -> dict[str, Any]:
    """Returns what the controller told last; nothing where there is no such file, or a damaged one."""
    try:
        told = json.loads((directory / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
