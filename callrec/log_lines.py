"""Says how the log of a long-running process looks, and where it goes.

To the journal, where systemd collects it: one entry a line, each value a field of its own (`CALLREC_CALL=…`).
Else to standard error: for people on a terminal, one JSON object a line anywhere else. Writing is a thread's
work: whoever reads the log, or does not, no call waits for it.
"""

from __future__ import annotations

import atexit
import json
import queue
import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

import structlog

from callrec.systemd import Journal, is_journal
from callrec.visible import visible

MOST_WAITING = 10_000
"""Lines that wait for a reader; what comes then is counted, and lost."""
END_SECONDS = 2.0
"""How long an end waits for the last lines to be written."""
IDS = {"call", "linkedid", "recording", "alert", "key", "id", "event", "level", "timestamp", "at"}
"""Fields in which no telephone number can stand, but ids that look like one."""
_NUMBER = re.compile(r"(?<![\w.+-])(?:\+?\d{9,15}|0\d{1,4}-\d{1,4}-\d{3,4})(?![\w-]|\.\w)")
OTHER_PARTY = "number"
"""The field of who is at the other end of a call: an extension where the call is internal, else whatever the
line told, which may be as short as one."""
PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
"""The levels of the log, as the journal has them."""
Line = structlog.typing.EventDict


def log_to_stderr(*, numbers: bool) -> Writer:
    """Sets the log of this process up. With `numbers` telephone numbers stay in it; without, each is
    replaced by how many digits it has. Returns what writes the lines, and is closed when the process ends."""
    writer = _writer(sys.stderr)
    masked = [] if numbers else [without_numbers]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *masked,
            *_shown(sys.stderr),
        ],
        logger_factory=writer.logger,
    )
    return writer


def without_numbers(_logger: object, _method: str, line: Line) -> Line:
    """Replaces telephone numbers in a line; those of extensions are shorter."""
    masked = {name: value if name in IDS else _masked(value) for name, value in line.items()}
    if isinstance(line.get(OTHER_PARTY), str) and line.get("direction") != "internal":
        masked[OTHER_PARTY] = _digits(line[OTHER_PARTY])
    return masked


def _masked(value: object) -> object:
    if isinstance(value, str):
        return _NUMBER.sub(lambda found: _digits(found[0]), value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(each) for each in value]
    return value


def _digits(number: str) -> str:
    return f"({sum(map(str.isdigit, number))} digits)"


def _shown(stream: IO[str]) -> list[structlog.typing.Processor]:
    if is_journal(stream):
        return [_entry]
    if stream.isatty():
        return [_visibly, structlog.dev.ConsoleRenderer()]
    return [structlog.processors.JSONRenderer()]


def _visibly(_logger: object, _method: str, line: Line) -> Line:
    """Writes out what a terminal would obey. The lines of a traceback are its own."""
    return {
        name: "\n".join(map(visible, value.split("\n"))) if name == "exception" else _seen(value)
        for name, value in line.items()
    }


def _seen(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


def _entry(_logger: object, _method: str, line: Line) -> tuple[tuple[Mapping[str, str]], dict[str, Any]]:
    """Returns a line as the journal has it, as the argument of the logger."""
    return (as_entry(line),), {}


def as_entry(line: Mapping[str, Any]) -> dict[str, str]:
    """Returns the fields of a journal entry: `MESSAGE` is for people, `CALLREC_…` each value of the line."""
    values = {name: _text(value) for name, value in line.items() if name not in ("event", "level")}
    told = [f"{name}={value}" for name, value in values.items() if name not in ("timestamp", "exception")]
    return {
        "MESSAGE": visible(" ".join([str(line["event"]), *told])),
        "PRIORITY": PRIORITIES[line["level"]],
        "SYSLOG_IDENTIFIER": "callrec",
        "CALLREC_EVENT": str(line["event"]),
        **{f"CALLREC_{name.upper()}": value for name, value in values.items()},
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class Writer:
    """Writes lines on a thread of its own, in their order. `write` may block, and may raise OSError: a line
    that was not taken in time (TimeoutError) is tried again."""

    def __init__(self, write: Callable[[Any], None], lost: Callable[[int], Any]) -> None:
        """`lost` makes the line that says how many were lost, because nobody took them in time."""
        self._write, self._lost_line = write, lost
        self._waiting: queue.Queue[Any] = queue.Queue(MOST_WAITING)
        self._lost = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def logger(self, *_: object) -> Writer:
        """Returns itself: what structlog calls to make a logger."""
        return self

    def msg(self, line: Any) -> None:
        """Takes a line. Never waits."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._lost += 1

    debug = info = warning = error = critical = exception = msg

    def close(self) -> None:
        """Ends the thread once what waits is written, if that does not take long."""
        self._ending.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            with suppress(OSError, ValueError):  # nobody reads it any more, or it was closed
                self._write_in_time(line)
            if self._lost and self._waiting.empty():
                lost, self._lost = self._lost, 0
                self.msg(self._lost_line(lost))

    def _write_in_time(self, line: Any) -> None:
        """Writes a line, once whoever takes lines is there again: those after it wait for it."""
        while True:
            try:
                return self._write(line)
            except TimeoutError:
                if self._ending.is_set():
                    return None


def _writer(stream: IO[str]) -> Writer:
    if is_journal(stream):
        journal = Journal()
        return Writer(journal.send, lambda count: as_entry(_lost(count)))
    return Writer(lambda line: _print(stream, line), lambda count: json.dumps(_lost(count)))


def _print(stream: IO[str], line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def _lost(count: int) -> dict[str, Any]:
    return {"event": "lines of the log were lost: nobody took them", "count": count, "level": "error"}
