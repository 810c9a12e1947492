"""Serves the desk: HTTP over a Unix socket, for people who can read neither callrec.toml nor the database.

`POST /v1/{operation}` with the arguments as a JSON object; the answer is as `wire` says. `GET /v1` tells the
version, and needs no role. Who asks is what the kernel tells of the other end of the socket, never what is
sent. Whoever can reach the socket may ask; what is done is decided by roles.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from callrec import __version__, account, systemd
from callrec.app import App
from callrec.desk import operations, wire
from callrec.desk.client import RemoteDesk
from callrec.desk.download import Download
from callrec.desk.listener import Listener, SocketFile
from callrec.desk.operation import OPERATIONS, Operation, admit, carry_out
from callrec.errors import CallrecError, NotAllowed, NotFound, WrongConfiguration, WrongUsage
from callrec.failures import why
from callrec.model.access import Caller, Through

log = structlog.get_logger()

WATCHED_TIMES = 3
"""How often the supervisor hears of the desk within the time in which it wants to."""
_STATUS = {
    1: HTTPStatus.NOT_FOUND,
    2: HTTPStatus.BAD_REQUEST,
    3: HTTPStatus.SERVICE_UNAVAILABLE,
    4: HTTPStatus.FORBIDDEN,
    5: HTTPStatus.CONFLICT,
}
"""By the exit code of an error."""
_JSON, _LINES, _FILE = "application/json", "application/x-ndjson", "application/octet-stream"


class DeskServer:
    """One desk on one socket: `prepare`, then `run` until `stop`."""

    def __init__(self, app: App, path: Path) -> None:
        self._path, self._file = path, SocketFile(path)
        self._server = Listener(path, web(app))
        self._end = SimpleQueue[None]()  # a handler of a signal may put into it

    def prepare(self) -> None:
        """Listens. Raises Refused where another desk does, and WrongConfiguration where nobody can."""
        self._file.take()
        try:
            self._server.prepare()
            self._file.open()
        except OSError as error:
            self._server.stop()
            raise WrongConfiguration(
                "desk.socket {path} cannot be used: {problem}", path=self._path, problem=why(error)
            ) from error

    def run(self) -> None:
        """Answers until `stop`, and then what was asked before."""
        serving = threading.Thread(target=self._serve, name="desk")
        serving.start()
        log.info("the desk listens", path=str(self._path))
        systemd.notify("READY=1")
        self._wait()
        systemd.notify("STOPPING=1")
        self._server.stop()
        serving.join()
        self._file.remove()
        log.info("the desk has ended")

    def stop(self) -> None:
        """Asks `run` to end."""
        self._end.put(None)

    def _wait(self) -> None:
        """Waits for `stop`. Where the supervisor wants to hear of it, the desk asks itself meanwhile: one
        that gives no answer does not say that it works."""
        wanted = systemd.watchdog_seconds()
        pause = wanted / WATCHED_TIMES if wanted else None
        while True:
            with suppress(Empty):
                return self._end.get(timeout=pause)
            with suppress(CallrecError):
                RemoteDesk(self._path).version()
                systemd.notify("WATCHDOG=1")

    def _serve(self) -> None:
        try:
            self._server.serve()
        finally:
            self.stop()


def web(app: App) -> Flask:
    """Returns the web application that carries operations out."""
    operations.load()
    made = Flask(__name__, static_folder=None)

    @made.get("/v1")
    def version() -> Response:
        return Response(json.dumps({"version": __version__}) + "\n", content_type=_JSON)

    @made.post("/v1/<name>")
    def answer(name: str) -> Response:
        return _Answer(name).made(app)

    @made.errorhandler(HTTPException)
    def nothing(error: HTTPException) -> Response:
        with suppress(WrongUsage):
            _asked()
        told = NotFound("the desk has nothing at {path}: is it of another version?", path=request.path)
        return Response(wire.error_line(told), error.code, content_type=_JSON)

    return made


class _Answer:
    """The answer to one question, and its line in the log, when it is over: who, what, and the exit code."""

    def __init__(self, name: str) -> None:
        self._name, self._who = name, ""
        self._code: int | None = None
        """None: not over, or who asked has gone before."""

    def made(self, app: App) -> Response:
        response = self._response(app)
        response.call_on_close(self._note)
        return response

    def _response(self, app: App) -> Response:
        try:
            caller = caller_of(request.environ)
            self._who = caller.name
            asked = _asked()
            wanted = _operation(self._name)
            session = admit(wanted, app, caller)  # before what was asked is even looked at
            given = wire.read_arguments(wanted, asked)
            return self._sent(wanted, carry_out(wanted, session, **given))
        except Exception as error:
            told = self._told(error)
            return Response(wire.error_line(told), _STATUS[told.exit_code], content_type=_JSON)

    def _sent(self, wanted: Operation[..., Any], result: Any) -> Response:
        types = wire.signature(wanted)
        if types.is_file:
            sent = Response(self._file(wanted, result), content_type=_FILE)
            sent.call_on_close(result.close)
            return sent
        if types.one_by_one:
            return Response(self._lines(wanted, result), content_type=_LINES)
        line = wire.value_line(wanted, result)
        self._code = 0
        return Response(line, content_type=_JSON)

    def _lines(self, wanted: Operation[..., Any], results: Iterable[Any]) -> Iterator[bytes]:
        try:
            for each in results:
                yield wire.value_line(wanted, each)
            yield wire.END_LINE
            self._code = 0
        except Exception as error:
            yield wire.error_line(self._told(error))

    def _file(self, wanted: Operation[..., Any], file: Download[Any]) -> Iterator[bytes]:
        """Yields what is said of a file, and its bytes."""
        try:
            yield wire.value_line(wanted, file.about)
            yield from map(wire.piece, file)
            self._code = 0
        except Exception as error:
            yield wire.error_line(self._told(error))

    def _told(self, error: Exception) -> CallrecError:
        """Returns what who asks is told of an error. What nobody foresaw is for the log."""
        if not isinstance(error, CallrecError):
            log.exception("a bug: please report it")
            problem = type(error).__name__
            error = CallrecError("the desk could not do it ({problem}): see its log", problem=problem)
        self._code = error.exit_code
        return error

    def _note(self) -> None:
        """Writes no arguments: they have numbers and names in them."""
        log.info("asked", who=self._who, operation=self._name[:100], code=self._code)


def caller_of(environ: dict[str, Any]) -> Caller:
    """Returns who is at the other end, as the kernel says. Raises NotAllowed where it does not."""
    try:
        user = int(environ["X_REMOTE_UID"])
    except (KeyError, ValueError) as error:
        raise NotAllowed("the system does not say who asks") from error
    return Caller(account.person(user), account.groups_of(user), Through.DESK)


def _operation(name: str) -> Operation[..., Any]:
    try:
        return OPERATIONS[name]
    except KeyError:
        raise WrongUsage(
            "the desk knows nothing called {name}: is it of another version?", name=name
        ) from None


def _asked() -> bytes:
    """Returns what was sent. Raises WrongUsage where it is too long, or breaks off.

    It is read also where it is of no use: of a socket that is closed before, who asked reads no answer.
    """
    problem = WrongUsage("what was asked did not arrive, or has more than {most} bytes", most=wire.MOST_ASKED)
    if request.content_length is None:  # in pieces, which have no longest
        raise problem
    try:
        return request.get_data()
    except (OSError, ValueError, HTTPException) as error:
        raise problem from error
