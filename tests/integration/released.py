"""The released program, as an office gets it: installed without a network, run outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from release import bundle

PYTHON = "/usr/bin/python3"
"""That of the distribution: what an office has."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def bare(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command without a network, in the root folder, with nothing of this process's environment."""
    return subprocess.run(
        [str(shutil.which("unshare")), "--net", *command],
        cwd="/",
        env={"PATH": PATH, "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def installed(folder: Path) -> Path:
    """Installs the archive that `make bundle` makes; returns the program."""
    archive = bundle.make(folder, os.uname().machine)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    prefix = folder / "opt"
    done = bare("sh", str(folder / archive.stem / "install.sh"), "--prefix", str(prefix), "--python", PYTHON)
    assert done.returncode == 0, done.stderr
    return prefix / "bin/callrec"
