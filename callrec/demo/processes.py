"""Runs child processes of the demo: started with a log, stopped by their own pid, never left behind."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from callrec.errors import DemoFailed

STOP_SECONDS = 10.0


def wait_until(check: Callable[[], bool], seconds: float, what: str) -> None:
    """Polls `check` until it is true. Raises DemoFailed, which names `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise DemoFailed("{what} did not happen within {seconds} s", what=what, seconds=seconds)
        time.sleep(0.05)


class Child:
    """One child process. Where setpriv is installed it dies with its parent, also when that is killed."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.log = name, log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*_tied_to_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                # Ctrl-C reaches the demo alone, which stops its children in order. A session of its own would
                # do that too, but a busy machine can leave one without the processor for half a minute.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, check: Callable[[], bool], seconds: float, what: str) -> None:
        """Does as `wait_until`, but gives up at once, with the end of its log, when the process has died."""

        def checked() -> bool:
            if not self.running:
                raise DemoFailed("{name} ended by itself: {words}", name=self.name, words=self.last_words())
            return check()

        wait_until(checked, seconds, what)

    def last_words(self) -> str:
        """Returns the last lines of its log, on one line."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def stop(self) -> None:
        """Asks the process to end, and ends it when it does not within 10 s."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends the process without asking, as a crash would."""
        self._process.kill()
        self._process.wait()


def _tied_to_parent() -> list[str]:
    """Returns the words before a command that let it die with its parent; none without setpriv."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
