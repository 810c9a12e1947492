"""A Debian to install packages into: this machine's own, seen through an overlay that takes every change,
with a systemd of its own, and without a network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.machine import WORLD
from tests.integration.released import PATH
from tests.integration.system import eventually

BOOT = """
set -e
mount --make-rprivate /
mount --bind "$1" /mnt
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
rm -rf etc/callrec var/lib/callrec opt/callrec usr/sbin/policy-rc.d
mount --rbind /dev dev
mount --bind /mnt mnt
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/systemd/system run/lock tmp/before
cp mnt/world.target run/systemd/system
mount -t tmpfs tmpfs tmp
mkdir tmp/before
pivot_root . tmp/before
umount -l /tmp/before
export container=other
exec /lib/systemd/systemd --system --unit=world.target --log-target=null --show-status=0
"""


class DebianRoot:
    """The root of that Debian. `/mnt` in it is the folder that it shares with the test."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs a script of the shell in it, as root."""
        return subprocess.run(
            [
                str(shutil.which("nsenter")),
                "--all",
                "--root",
                "--wd",
                f"--target={self._init()}",
                "sh",
                "-c",
                script,
            ],
            env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def said(self, script: str) -> str:
        """What a script says, which must go well."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def _init(self) -> int:
        """The first process within, which the one that was started waits for."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(eventually(lambda: children.read_text().split() or None)[0])


@contextmanager
def debian(shared: Path) -> Iterator[DebianRoot]:
    """A running Debian; at the end nothing of it is left."""
    (shared / "world.target").write_text(WORLD)
    spaces = ["--pid", "--mount", "--uts", "--ipc", "--cgroup", "--net", "--fork", "--kill-child"]
    process = subprocess.Popen(["unshare", *spaces, "sh", "-c", BOOT, "boot", shared])
    try:
        root = DebianRoot(process)
        eventually(lambda: root.run("systemctl is-active world.target").returncode == 0, what="its start")
        yield root
    finally:
        process.kill()  # systemd does not end for a polite signal; all that it started ends with it
        process.wait()
