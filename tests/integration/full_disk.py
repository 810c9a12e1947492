"""A real disk that is full: a small tmpfs in a mount namespace of its own, which goes with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
_SCRIPT = f"""
disk=$1 pages=$2; shift 2
mkdir "$disk"; mount -t tmpfs -o size=$(((pages + 1) * {PAGE})) tmpfs "$disk"
head -c {PAGE} /dev/zero > "$disk/filler"
"$@" 2> "$disk.complaint" && echo 0 > "$disk.code" || echo $? > "$disk.code"
rm "$disk/filler"; ls -A "$disk" > "$disk.left"
mount -o remount,size=10m "$disk"
"$@"
cp -a "$disk" "$disk.copy"
"""


@dataclass(frozen=True)
class Tried:
    """What came of a command on a full disk, and of the same command after room was made."""

    code: int
    complaint: str
    left: list[str]
    """The names of what lay on the disk after the first try."""
    again: int
    made: Path
    """A copy of what lay there after the second."""


def try_on_full_disk(disk: Path, pages: int, *arguments: str) -> Tried:
    """Runs the program while `disk`, a folder that is not there yet, has room for so many pages only; then
    once more, with room enough."""
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        _SCRIPT,
        "sh",
        str(disk),
        str(pages),
    ]
    done = subprocess.run([*command, sys.executable, "-m", "callrec", *arguments], check=False, timeout=60)
    code, complaint, left, made = (disk.with_suffix(end) for end in (".code", ".complaint", ".left", ".copy"))
    return Tried(
        int(code.read_text()), complaint.read_text(), left.read_text().split(), done.returncode, made
    )
