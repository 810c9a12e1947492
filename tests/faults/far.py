"""Another host: a network of its own, with one cable to this machine, which can be pulled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from callrec.demo.processes import Child, wait_until

PREFIX = "10.213.77"
"""The network of the cable. Nobody else's: where a test runs beside another, each has mounts of its own, but
the names of cables are the machine's."""


class FarHost:
    """A place for processes. A context manager; it ends with this process, also when that is killed."""

    here, there = f"{PREFIX}.1", f"{PREFIX}.2"
    """The addresses of this machine and of the other host on the cable."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._cable = f"cr{os.getpid()}"

    def __enter__(self) -> FarHost:
        self._holder = Child("another host", ["unshare", "--net", "sleep", "infinity"], self._log)
        wait_until(self._is_apart, 10, "a network of its own")
        far = f"{self._cable}f"
        _run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", str(self._holder.pid))
        _run("ip", "address", "add", f"{self.here}/30", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        _run(*self.inside, "ip", "address", "add", f"{self.there}/30", "dev", far)
        for name in ("lo", far):
            _run(*self.inside, "ip", "link", "set", name, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.stop()

    @property
    def inside(self) -> list[str]:
        """The words before a command that runs there."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    @contextmanager
    def parted(self) -> Iterator[None]:
        """The cable is pulled: nothing arrives, and nobody is told so."""
        _run("ip", "link", "set", self._cable, "down")
        try:
            yield
        finally:
            _run("ip", "link", "set", self._cable, "up")

    def _is_apart(self) -> bool:
        own = Path("/proc/self/ns/net").readlink()
        return Path(f"/proc/{self._holder.pid}/ns/net").readlink() != own


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
