"""Makes one archive that installs callrec on Debian 12 and 13 without a network: its wheel and those it runs
with, for both versions of Python, the names of the system's packages, checksums and `install.sh`.

usage: python -m release.bundle [--architecture x86_64|aarch64] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from callrec import __version__
from release.lock import ROOT
from release.wheels import ARCHITECTURES, MADE_AT, VERSIONS, digest, own_wheel, requirements, wheels

HERE = Path(__file__).parent
FILES = (HERE / "install.sh", HERE / "system-packages", ROOT / "LICENSE", ROOT / "CHANGELOG.md")


def make(folder: Path, architecture: str) -> Path:
    """Makes the archive in a folder, and returns its path. Raises NotMade."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"callrec-{__version__}-{architecture}"
    archive = folder / f"{name}.tar"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        content = Path(scratch, name)
        fill(content, architecture)
        # wheels are packed already
        with tarfile.open(Path(scratch, archive.name), "w") as tar:
            tar.add(content, name, filter=_same_each_time)
        Path(scratch, archive.name).replace(archive)
    return archive


def fill(content: Path, architecture: str) -> None:
    """Puts into a new folder what the archive has. Raises NotMade."""
    (content / "wheels").mkdir(parents=True)
    own = own_wheel(content / "wheels")
    for version in VERSIONS:
        found = [_put(each, content / "wheels" / each.name) for each in wheels(architecture, version)]
        (content / f"requirements-{version}.txt").write_text(requirements([own, *found]))
    for each in FILES:
        shutil.copy(each, content)
    shutil.copytree(ROOT / "docs", content / "docs")
    seal(content, __version__, architecture)


def seal(content: Path, version: str, architecture: str) -> None:
    """Says in a folder what it is, and writes the checksums of its files."""
    (content / "version").write_text(f"{version}\n")
    (content / "architecture").write_text(f"{architecture}\n")
    sums = content / "SHA256SUMS"
    files = sorted(each for each in content.rglob("*") if each.is_file() and each != sums)
    sums.write_text("".join(f"{digest(each)}  {each.relative_to(content)}\n" for each in files))


def _put(wheel: Path, target: Path) -> Path:
    """Puts a wheel of the cache where others are, and returns its path there. What is made of Python alone is
    there once for both versions."""
    if not target.exists():
        shutil.copy(wheel, target)
    return target


def _same_each_time(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", MADE_AT))
    entry.mode = 0o755 if entry.isdir() or entry.name.endswith(".sh") else 0o644
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(prog="release.bundle", description="Makes the archive to install from.")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=os.uname().machine)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    given = parser.parse_args()
    print(make(given.output, given.architecture))


if __name__ == "__main__":
    main()
