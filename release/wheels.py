"""Gets the wheels that callrec runs with, as the lock says, and keeps them in the cache. What comes as source
only is built here: who installs needs neither a compiler nor a tool."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import parse_wheel_filename

from release.lock import ROOT, runtime

VERSIONS = ("3.11", "3.13")
"""The Python of Debian 12 and of Debian 13."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""As the kernel calls them, and Debian."""
GLIBC = 36
"""The minor version of Debian 12's."""
MADE_AT = 1577836800
"""The time of all files in what is made, as in the wheel: what is made again has the same bytes."""
CACHE = Path(
    os.environ.get("CALLREC_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callrec"
)


class NotMade(SystemExit):
    """What cannot be made, in one line."""


def pip(*arguments: str | Path) -> None:
    """Runs pip. Raises NotMade."""
    made = {"SOURCE_DATE_EPOCH": str(MADE_AT), **os.environ}
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], env=made, check=False)
    if done.returncode:
        raise NotMade(f"pip {arguments[0]} failed; see the lines above")


def platform(architecture: str, version: str) -> list[str]:
    """Returns the options by which pip takes wheels for another machine's Python."""
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in range(GLIBC, 4, -1)]
    tags += [f"manylinux2014_{architecture}", f"manylinux1_{architecture}"]
    where = [f"--platform={each}" for each in tags]
    return [*where, "--implementation", "cp", "--python-version", version]


def wheels(architecture: str, version: str) -> list[Path]:
    """Returns the wheels of all packages but callrec; gets them where the cache has not. Raises NotMade."""
    wanted = runtime(version)
    tools = (ROOT / "requirements" / "build.in").read_text() + sys.version
    mark = hashlib.sha256((wanted + tools).encode()).hexdigest()[:12]
    folder = CACHE / "wheels" / f"{architecture}-{version}-{mark}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / "wheels" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not folder.exists():
            _get(wanted, architecture, version, folder)
    return sorted(folder.glob("*.whl"))


def _get(wanted: str, architecture: str, version: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch, "wheels")
        asked = Path(scratch, "requirements.txt")
        asked.write_text(wanted)
        # without their dependencies: the lock has them all, and pip knows only those of its own Python
        common = ("--quiet", "--no-deps", "--no-build-isolation", "--use-pep517")
        where = platform(architecture, version)
        pip("download", *common, "--require-hashes", *where, "--dest", made, "--requirement", asked)
        for source in (each for each in made.iterdir() if each.suffix != ".whl"):
            pip("wheel", *common, "--no-index", "--wheel-dir", made, source)
            source.unlink()
        _fit_everywhere(made)
        shutil.move(made, folder)


def _fit_everywhere(folder: Path) -> None:
    """Raises NotMade where a wheel was built here of more than Python."""
    for wheel in folder.glob("*-linux_*.whl"):
        raise NotMade(f"{wheel.name} was built by a compiler, and fits this machine only")


def requirements(wheels: Iterable[Path]) -> str:
    """Returns the lines by which pip installs exactly these files."""
    return "".join(f"{_pin(each)} --hash=sha256:{digest(each)}\n" for each in wheels)


def _pin(wheel: Path) -> str:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return f"{name}=={version}"


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_wheel(folder: Path) -> Path:
    """Builds callrec's own wheel into a folder; the same bytes each time. Raises NotMade."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMade(f"callrec's own wheel could not be built: {done.stderr.strip()}")
    (made,) = folder.glob("callrec-*.whl")
    return made
