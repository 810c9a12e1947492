"""Asks a URL each minute, and writes a file for node_exporter, as long as the recorder works: so that its
silence is told by somebody else.

A thread that hangs, or a link to the PBX that is down, stops both (decision 23). Threads of the controller.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import requests

from callrec import web
from callrec.addresses import without_secrets
from callrec.errors import Unreachable
from callrec.failures import why
from callrec.files import write_whole
from callrec.problems import Problems
from callrec.worker import Worker

EACH_SECONDS = 60.0
FILE_SECONDS = 15.0
LOOK_SECONDS = 1.0
"""How often is looked whether the recorder works again."""
SECONDS = 10.0
"""How long the server may take."""


class WhileItWorks(Worker):
    """Does `step` each `pause` seconds as long as `works` says so, and as soon as it does again."""

    def __init__(
        self,
        name: str,
        step: Callable[[], object],
        works: Callable[[], bool],
        problems: Problems,
        pause: float,
    ) -> None:
        self._step, self._works, self._each, self._next = step, works, pause, pause
        super().__init__(lambda: problems.attempt(name, self.look), lambda: self._next)

    def look(self) -> None:
        """Does the step once, unless the recorder does not work. Raises what it raises."""
        working = self._works()
        self._next = self._each if working else LOOK_SECONDS
        if working:
            self._step()


def heartbeat(
    url: str,
    works: Callable[[], bool],
    problems: Problems,
    ca_file: Callable[[], Path | None],
    proxy: str = "",
) -> WhileItWorks:
    """Makes what asks `url` each minute. An answer that is no success is a problem."""

    def ask() -> None:
        if url:
            _ask(url, ca_file(), proxy)

    return WhileItWorks("heartbeat", ask, works, problems, EACH_SECONDS)


def textfile(
    path: Path | None, works: Callable[[], bool], problems: Problems, text: Callable[[], bytes]
) -> WhileItWorks:
    """Makes what writes `text` into a file that everybody may read. An OSError is a problem."""

    def write() -> None:
        if path:
            write_whole(path, text(), mode=0o644)

    return WhileItWorks("textfile", write, works, problems, FILE_SECONDS)


def _ask(url: str, ca_file: Path | None, proxy: str) -> None:
    """Asks a URL once. Raises Unreachable, without its path: that is often all that keeps others away."""
    host = without_secrets(url).split("/")[2]
    try:
        with web.asked(url, SECONDS, ca_file, proxy) as response:
            status = response.status_code
    except (requests.RequestException, OSError) as error:
        raise _failed(host, why(error)) from error
    if not 200 <= status < 300:
        raise _failed(host, status)


def _failed(host: str, problem: object) -> Unreachable:
    return Unreachable(
        "the heartbeat does not reach {host} ({problem}): check health.heartbeat_url",
        host=host,
        problem=problem,
    )
