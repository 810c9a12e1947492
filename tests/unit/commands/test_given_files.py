"""A file that somebody names may be a device without an end: it costs no memory, and a line says so."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

MEMORY = 2 << 30
"""Bytes that the process may ask for: many times what it needs, and a part of a small machine."""
ENDLESS = {
    "answers": ["init", "--answers", "/dev/zero"],
    "answers on standard input": ["init", "--answers", "-"],
    "a log": ["log", "01a22ae5-88c9-7620-9f1c-18b6e04976cc", "--file", "/dev/zero"],
    "rules": ["rule", "import", "/dev/zero"],
    "extensions": ["extension", "import", "/dev/zero"],
    "a key": ["verify", "package.zip", "--key", "/dev/zero"],
    "spans": ["redact", "01a22ae5", "--spans", "/dev/zero", "--ground", "x"],
    "a passphrase": ["export", "--request", "1", "-o", "x.zip", "--passphrase-file", "/dev/zero"],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_device_without_an_end_is_refused(name: str, tmp_path: Path) -> None:
    config = tmp_path / "callrec.toml"
    config.write_text(
        f'[catalogue]\nurl = "sqlite:///{tmp_path}/c.db"\n[spool]\ndirectory = "{tmp_path}/s"\n'
    )
    config.chmod(0o600)
    with zipfile.ZipFile(tmp_path / "package.zip", mode="w") as package:
        package.writestr("package.json", "{}")
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [sys.executable, "-c", "from callrec.commands import main; main()", *ENDLESS[name]],
            cwd=tmp_path,
            stdin=endless,
            env={"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert re.search("is too large|is (larger|longer) than a megabyte", done.stderr), done.stderr
