"""Runs `callrec serve` with a trace of what Asterisk tells it and what it asks: python -m bench.traced FILE …

A line of JSON for each event when it has come, and for each request when it is over, with times of
time.time(). So bench.latency tells the controller's own share; what is traced is not what is measured else.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from callrec.commands import main
from callrec.pbx.transport import Answer, AriTransport, Websocket


def _trace(path: str) -> None:
    file = open(path, "a", buffering=1)  # noqa: PTH123, SIM115 (to the end of the process)
    receive, ask = Websocket.recv, AriTransport.request

    def recv(link: Websocket) -> str | None:
        told = receive(link)
        at = time.time()
        if told:
            file.write(json.dumps({"at": at, "event": json.loads(told)}) + "\n")
        return told

    def request(transport: AriTransport, method: str, url: str, *args: Any, **options: Any) -> Answer:
        begin = time.time()
        try:
            return ask(transport, method, url, *args, **options)
        finally:
            asked = {"at": begin, "end": time.time(), "request": f"{method} {url.partition('/ari')[2]}"}
            file.write(json.dumps(asked) + "\n")

    Websocket.recv, AriTransport.request = recv, request  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    _trace(sys.argv[1])
    main(sys.argv[2:])
