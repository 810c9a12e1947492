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
SECONDS = 10.0
"""How long the server may take."""


class Heartbeat(Worker):
    """Asks `url` each minute while `works` says so. An answer that is no success is a problem."""

    def __init__(
        self,
        url: str,
        works: Callable[[], bool],
        problems: Problems,
        ca_file: Callable[[], Path | None],
        proxy: str = "",
    ) -> None:
        self._url, self._works, self._ca_file, self._proxy = url, works, ca_file, proxy
        super().__init__(lambda: problems.attempt("heartbeat", self.beat), lambda: EACH_SECONDS)

    def beat(self) -> None:
        """Asks once, unless the recorder does not work. Raises Unreachable."""
        if not self._url or not self._works():
            return
        try:
            status = self._asked()
        except (requests.RequestException, OSError) as error:
            raise self._failed(why(error)) from error
        if not 200 <= status < 300:
            raise self._failed(status)

    def _asked(self) -> int:
        with web.asked(self._url, SECONDS, self._ca_file(), self._proxy) as response:
            return response.status_code

    def _failed(self, problem: object) -> Unreachable:
        # Without its path, which is often all that keeps others from asking it.
        host = without_secrets(self._url).split("/")[2]
        return Unreachable(
            "the heartbeat does not reach {host} ({problem}): check health.heartbeat_url",
            host=host,
            problem=problem,
        )


class Textfile(Worker):
    """Writes what `text` returns into a file that everybody may read, while `works` says so."""

    def __init__(
        self, path: Path | None, works: Callable[[], bool], problems: Problems, text: Callable[[], bytes]
    ) -> None:
        self._path, self._works, self._text = path, works, text
        super().__init__(lambda: problems.attempt("textfile", self.write), lambda: FILE_SECONDS)

    def write(self) -> None:
        """Writes it once, unless the recorder does not work. Raises OSError."""
        if self._path and self._works():
            write_whole(self._path, self._text(), mode=0o644)
