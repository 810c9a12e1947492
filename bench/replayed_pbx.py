"""A PBX that is none: it sends the events of real calls, as Asterisk wrote them, and takes every request.

The transcripts of tests/scenarios are sent over a websocket as often as is asked for, each call with ids,
names and times of its own. What the controller makes itself answers to its requests, as on a PBX: a snoop
starts, its recording begins, and both end with the channel.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import socketserver
import struct
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from callrec.pbx.event_messages import KINDS

TRANSCRIPTS = Path(__file__).parent.parent / "tests" / "scenarios"
WHOLE = ("inbound_announced", "internal", "manual_keys", "never", "outbound_announced", "standby_kept",
         "transferred_to_never", "unanswered", "busy")  # fmt: skip
"""Calls of all kinds."""
_OWN = re.compile(r'^\{"type": "(?:Recording|Playback)|"id": "callrec\.')
_ID = re.compile(r"demo-\d+\.\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=[0-9a-z]-)[0-9a-f]{8}(?=\")")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
_SEALED = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def transcript(name: str) -> list[str]:
    """Returns the messages of a call as Asterisk sends them to callrec: what it filters is left out."""
    lines = (TRANSCRIPTS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [line for line in lines if not _OWN.search(line) and json.loads(line)["type"] in KINDS]


class ReplayedPbx:
    """Listens on a free port, for one controller. A context manager."""

    def __init__(self, api_docs: Path) -> None:
        self._docs, self._lock = api_docs, threading.Lock()
        self._calls = iter(range(1, 1 << 30))
        self._socket: socket.socket | None = None
        self.linked = threading.Event()
        self.sent = self.requests = 0
        self.asked: dict[str, float] = {}
        """When each channel came to the gate that waits there."""
        self.gate: list[float] = []
        """How many seconds each has waited there."""
        self._snoops: dict[str, list[str]] = defaultdict(list)
        self._tracks: dict[str, str] = {}

    def __enter__(self) -> ReplayedPbx:
        pbx = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                while request := self.rfile.readline():
                    headers = dict(self._headers())
                    self.rfile.read(int(headers.get("content-length", 0)))
                    method, target, _ = request.decode().split(" ", 2)
                    if "sec-websocket-key" in headers:
                        pbx.upgrade(self.connection, headers["sec-websocket-key"])
                        while self.rfile.read1(1024):  # pings, and the end
                            pass
                        return
                    status, body = pbx.answer(method, target)
                    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
                    self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

            def _headers(self) -> Iterator[tuple[str, str]]:
                while (line := self.rfile.readline().strip().decode()) != "":
                    name, _, value = line.partition(":")
                    yield name.lower(), value.strip()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ari"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket:
            self._socket.close()
        self._server.shutdown()
        self._server.server_close()

    # --- requests

    def upgrade(self, connection: socket.socket, key: str) -> None:
        accepted = base64.b64encode(hashlib.sha1((key + _SEALED).encode()).digest()).decode()  # noqa: S324
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(f"{head}Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode())
        self._socket = connection
        self.linked.set()

    def answer(self, method: str, target: str) -> tuple[int, bytes]:
        """Returns the status and the body of the answer to a request, and does what it asks."""
        parts = urlsplit(target)
        path = [unquote(each) for each in parts.path.removeprefix("/ari/").split("/")]
        if path[0] == "api-docs":
            told = (self._docs / path[1]).read_text().replace("http://localhost:8088/ari", self.url)
            return 200, told.encode()
        self.requests += 1
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match method, path:
            case "POST", ["channels", channel, "snoop", snoop]:
                self._snoops[channel].append(snoop)
                self._tell_own("StasisStart", snoop, args=[])
                return 200, json.dumps(_channel(snoop)).encode()
            case "POST", ["channels", snoop, "record"]:
                self._tracks[snoop] = query["name"]
                self._tell("RecordingStarted", recording={"name": query["name"]})
                return 201, json.dumps({"name": query["name"]}).encode()
            case "POST", ["channels", _, "play", playback]:
                self._tell("PlaybackStarted", playback={"id": playback, "state": "playing"})
                self._tell("PlaybackFinished", playback={"id": playback, "state": "done"})
                return 201, json.dumps({"id": playback}).encode()
            case "DELETE", ["channels", snoop]:
                self._end(snoop)
            case "POST", ["channels", channel, "continue"]:
                if since := self.asked.pop(channel, 0.0):
                    self.gate.append(time.monotonic() - since)
            case "GET", ["channels", _, "variable"]:
                return 200, b'{"value": "slin"}'
            case "GET", _:
                return 200, b"[]"
            case "PUT", ["applications", *_]:
                return 200, b'{"name": "callrec"}'
        return 204, b""

    def _end(self, snoop: str) -> None:
        if track := self._tracks.pop(snoop, None):
            self._tell("RecordingFinished", recording={"name": track})
        self._tell_own("ChannelDestroyed", snoop, cause=16, cause_txt="Normal Clearing")

    def _tell_own(self, kind: str, snoop: str, **more: Any) -> None:
        self._tell(kind, channel=_channel(snoop), **more)

    def _tell(self, kind: str, **more: Any) -> None:
        self._send(json.dumps({"type": kind, "timestamp": _now(), **more, "application": "callrec"}))

    # --- events

    def call(self, lines: list[str]) -> Iterator[None]:
        """Sends the next message of a call each time it is asked for one, and yields."""
        number, renamed = next(self._calls), dict[str, str]()

        def name(found: re.Match[str]) -> str:
            if found[0] not in renamed:
                renamed[found[0]] = _renamed(found[0], number, len(renamed))
            return renamed[found[0]]

        for line in lines:
            text = _ID.sub(name, line)
            told = json.loads(text) if '"StasisStart"' in text or '"ChannelDestroyed"' in text else None
            if told and told["type"] == "StasisStart":
                self.asked[told["channel"]["id"]] = time.monotonic()
            self._send(text)
            if told and told["type"] == "ChannelDestroyed":
                for snoop in self._snoops.pop(told["channel"]["id"], []):
                    self._end(snoop)
            yield

    def _send(self, text: str) -> None:
        assert self._socket
        with self._lock:  # it is stamped when it is its turn, as on a PBX
            data = _TIME.sub(_now(), text).encode()
            size = struct.pack("!BH", 126, len(data)) if len(data) > 125 else bytes([len(data)])
            self.sent += 1
            self._socket.sendall(b"\x81" + size + data)


def _renamed(name: str, number: int, place: int) -> str:
    if name.startswith("demo-"):
        return f"demo-{1795000000 + number}.{place}"
    return str(uuid.uuid4()) if len(name) > 8 else f"{number * 32 + place:08x}"


def _channel(id_: str) -> dict[str, Any]:
    nobody = {"name": "", "number": ""}
    return {
        "id": id_,
        "name": f"Snoop/{id_}",
        "state": "Up",
        "caller": nobody,
        "connected": nobody,
        "dialplan": {"context": "default", "exten": "s", "priority": 1, "app_name": "", "app_data": ""},
        "creationtime": _now(),
        "channelvars": {"CHANNEL(linkedid)": id_},
    }


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "+0000"
