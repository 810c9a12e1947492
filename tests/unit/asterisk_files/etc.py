"""The configuration folder of an Asterisk, and the installer run on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from callrec.resources import shipped

NAMES = (
    "ari.conf",
    "confbridge.conf",
    "extensions.conf",
    "features.conf",
    "http.conf",
    "manager.conf",
    "modules.conf",
)


def etc_of(tmp_path: Path, **files: str) -> Path:
    """A configuration folder; `modules` gives modules.conf its text, and so on."""
    etc = tmp_path / "asterisk"
    etc.mkdir()
    for name, text in {"modules": "[modules]\nautoload = yes\n", **files}.items():
        (etc / f"{name}.conf").write_text(text)
        (etc / f"{name}.conf").chmod(0o640)
    return etc


def run_installer(etc: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(shipped("asterisk/install")), "--etc", str(etc), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def install(etc: Path, *options: str) -> str:
    done = run_installer(etc, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout
